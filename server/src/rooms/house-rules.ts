import { DELETED_NAME, type Act } from '@flotilla/protocol/acts.ts'
import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import type { Entry, Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { judge } from '@flotilla/protocol/judge.ts'
import type { CarriedSend, PlainRoom } from '@flotilla/protocol/link.ts'
import { Roster } from '@flotilla/protocol/roster.ts'
import type { Draft } from '../store/store.ts'

/**
 * Who may do what in a room, as its home judges it in the order of acceptance. What was accepted and is not committed yet counts
 * at once where it forbids something, and where it allows something only once it is committed: so nothing stands in the log that
 * what stands before it does not allow, whichever commit fails.
 */

/** A `system` draft, before or after its commit. */
export type SystemDraft = Draft & { type: 'system'; event: string }

/** What an act came to: an entry, or nothing, as all was so already. */
export interface Done {
  seq?: Seq
  ts?: number
  event?: string
  data?: unknown
}

/** Acts whose outcome is still known, so that one that is asked for again is the same one. */
const REMEMBERED = 1_000
/** People whose last message is remembered for slow mode; more, and those who may speak again are forgotten. */
const MOST_SPEAKERS = 10_000
const RETRY_MS = 100

export class HouseRules {
  /** What the log says. */
  readonly #settled: Roster
  /** … and what is being committed; the same object until the first act: of most rooms nobody is anything. */
  #ahead: Roster
  #pending: SystemDraft[] = []
  readonly #done = new Map<string, Done>()
  /** When each spoke last, by which send. */
  readonly #spoke = new Map<UserId, { at: number; id: string }>()
  #isOpen = true

  /** @param chronicle all `system` entries of the log, ascending */
  constructor(genesis: Genesis | undefined, chronicle: readonly Entry[]) {
    this.#settled = new Roster(genesis)
    for (const entry of chronicle) {
      if (entry.type !== 'system') continue
      this.#settled.apply(entry)
      this.#remember(entry.user.id, entry.id, entry)
    }
    this.#ahead = this.#settled
    this.#look()
  }

  /** What the log says of everybody. */
  get roster(): Roster {
    return this.#settled
  }

  /** Whether everybody may enter and send: then nobody has to be looked up. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  #look(): void {
    this.#isOpen = this.#settled.isOpen && this.#ahead.isOpen
  }

  /** What an edge needs to let people in by itself, while everybody may and nobody is anything here. */
  get plain(): PlainRoom | undefined {
    const { version, genesis } = this.#settled
    if (!this.#isOpen || version > 0) return undefined
    const { role, ...view } = this.#settled.viewFor(genesis?.createdBy?.id ?? '')
    return { view, ...(role === undefined ? {} : { owner: genesis?.createdBy?.id ?? '' }) }
  }

  /** Why he may not be told what is said here, if so. */
  mayEnter(user: Pick<User, 'id'>, now: number): Refusal | undefined {
    return this.#ahead.mayEnter(user, now) ?? this.#settled.mayEnter(user, now)
  }

  /** Why this may not be said now, if so. */
  maySend(send: Pick<CarriedSend, 'id' | 'user' | 'type'>, now: number): Refusal | undefined {
    if (send.type === 'system') return refuse('forbidden')
    const { user } = send
    return this.#ahead.maySend(user, now) ?? this.#settled.maySend(user, now) ?? this.#maySpeak(send, now)
  }

  #isSlowed({ user, type }: Pick<CarriedSend, 'user' | 'type'>): boolean {
    return this.#ahead.slowMs > 0 && type === 'message' && !this.#settled.mayModerate(user.id)
  }

  #maySpeak(send: Pick<CarriedSend, 'user' | 'type'>, now: number): Refusal | undefined {
    const last = this.#isSlowed(send) ? this.#spoke.get(send.user.id) : undefined
    const waitMs = last === undefined ? 0 : last.at + this.#ahead.slowMs - now
    return waitMs > 0 ? refuse('rate_limited', 'This room is in slow mode.', waitMs) : undefined
  }

  /** It is being committed: for slow mode he has spoken. */
  said(send: Pick<CarriedSend, 'id' | 'user' | 'type'>, now: number): void {
    if (!this.#isSlowed(send)) return
    if (this.#spoke.size >= MOST_SPEAKERS) {
      for (const [speaker, { at }] of this.#spoke)
        if (at + this.#ahead.slowMs <= now) this.#spoke.delete(speaker)
    }
    this.#spoke.set(send.user.id, { at: now, id: send.id })
  }

  /** It is not in the log: for slow mode he has not spoken. */
  unsaid({ id, user }: Pick<Draft, 'id' | 'user'>): void {
    if (this.#spoke.get(user.id)?.id === id) this.#spoke.delete(user.id)
  }

  /** What a deletion is held to: who keeps order may delete what anybody said. */
  mayDeleteOthers(user: Pick<User, 'id'>): boolean {
    return this.#settled.mayModerate(user.id) && this.#ahead.mayModerate(user.id)
  }

  /**
   * Judges an act, `id` the asker's own. A draft is to be committed, and told of by `committed` or `dropped`.
   * @param now ms since 1970
   */
  judge(id: string, by: User, act: Act, now: number): Refusal | { done: Done } | { draft: SystemDraft } {
    const done = this.#done.get(key(by.id, id))
    if (done !== undefined) return isOf(done, act) ? { done } : refuse('conflict')
    // Asked again while it is being committed: judged anew it might be forbidden by itself.
    const isUnderway = this.#pending.some((pending) => pending.id === id && pending.user.id === by.id)
    if (isUnderway) return refuse('busy', undefined, RETRY_MS)
    const verdict = judge(this.#ahead, by, act, now)
    if (!verdict.ok) return verdict
    if (verdict.event === undefined) {
      // What makes it so may not be durable yet.
      return this.#pending.length === 0 ? { done: {} } : refuse('busy', undefined, RETRY_MS)
    }
    if (this.#pending.length > 0 && !judge(this.#settled, by, act, now).ok) {
      return refuse('busy', undefined, RETRY_MS)
    }
    const { event, data } = verdict
    const draft: SystemDraft = { id, user: named(by, act), type: 'system', event, data, ts: now }
    this.#pending.push(draft)
    if (this.#ahead === this.#settled) this.#ahead = this.#settled.clone()
    this.#ahead.apply(draft)
    this.#look()
    return { draft }
  }

  /** The draft is in the log. */
  committed(draft: SystemDraft, seq: Seq, ts: number): void {
    const { event, data, user } = draft
    this.#settled.apply({ event, data, user, ts, seq })
    this.#remember(user.id, draft.id, { seq, ts, event, data })
    this.#forget(draft)
    this.#look()
  }

  /** The draft is not in the log, and will not be. */
  dropped(draft: SystemDraft): void {
    this.#forget(draft)
    this.#ahead = this.#settled.clone()
    for (const pending of this.#pending) this.#ahead.apply(pending)
    this.#look()
  }

  #forget(draft: SystemDraft): void {
    this.#pending = this.#pending.filter((pending) => pending !== draft)
  }

  #remember(user: UserId, id: string, { seq, ts, event, data }: Done): void {
    this.#done.set(key(user, id), {
      ...(seq === undefined ? {} : { seq }),
      ...(ts === undefined ? {} : { ts }),
      ...(event === undefined ? {} : { event }),
      data,
    })
    if (this.#done.size <= REMEMBERED) return
    const [oldest] = this.#done.keys()
    if (oldest !== undefined) this.#done.delete(oldest)
  }
}

const key = (user: UserId, id: string) => `${user} ${id}`

/** Whether that is what became of this act: times are counted from each asking, and a person goes by what the room calls him. */
function isOf({ event, data }: Done, act: Act): boolean {
  const { act: name, ...asked } = act
  if (event !== name) return false
  const was = (data ?? {}) as Record<string, unknown>
  return Object.entries(asked).every(([field, value]) => {
    if (field === 'until' || field === 'link') return true
    if (field !== 'user') return was[field] === value
    return (was['user'] as User | undefined)?.id === (value as User).id
  })
}

/** Who acts, by the name he has after it. */
function named(by: User, act: Act): User {
  if (act.act === 'name') return { id: by.id, name: act.name }
  return act.act === 'gone' ? { id: by.id, name: DELETED_NAME } : { id: by.id, name: by.name }
}
