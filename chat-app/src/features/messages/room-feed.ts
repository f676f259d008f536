import type { ChatRoom, PendingSend } from '@flotilla/protocol/client/client.ts'
import type { Change, PendingChange } from '@flotilla/protocol/client/outbox.ts'
import { platformClock, type Clock } from '@flotilla/protocol/client/clock.ts'
import type { ErrorCode } from '@flotilla/protocol/errors.ts'
import type { Entry, LeftReason, RoomId, RoomView, Seq, User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Store } from '../../store.ts'
import { OlderPages } from './older-pages.ts'
import { settle } from './own-sends.ts'
import { hasReacted, withPending } from './reactions.ts'
import { toRows, type OwnSend, type Row } from './rows.ts'
import {
  append,
  EMPTY,
  indexOf,
  isLong,
  prepend,
  trim,
  type Timeline,
  type TimelineMessage,
} from './timeline.ts'
import { began, ended, expire, NOBODY, type Typists } from './typists.ts'

export interface Feed {
  readonly status: ChatRoom['state']['status']
  readonly code?: ErrorCode
  /** Why one is in the room no more. */
  readonly reason?: LeftReason
  /** What the room is, to the reader; since it was joined. */
  readonly view?: RoomView
  /** A change of a message that was refused, until the reader has taken note. */
  readonly refused?: { readonly type: Change['type']; readonly code?: ErrorCode }
  readonly rows: readonly Row[]
  readonly complete: boolean
  readonly members: readonly User[]
  readonly count: number
  readonly typing: readonly string[]
  /** Messages of others that came while the reader was elsewhere, and whether one of them names the reader. */
  readonly unread: number
  readonly isNamed: boolean
  /** The page before the first message. `failed`: it cannot be had now, and is not asked for again by itself. */
  readonly older: OlderPages['state']
  /** The last thing said by others, for screen readers; each object is spoken once. */
  readonly heard: { readonly text: string } | undefined
}

const PAGE = 100
/** Kept while the reader follows the end; history brings the rest back. */
const KEEP_FOLLOWING = 2_000
/** Kept at most while the reader is up in the past, where forgetting the oldest is what hurts. */
const KEEP_READING = 20_000
const TYPING_MS = LIMITS.typingMs * 1.5

/**
 * One room as the screen wants it: the client's room in, snapshots of rows out. Whatever comes in one frame makes
 * one snapshot, so a burst of a thousand entries is drawn once; news of what is shown already makes none.
 */
export class RoomFeed extends Store<Feed> {
  readonly id: RoomId
  readonly #room: ChatRoom
  readonly #me: User
  readonly #names: (text: string) => boolean
  readonly #forget: () => void
  #timeline: Timeline = EMPTY
  #pending: readonly PendingSend[] = []
  #own: readonly OwnSend[] = []
  #typists: Typists = NOBODY
  #typingTimer: ReturnType<typeof setTimeout> | undefined
  /** The reader looks at this room at all (it is shown, in a visible tab) … */
  #isOpen = false
  /** … and at its end. */
  #isAtEnd = true
  #draft = ''
  /** Undefined until the room was joined once: what was said before one came is not "unread". */
  #readTo: Seq | undefined
  #lineAfter: Seq | undefined
  readonly #older: OlderPages

