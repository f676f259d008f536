import type { ErrorCode } from '../errors.ts'
import type { Seq } from '../frames.ts'
import { LIMITS } from '../limits.ts'

/**
 * What a person sent to one room and does not yet know to be in its log: in order, under the same ids on every try.
 * Decisions only: `room-sends.ts` sends what `take` gives and tells what came back.
 *
 * Every transmission carries a new `ref`. After a refusal the refusals of all that was sent behind it arrive too, some of
 * them after it was sent again; the ref tells the old answers from the new, so that one burst is sent again once.
 */

/** What is sent about a message that stands in the log. */
export type Change =
  | { readonly type: 'edit'; readonly target: Seq; readonly text: string }
  | { readonly type: 'delete'; readonly target: Seq }
  | { readonly type: 'react'; readonly target: Seq; readonly emoji: string; readonly on: boolean }

export interface PendingSend {
  readonly id: string
  readonly text: string
  readonly replyTo?: Seq
  /** It is no message, but changes one; `text` is empty then. */
  readonly change?: Change
  readonly state: 'sending' | 'failed'
  readonly code?: ErrorCode
  /** Milliseconds since 1970, of `send`. */
  readonly at: number
}

export interface PendingChange extends PendingSend {
  readonly change: Change
}

type Said = { readonly type: 'send'; readonly text: string; readonly replyTo?: Seq } | Change

/** The part of a `send` frame, or of one that changes a message, that the outbox decides. */
export type Outgoing = Said & { readonly ref: number; readonly id: string; readonly after?: string }

interface Item {
  shown: PendingSend
  /** `waiting` to be sent (again); `sent` on this connection, unanswered; `acked`, its entry not yet seen; `failed`. */
  state: 'waiting' | 'sent' | 'acked' | 'failed'
  ref: number | undefined
  seq: Seq | undefined
}

/** Sends a room may have waiting; more are refused at once as `busy`. */
export const MAX_PENDING = 10_000
const WINDOW = 64

export class Outbox {
  /** In the order of sending. */
  readonly #items = new Map<string, Item>()
  #shown: { sends: readonly PendingSend[]; changes: readonly PendingChange[] } | undefined
  readonly #count = { waiting: 0, sent: 0, acked: 0, failed: 0 }
  #isHeld = false
  /** As after any congestion: one at a time, then one more with each ack. A whole burst again would be refused again. */
  #window = WINDOW
  #tries = 0

  /** Unacked and failed messages in order; the same array until something changes. */
  get pending(): readonly PendingSend[] {
    return this.#show().sends
  }

  /** The same of what changes messages. */
  get changes(): readonly PendingChange[] {
    return this.#show().changes
  }

  #show() {
    if (this.#shown === undefined) {
      const all = [...this.#items.values()].map((item) => item.shown)
      this.#shown = { sends: all.filter((shown) => !isChange(shown)), changes: all.filter(isChange) }
    }
    return this.#shown
  }

  /** Sent and unanswered on this connection. */
  get inFlight(): number {
    return this.#count.sent
  }

