import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'

/**
 * Sends per sender, whatever his sessions [S7]. Two rules hold at once: never more than `rate` in any `rateMs`, and at most
 * `rateBurst` in one go, from an allowance that fills again evenly with `rate` per `rateMs`. The allowance alone would let a
 * full burst and all that fills meanwhile go within one `rateMs`.
 */
export class RateLimit {
  readonly #rate: number
  readonly #burst: number
  readonly #perMs: number
  readonly #senders = new Map<UserId, Sender>()
  /** Time that has passed, in ms: what a clock that is set back takes away is none. */
  #passedMs = 0
  #seenAt: number | undefined

  /** @param rate sends per `LIMITS.rateMs` and sender; 0 = no limit */
  constructor(rate: number, burst: number = LIMITS.rateBurst) {
    this.#rate = rate
    this.#burst = Math.min(burst, rate)
    this.#perMs = rate / LIMITS.rateMs
  }

  /** Takes one send. @returns 0 if it may go on, else after how many ms it may */
  take(user: UserId, now: number): number {
    if (this.#rate === 0) return 0
    const at = this.#passed(now)
    let sender = this.#senders.get(user)
    if (sender === undefined) {
      sender = { allowance: this.#burst, at, taken: [], oldest: 0 }
      this.#senders.set(user, sender)
    }
    sender.allowance = Math.min(this.#burst, sender.allowance + (at - sender.at) * this.#perMs)
    sender.at = at
    const waitMs = Math.max(this.#untilAllowed(sender), this.#untilOldestIsPast(sender, at))
    if (waitMs > 0) return waitMs
    sender.allowance -= 1
    if (sender.taken.length < this.#rate) sender.taken.push(at)
    else {
      sender.taken[sender.oldest] = at
      sender.oldest = (sender.oldest + 1) % this.#rate
    }
    return 0
  }

  #untilAllowed({ allowance }: Sender): number {
    // What fills in steps of a fraction may end a hair below 1.
    return allowance >= 1 - 1e-9 ? 0 : Math.ceil((1 - allowance) / this.#perMs - 1e-6)
  }

  /** Until the send that is `rate` ago lies outside of the time that counts. */
  #untilOldestIsPast({ taken, oldest }: Sender, at: number): number {
    if (taken.length < this.#rate) return 0
    return Math.max(0, Math.ceil((taken[oldest] as number) + LIMITS.rateMs - at))
  }

  #passed(now: number): number {
    this.#passedMs += Math.max(0, now - (this.#seenAt ?? now))
    this.#seenAt = now
    return this.#passedMs
  }

  /** Forgets who sent nothing in the time that counts: his allowance is full, too. */
  sweep(now: number): void {
    if (this.#rate === 0) return
    const passed = this.#passed(now)
    for (const [user, { at }] of this.#senders) {
      if (passed - at >= LIMITS.rateMs) this.#senders.delete(user)
    }
  }
}

interface Sender {
  allowance: number
  /** When the allowance was this. */
  at: number
  /** When the last sends were taken, `rate` at most; once there are so many, a ring whose oldest is at `oldest`. */
  taken: number[]
  oldest: number
}
