import { refused, type Refused } from './problem.ts'

/**
 * So many calls per key and window. Keys it has room for are counted exactly; beyond `maxKeys` the longest known
 * one is forgotten, so that many addresses cannot fill the memory.
 */
export class RateLimit {
  readonly #windowMs: number
  readonly #limit: number
  readonly #maxKeys: number
  readonly #windows = new Map<string, { endsAt: number; count: number }>()

  /** `limit` 0 = none. */
  constructor(limit: number, windowMs: number, maxKeys = 100_000) {
    this.#limit = limit
    this.#windowMs = windowMs
    this.#maxKeys = maxKeys
  }

  /** Counts one call. @returns 0: let it in; else the milliseconds until the next may come */
  take(key: string, now: number): number {
    if (this.#limit === 0) return 0
    const window = this.#windows.get(key)
    if (window === undefined || window.endsAt <= now) {
      this.#windows.delete(key) // so that the new window is the youngest in the order of the map
      if (this.#windows.size >= this.#maxKeys)
        this.#windows.delete(this.#windows.keys().next().value as string)
      this.#windows.set(key, { endsAt: now + this.#windowMs, count: 1 })
      return 0
    }
    window.count += 1
    return window.count > this.#limit ? window.endsAt - now : 0
  }

  /** Takes back one call that was counted. */
  giveBack(key: string): void {
    const window = this.#windows.get(key)
    if (window !== undefined && window.count > 0) window.count -= 1
  }
}

export function tooFast(retryMs: number): Refused {
  return refused('rate_limited', undefined, { 'retry-after': String(Math.ceil(retryMs / 1_000)) })
}
