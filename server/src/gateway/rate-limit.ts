import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'

/** Sends per sender: a bucket of `rateBurst` that fills with `rate` per `rateMs`. One per person, whatever his sessions. */
export class RateLimit {
  readonly #perMs: number
  readonly #buckets = new Map<UserId, { level: number; at: number }>()

  /** @param rate sends per `LIMITS.rateMs` and sender; 0 = no limit */
  constructor(rate: number) {
    this.#perMs = rate / LIMITS.rateMs
  }

  /** Takes one send. @returns 0 if it may go on, else after how many ms it may */
  take(user: UserId, now: number): number {
    if (this.#perMs === 0) return 0
    let bucket = this.#buckets.get(user)
    if (bucket === undefined) {
      bucket = { level: LIMITS.rateBurst, at: now }
      this.#buckets.set(user, bucket)
    }
    bucket.level = Math.min(LIMITS.rateBurst, bucket.level + Math.max(0, now - bucket.at) * this.#perMs)
    bucket.at = now
    if (bucket.level < 1) return Math.ceil((1 - bucket.level) / this.#perMs)
    bucket.level -= 1
    return 0
  }

  /** Forgets who could send a full burst again: a bucket that is full says nothing. */
  sweep(now: number): void {
    if (this.#perMs === 0) return
    const fullAfterMs = LIMITS.rateBurst / this.#perMs
    for (const [user, { at }] of this.#buckets) if (now - at > fullAfterMs) this.#buckets.delete(user)
  }
}