  /** Whether something waits that `take` would give, had it room. */
  get isReady(): boolean {
    return this.#count.waiting > 0 && !this.#isHeld && this.#count.sent < this.#window
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Holds in a row after which nothing was acked. */
  get tries(): number {
    return this.#tries
  }

  has(id: string): boolean {
    return this.#items.has(id)
  }

  pendingOf(id: string): PendingSend | undefined {
    return this.#items.get(id)?.shown
  }

  /** @returns false if there are too many */
  add(pending: PendingSend): boolean {
    if (this.#items.size >= MAX_PENDING) return false
    this.#items.set(pending.id, { shown: pending, state: 'waiting', ref: undefined, seq: undefined })
    this.#count.waiting += 1
    this.#shown = undefined
    return true
  }

  /** Up to `most` sends that may go out now, in order; they count as sent. `newRef` gives each its own. */
  take(most: number, newRef: () => number): Outgoing[] {
    const out: Outgoing[] = []
    if (!this.isReady) return out
    let after: string | undefined
    for (const [id, item] of this.#items) {
      if (out.length >= most || !this.isReady) break
      if (item.state === 'waiting') {
        item.ref = newRef()
        this.#become(item, 'sent')
        out.push({
          ...said(item.shown),
          ref: item.ref,
          id,
          ...(after === undefined ? {} : { after }),
        })
      }
      if (item.state === 'sent') after = id
    }
    return out
  }

  /**
   * It is in the log at `seq`, by its ack or by its own entry. It stays in `pending` until `seen` reaches `seq`,
   * so that a screen shows it at every moment.
   * @returns whether this was not known before
   */
  settle(id: string, seq: Seq, seen: Seq): boolean {
    const item = this.#items.get(id)
    if (!item) return false
    const isNews = item.state !== 'acked'
    if (isNews) {
      this.#become(item, 'acked')
      item.seq = seq
      item.shown = { ...item.shown, state: 'sending' }
      this.#tries = 0
      this.#window = Math.min(this.#window + 1, WINDOW)
      this.#shown = undefined
    }
    if (seq <= seen) this.#remove(id, item)
    return isNews
  }

  /** Entries up to `seq` have been shown. */
  see(seq: Seq): void {
    if (this.#count.acked === 0) return
    for (const [id, item] of this.#items) {
      if (item.state === 'acked' && item.seq! <= seq) this.#remove(id, item)
    }
  }

  /** Another log: at what seq an acked send stood says nothing any more. */
  forgetAcked(): void {
    this.see(Infinity)
  }

  /** Whether an `error` with this ref speaks of the last try of `id`; one without ref is taken to. */
  isCurrent(id: string, ref: unknown): boolean {
    const item = this.#items.get(id)
    return item?.state === 'sent' && (ref === undefined || ref === item.ref)
  }

  /** Refused, but not finally: nothing goes out until `release`. */
  hold(): void {
    if (!this.#isHeld) this.#tries += 1
    this.#isHeld = true
    this.#window = 1
  }

  /** Everything unacked goes out again, from the first, in order: after a hold, or on another connection. */
  release(): void {
    this.#isHeld = false
    for (const item of this.#items.values()) {
      if (item.state === 'sent') this.#become(item, 'waiting')
    }
  }

  /** On a new connection there is nothing to be slow about. */
  restart(): void {
    this.#window = WINDOW
    this.release()
  }

  /** Finally refused. What followed named it in `after`, or one that did, and goes out again. */
  fail(id: string, code: ErrorCode): void {
    const item = this.#items.get(id)
    if (!item || item.state === 'failed' || item.state === 'acked') return
    this.#become(item, 'failed')
    item.shown = { ...item.shown, state: 'failed', code }
    this.#shown = undefined
    let follows = false
    for (const other of this.#items.values()) {
      if (follows && other.state === 'sent') this.#become(other, 'waiting')
      if (other === item) follows = true
    }
  }

  /** @returns the ids that failed by this */
  failAll(code: ErrorCode): string[] {
    const ids = [...this.#items]
      .filter(([, { state }]) => state === 'waiting' || state === 'sent')
      .map(([id]) => id)
    for (const id of ids) this.fail(id, code)
    return ids
  }

  /** A failed send again, under its id, behind what was sent since. */
  retry(id: string): boolean {
    const item = this.#items.get(id)
    if (item?.state !== 'failed') return false
    const { code: _, ...shown } = item.shown
    this.#items.delete(id)
    this.#items.set(id, item)
    item.shown = { ...shown, state: 'sending' }
    this.#become(item, 'waiting')
    this.#shown = undefined
    return true
  }

  /** Forgets a send that failed or never went out; one that did may be in the log and stays. */
  discard(id: string): boolean {
    const item = this.#items.get(id)
    if (!item || (item.state !== 'failed' && item.ref !== undefined)) return false
    this.#remove(id, item)
    return true
  }

  #become(item: Item, state: Item['state']): void {
    this.#count[item.state] -= 1
    this.#count[state] += 1
    item.state = state
  }

  #remove(id: string, item: Item): void {
    this.#count[item.state] -= 1
    this.#items.delete(id)
    this.#shown = undefined
  }
}

function isChange(pending: PendingSend): pending is PendingChange {
  return pending.change !== undefined
}

function said({ text, replyTo, change }: PendingSend): Said {
  return change ?? { type: 'send', text, ...(replyTo === undefined ? {} : { replyTo }) }
}

/** What the server would not take, and what would close the connection if it were tried. */
export function cannotBeSent(
  { id, text: given, change }: Pick<PendingSend, 'id' | 'text' | 'change'>,
  textChars: number,
): ErrorCode | undefined {
  const text = change?.type === 'edit' ? change.text : change === undefined ? given : undefined
  if (text === undefined) return id.length < 1 || id.length > LIMITS.idChars ? 'bad_message' : undefined
  if (text.length > textChars) return 'too_long'
  if (text.trim() === '' || !text.isWellFormed()) return 'bad_message'
  return id.length < 1 || id.length > LIMITS.idChars ? 'bad_message' : undefined
}
