/**
 * How many clients of this server may be told of comings and goings as they come. One line to one client costs a write, and whoever
 * comes is news to a whole room: when thousands come back at once, that would be most of what the server does. Beyond it every
 * room gathers its changes and tells them together.
 */

/** Clients told at once after a quiet time, and per second from then on. */
const BURST = 1_000
const PER_SECOND = 1_000
/** What is told together keeps so far apart for each client that was told: a quarter of the time is enough for it. */
const APART_MS = 0.03
/** While the process is busy what is told together waits so long at least: comings and goings are what can wait, and more of them are fewer writes. */
const BUSY_MS = 4_000
/** Nobody waits longer. */
const MOST_MS = 5_000

export class Telling {
  #left = BURST
  #countedAt: number
  #freeAt = 0
  readonly #isBusy: () => boolean

  /** @param isBusy whether this process has much to do now */
  constructor(now: number, isBusy: () => boolean = () => false) {
    this.#countedAt = now
    this.#isBusy = isBusy
  }

  /** @returns whether `clients` may be told now; the last ones may be more than are left, and are made up for later */
  take(clients: number, now: number): boolean {
    const sinceMs = Math.max(0, now - this.#countedAt) // somebody may set the clock back
    this.#countedAt = now
    this.#left = Math.min(BURST, this.#left + (PER_SECOND * sinceMs) / 1_000)
    if (this.#left < 1) return false
    this.#left -= clients
    return true
  }

  /**
   * Deals out times at which rooms tell together what they gathered: those of one time would hold up everybody else for as long as
   * thousands of writes take.
   * @returns in how many ms `clients` are to be told: `leastMs`, or later, up to five seconds
   */
  later(clients: number, now: number, leastMs: number): number {
    const least = this.#isBusy() ? BUSY_MS : leastMs
    const at = Math.min(Math.max(now + least, this.#freeAt), now + MOST_MS)
    this.#freeAt = at + clients * APART_MS
    return at - now
  }
}