  /** `names`: whether a text names the reader. */
  constructor(
    room: ChatRoom,
    me: User,
    names: (text: string) => boolean,
    { clock, random }: { clock: Clock; random: () => number } = { clock: platformClock, random: Math.random },
  ) {
    super({
      status: room.state.status,
      rows: [],
      complete: false,
      members: [],
      count: 0,
      typing: [],
      unread: 0,
      isNamed: false,
      older: 'idle',
      heard: undefined,
    })
    this.id = room.id
    this.#room = room
    this.#me = me
    this.#names = names
    this.#older = new OlderPages({
      ask: () => room.history(this.#timeline.from, PAGE),
      take: ({ entries, done }) => (this.#timeline = prepend(this.#timeline, entries, done)),
      changed: () => this.#show(),
      clock,
      random,
    })
    this.#forget = room.listen({
      entries: (entries) => this.#receive(entries),
      reset: () => this.#reset(),
      change: () => this.#change(),
      typing: (user) => this.#heardTyping(user),
    })
    this.#change()
  }

  close(): void {
    this.#forget()
    this.#older.stop()
    clearTimeout(this.#typingTimer)
    this.#room.leave()
  }

  /** @returns false if it was not taken: more is unsent than can be kept, or the room was left */
  send(text: string): boolean {
    const { id, state } = this.#room.send(text)
    if (state === 'failed' && !this.#room.pending.some((send) => send.id === id)) return false
    // What one answers to has been read; a line above one's own words would be odd.
    this.#lineAfter = undefined
    this.#change()
    return true
  }

  /** There are words of the reader here that nobody else has got: not sent yet, or not even finished. */
  get hasUnsaid(): boolean {
    return this.#draft.trim() !== '' || this.#room.pending.length > 0 || this.#room.changes.length > 0
  }

  /** What stands unsent in this room's composer, while another room is shown. */
  get draft(): string {
    return this.#draft
  }

  keepDraft(text: string): void {
    this.#draft = text
  }

  retry(id: string): void {
    this.#room.retry(id)
    this.#change()
  }

  discard(id: string): void {
    this.#own = this.#own.filter((send) => send.id !== id)
    this.#pending = this.#pending.filter((send) => send.id !== id)
    this.#room.discard(id)
    this.#change()
  }

  edit(seq: Seq, text: string): void {
    this.#room.edit(seq, text)
    this.#change()
  }

  delete(seq: Seq): void {
    this.#room.delete(seq)
    this.#change()
  }

  /** Puts an emoji to a message, or takes it back: shown at once. Of going to and fro only what is left of it is sent. */
  react(seq: Seq, emoji: string, on: boolean): void {
    const isSame = ({ change }: PendingChange) =>
      change.type === 'react' && change.target === seq && change.emoji === emoji
    // What failed, or never went out, goes; what did may be in the log, and is answered by another word.
    for (const { id } of this.#room.changes.filter(isSame)) this.#room.discard(id)
    if (this.#hasReacted(seq, emoji) !== on) this.#room.react(seq, emoji, on)
    this.#change()
  }

  #hasReacted(seq: Seq, emoji: string): boolean {
    const message = this.#timeline.messages[indexOf(this.#timeline.messages, seq) ?? -1]
    if (message === undefined) return false
    const pending = this.#room.changes.filter(({ change }) => change.target === seq)
    const reactions = withPending(message.reactions, pending, this.#me)
    return hasReacted(
      reactions.find((reaction) => reaction.emoji === emoji),
      this.#me,
    )
  }

  /** Those changes that were refused are given up. */
  forgetRefused(): void {
    for (const { id, state } of this.#room.changes) if (state === 'failed') this.#room.discard(id)
    this.#change()
  }

  typing(): void {
    this.#room.typing()
  }

  /** The room is shown to someone, or no longer. */
  setOpen(isOpen: boolean): void {
    if (this.#isOpen === isOpen) return
    this.#isOpen = isOpen
    if (!isOpen) this.#lineAfter = this.#timeline.to
    this.#look()
  }

  setAtEnd(isAtEnd: boolean): void {
    if (this.#isAtEnd === isAtEnd) return
    this.#isAtEnd = isAtEnd
    this.#look()
  }

  /** Reads the page before the first message. Nothing when there is none, or no line, or it failed: then see `retryOlder`. */
  async loadOlder(): Promise<void> {
    const { complete, status } = this.read()
    if (complete || status !== 'live' || this.#timeline.to < this.#timeline.from) return
    await this.#older.load()
  }

  retryOlder(): void {
    void this.#older.retry()
  }

  #receive(entries: readonly Entry[]): void {
    this.#readTo ??= this.#room.state.head
    const known = this.#timeline.to
    this.#timeline = append(this.#timeline, entries)
    const keep = this.#isAtEnd || !this.#isOpen ? KEEP_FOLLOWING : KEEP_READING
    if (isLong(this.#timeline, keep)) this.#timeline = trim(this.#timeline, keep)
    this.#typists = ended(
      this.#typists,
      entries.map((entry) => entry.user.id),
    )
    this.#settle()
    const readTo = this.#readTo
    const news = this.#timeline.messages.filter(
      ({ seq, user }) => seq > known && seq > readTo && user.id !== this.#me.id,
    )
    this.#show(news.length > 0 ? { heard: { text: spoken(news) } } : {})
  }

  #reset(): void {
    this.#timeline = EMPTY
    this.#readTo = undefined
    this.#lineAfter = undefined
    this.#older.stop()
    this.#show()
  }

  #change(): void {
    const { status, head } = this.#room.state
    if (status !== 'live') this.#older.cutOff()
    else {
      this.#older.resume()
      this.#readTo ??= head
      // Nothing was ever said here: there is no history to ask for.
      if (head === 0 && !this.#timeline.complete) this.#timeline = { ...this.#timeline, complete: true }
    }
    this.#settle()
    this.#show()
  }

  #settle(): void {
    const pending = this.#room.pending
    this.#own = settle(this.#own, this.#pending, pending, this.#timeline, this.#me.id, Date.now())
    this.#pending = pending
  }

  #heardTyping(user: User): void {
    if (user.id === this.#me.id) return
    this.#typists = began(this.#typists, user, performance.now() + TYPING_MS)
    this.#awaitSilence()
    this.#show()
  }

  #awaitSilence(): void {
    clearTimeout(this.#typingTimer)
    const [first] = this.#typists.values()
    if (!first) return
    this.#typingTimer = setTimeout(
      () => {
        this.#typists = expire(this.#typists, performance.now())
        this.#awaitSilence()
        this.#show()
      },
      Math.max(50, first.untilMs - performance.now()),
    )
  }

  #look(): void {
    if (this.#isOpen && this.#isAtEnd && this.#timeline.messages.length > 0) this.#readTo = this.#timeline.to
    this.#show()
  }

  #show(more: Partial<Feed> = {}): void {
    if (this.#isOpen && this.#isAtEnd && this.#readTo !== undefined)
      this.#readTo = Math.max(this.#readTo, this.#timeline.to)
    const { code, reason, view, status, members, count } = this.#room.state
    const refused = this.#refused()
    const unread = this.#unread()
    const shown = this.read()
    const { code: _code, reason: _reason, view: _view, refused: _refused, ...before } = shown
    const typing = [...this.#typists.values()].map(({ user }) => user.name)
    const next: Feed = {
      ...before,
      status,
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason }),
      ...(view === undefined ? {} : { view }),
      ...(refused === undefined ? {} : { refused }),
      rows: this.#rows(),
      complete: this.#timeline.complete,
      members,
      count,
      typing: isSame(shown.typing, typing) ? shown.typing : typing,
      older: this.#older.state,
      unread: unread.length,
      isNamed: unread.some(({ text }) => this.#names(text)),
      ...more,
    }
    // The client tells of each change of its room, too: of entries that were just shown, at the end of the same turn.
    if (!isSame(shown, next)) this.set(next)
  }

  #refused(): Feed['refused'] {
    const failed = this.#room.changes.find(({ state }) => state === 'failed')
    if (failed === undefined) return undefined
    const { change, code } = failed
    const shown = this.read().refused
    if (shown?.type === change.type && shown.code === code) return shown
    return { type: change.type, ...(code === undefined ? {} : { code }) }
  }

  #rowsOf: { from: unknown[]; rows: readonly Row[] } = { from: [], rows: [] }
  /** Typing and presence leave the rows the very same array, and so the list undrawn. */
  #rows(): readonly Row[] {
    const changes = this.#room.changes.length === 0 ? undefined : this.#room.changes
    const from = [this.#timeline, this.#own, this.#lineAfter, changes]
    if (from.every((part, index) => part === this.#rowsOf.from[index]) && this.#rowsOf.from.length > 0)
      return this.#rowsOf.rows
    const timeline = this.#withPending()
    this.#rowsOf = { from, rows: toRows(timeline, this.#own, this.#me, this.#lineAfter) }
    return this.#rowsOf.rows
  }

  /** As the reader left it: with reactions of his that are on their way. */
  #withPending(): Timeline {
    const byTarget = Map.groupBy(this.#room.changes, ({ change }) => change.target)
    if (byTarget.size === 0) return this.#timeline
    const messages = [...this.#timeline.messages]
    for (const [target, pending] of byTarget) {
      const at = indexOf(messages, target)
      const message = at === undefined ? undefined : messages[at]
      if (at === undefined || message === undefined || message.state === 'deleted') continue
      messages[at] = { ...message, reactions: withPending(message.reactions, pending, this.#me) }
    }
    return { ...this.#timeline, messages }
  }

  #unread(): TimelineMessage[] {
    const readTo = this.#readTo
    if (readTo === undefined || readTo >= this.#timeline.to) return []
    return this.#timeline.messages.filter(({ seq, user }) => seq > readTo && user.id !== this.#me.id)
  }
}

/** Whether two objects, or lists, hold the very same. */
function isSame<T extends object>(one: T, other: T): boolean {
  const keys = Object.keys(one) as (keyof T)[]
  return keys.length === Object.keys(other).length && keys.every((key) => Object.is(one[key], other[key]))
}

function spoken(news: readonly TimelineMessage[]): string {
  const last = news.at(-1)
  if (!last) return ''
  return news.length === 1
    ? `${last.user.name}: ${last.text}`
    : `${news.length} new messages, the last by ${last.user.name}`
}
