import type { Clock } from '../clock.ts'

/**
 * Whether this process has so much to do that small rooms, too, are better let wait a little. Below, an entry goes out at once; above, a
 * write that holds two of them makes room for the rest. It ends only well below, or it would come and go with its own effect.
 */
export class Pressure {
  readonly #clock: Clock
  readonly #busyMs: () => number
  #at: number
  #wasBusyMs: number
  #busy = 0
  #isHigh = false

  /** @param busyMs for how long the event loop was not idle till now */
  constructor(clock: Clock, busyMs: () => number) {
    this.#clock = clock
    this.#busyMs = busyMs
    this.#at = clock.now()
    this.#wasBusyMs = busyMs()
  }

  /** How long an entry may wait for the next one of its room, if that is likely to come in time; in ms. */
  get gatherMs(): number {
    return this.isHigh ? GATHER_MS : 0
  }

  get isHigh(): boolean {
    const passedMs = this.#clock.now() - this.#at
    // Looked at when somebody asks, not by a timer: an idle server has nothing to do.
    if (passedMs >= OBSERVED_MS || passedMs < 0) this.#observe(passedMs)
    return this.#isHigh
  }

  #observe(passedMs: number): void {
    const busyMs = this.#busyMs()
    // Half of what was known: a single long turn is no pressure.
    if (passedMs > 0) this.#busy = (this.#busy + (busyMs - this.#wasBusyMs) / passedMs) / 2
    this.#at += passedMs
    this.#wasBusyMs = busyMs
    this.#isHigh = this.#busy > (this.#isHigh ? LOW : HIGH)
  }
}

const OBSERVED_MS = 100
const HIGH = 0.5
const LOW = 0.3
const GATHER_MS = 70
