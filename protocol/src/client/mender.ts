import { resendDelay } from './backoff.ts'
import { Timer, type Clock } from './clock.ts'
import type { RoomCursor } from './room-cursor.ts'
import type { Seq } from '../frames.ts'

/** A question that has no answer for this long is asked again. */
const STALLED_MS = 15_000
/** How long after a `head` its entries are waited for. */
const HEAD_PATIENCE_MS = 3_000

/** Fills the gaps of one room [R6]: asks for what the cursor misses, one page at a time, until nothing is missing. */
export class Mender {
  readonly #cursor: RoomCursor
  readonly #random: () => number
  /** Sends the question; false if there is nobody to ask. */
  readonly #ask: (after: Seq) => boolean
  readonly #timer: Timer
  #isAsking = false
  /** Answers in a row that brought nothing. */
  #tries = 0
  /** Where the cursor stood when a `head` was beyond it. */
  #watchedAt: Seq | undefined

  constructor(
    cursor: RoomCursor,
    ports: { clock: Clock; random: () => number; ask: (after: Seq) => boolean },
  ) {
    this.#cursor = cursor
    this.#random = ports.random
    this.#ask = ports.ask
    this.#timer = new Timer(ports.clock, () => this.#due())
  }

  /** Something came in: is anything missing? */
  look(): void {
    const after = this.#cursor.missingAfter
    if (after === undefined || this.#isAsking) return
    if (this.#tries > 0 && this.#timer.isSet) return // the last answer did not help; time may
    if (!this.#ask(after)) return
    this.#isAsking = true
    this.#timer.set(STALLED_MS)
  }

  /** A `head` is beyond the cursor: its entries are on the way, or lost. */
  watch(): void {
    if (this.#isAsking || this.#timer.isSet) return
    this.#watchedAt = this.#cursor.at
    this.#timer.set(HEAD_PATIENCE_MS)
  }

  /** `helped`: the answer held the next entry. */
  answered(helped: boolean): void {
    this.#isAsking = false
    this.#timer.clear()
    if (helped) this.#tries = 0
    // A server that is behind needs time, not more questions.
    else if (this.#cursor.missingAfter !== undefined) this.#wait()
    this.look()
  }

  refused(retryMs?: number): void {
    this.#isAsking = false
    this.#wait(retryMs)
  }

  /** Nobody to ask, or nothing to ask for any more. */
  stop(): void {
    this.#isAsking = false
    this.#tries = 0
    this.#timer.clear()
  }

  #wait(retryMs?: number): void {
    this.#timer.set(resendDelay(this.#tries, this.#random, retryMs))
    this.#tries += 1
  }

  #due(): void {
    this.#isAsking = false
    const { missingAfter, head, at } = this.#cursor
    if (missingAfter === undefined && head > at) {
      if (this.#watchedAt !== at) return this.watch() // they are coming, only slowly
      this.#cursor.lose()
    }
    this.look()
  }
}
