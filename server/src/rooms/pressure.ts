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
  readonly #writes: () => number
  #hadWritten: number
  #writesPerMs = 0
  #isWriting = false

  /**
   * @param busyMs for how long the event loop was not idle till now
   * @param writes of entries till now
   */
  constructor(clock: Clock, busyMs: () => number, writes: () => number) {
    this.#clock = clock
    this.#busyMs = busyMs
    this.#writes = writes
    this.#at = clock.now()
    this.#wasBusyMs = busyMs()
    this.#hadWritten = writes()
  }

  /**
   * How long an entry may wait for the next one of its room, if that is likely to come in time; in ms. Where it is something else that
   * keeps the process busy, those who talk would only wait, and nothing would be won.
   */
  get gatherMs(): number {
    return this.isHigh && this.#isWriting ? GATHER_MS : 0
  }

  get isHigh(): boolean {
    const passedMs = this.#clock.now() - this.#at
    // Looked at when somebody asks, not by a timer: an idle server has nothing to do.
    if (passedMs >= OBSERVED_MS || passedMs < 0) this.#observe(passedMs)
    return this.#isHigh
  }

  #observe(passedMs: number): void {
    const busyMs = this.#busyMs()
    const written = this.#writes()
    // Half of what was known: a single long turn is no pressure.
    if (passedMs > 0) {
      this.#busy = (this.#busy + (busyMs - this.#wasBusyMs) / passedMs) / 2
      this.#writesPerMs = (this.#writesPerMs + (written - this.#hadWritten) / passedMs) / 2
    }
    this.#at += passedMs
    this.#wasBusyMs = busyMs
    this.#hadWritten = written
    this.#isHigh = this.#busy > (this.#isHigh ? LOW : HIGH)
    this.#isWriting = this.#writesPerMs > (this.#isWriting ? FEW_WRITES : MANY_WRITES)
  }
}

const OBSERVED_MS = 100
const HIGH = 0.5
const LOW = 0.3
/** Per ms. A write takes some 8 us: this is a tenth of a core, and what is left of it when three or four share a write. */
const MANY_WRITES = 12
const FEW_WRITES = 3
const GATHER_MS = 70
