import type { Entry, Joined, LogId, Seq } from '../frames.ts'

/**
 * What one follower has of one room, and what it lacks. Entries come in as the wire brings them: twice, over two
 * connections, with a gap before them; out come those that are next, strictly seq + 1, each once [R5]. Decisions only.
 */

/** Entries kept while the gap before them is filled; above it the highest are dropped and fetched in their turn [R7]. */
const MAX_HELD = 2_000

export class RoomCursor {
  #log: LogId | undefined
  #first: Seq | undefined
  /** The last entry given out; undefined until a `joined` says where to start. */
  #at: Seq | undefined
  #head: Seq = 0
  /** Up to here entries exist that the stream will not bring by itself. */
  #owed: Seq = 0
  readonly #held = new Map<Seq, Entry>()
  #highestHeld: Seq = 0

  get log(): LogId | undefined {
    return this.#log
  }

  /** Seq of the first entry given out, or of the one that will be; 0 until known. */
  get first(): Seq {
    return this.#first ?? 0
  }

  /** Seq of the last entry given out; 0 = none. */
  get at(): Seq {
    return this.#at ?? 0
  }

  /** The highest seq known to be in the log. */
  get head(): Seq {
    return this.#head
  }

  /** [R4] What a `join` says of it. */
  get resume(): { since: Seq; log: LogId } | Record<never, never> {
    return this.#at === undefined || this.#log === undefined ? {} : { since: this.#at, log: this.#log }
  }

  /** After which entry `history` must be asked [R6]; undefined = nothing is missing. */
  get missingAfter(): Seq | undefined {
    if (this.#at === undefined) return undefined
    return this.#held.size > 0 || this.#owed > this.#at ? this.#at : undefined
  }

  /** @returns whether this is another log, so that all that was given out is void [R8] */
  join({ log, first, head }: Pick<Joined, 'log' | 'first' | 'head'>): boolean {
    const isReset = this.reset(log)
    // The stream starts anew with this answer: it brings all that was held.
    this.#held.clear()
    this.#highestHeld = 0
    if (this.#at === undefined) {
      this.#first = first
      this.#at = first - 1
    }
    this.#owed = Math.max(this.#owed, first - 1)
    this.#head = Math.max(this.#head, head)
    return isReset
  }

  /** @returns whether `log` is another one than the one known; then the cursor stands nowhere until `join` */
  reset(log: LogId): boolean {
    const isOther = this.#log !== undefined && this.#log !== log
    this.#log = log
    if (!isOther) return false
    this.#at = undefined
    this.#first = undefined
    this.#head = 0
    this.#owed = 0
    this.#held.clear()
    this.#highestHeld = 0
    return true
  }

  /** Entries of the stream or of a `history` answer, of this log. @returns those that are next, in order */
  take(entries: readonly Entry[]): Entry[] {
    const ready: Entry[] = []
    if (this.#at === undefined) return ready
    if (this.#held.size > 0) this.#takeHeld(ready)
    for (const entry of entries) {
      if (entry.seq > this.#head) this.#head = entry.seq
      if (entry.seq <= this.#at) continue
      if (entry.seq === this.#at + 1) {
        ready.push(entry)
        this.#at = entry.seq
        if (this.#held.size > 0) this.#takeHeld(ready)
      } else {
        this.#hold(entry)
      }
    }
    return ready
  }

  /**
   * The answer to `history {after}` [H5]: what lies between `after` and its first entry does not exist any more. `end`: up to where
   * an answer without entries speaks.
   */
  skip(after: Seq, [first]: readonly Entry[], end: Seq): void {
    if (this.#at === after) this.#at = Math.max(this.#at, first === undefined ? end : first.seq - 1)
  }

  /** A `head` frame. @returns whether entries are due that have not come */
  see(head: Seq): boolean {
    if (this.#at === undefined) return false
    if (head > this.#head) this.#head = head
    return head > this.#at
  }

  /** The stream did not bring what `head` promised: it is to be fetched. */
  lose(): void {
    this.#owed = this.#head
  }

  #hold(entry: Entry): void {
    if (this.#held.has(entry.seq)) return
    if (this.#held.size >= MAX_HELD) {
      // Dropped is the highest: what comes soonest after the gap is what a person waits for.
      const dropped = Math.max(entry.seq, this.#highestHeld)
      this.#owed = Math.max(this.#owed, dropped)
      if (entry.seq >= this.#highestHeld) return
      this.#held.delete(this.#highestHeld)
      this.#highestHeld = Math.max(...this.#held.keys())
    }
    this.#held.set(entry.seq, entry)
    this.#highestHeld = Math.max(this.#highestHeld, entry.seq)
  }

  #takeHeld(ready: Entry[]): void {
    for (;;) {
      const next = this.#held.get(this.#at! + 1)
      if (!next) break
      this.#held.delete(next.seq)
      ready.push(next)
      this.#at = next.seq
    }
    // Held entries lie above the cursor, always: none may be passed by.
    if (this.#held.size === 0) this.#highestHeld = 0
  }
}
