/** Time as a port: what the shells ask of the platform, and what tests and the simulator move by hand. */
export interface Clock {
  /** Milliseconds since 1970; never falls. */
  now(): number
  setTimeout(fn: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

export const platformClock: Clock = {
  // Not Date.now: setting the computer's clock must not look like silence on the line.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
}

/** The timer of one purpose: setting it again replaces it, so there are never two. */
export class Timer {
  readonly #clock: Clock
  readonly #fire: () => void
  #handle: unknown

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock
    this.#fire = fire
  }

  get isSet(): boolean {
    return this.#handle !== undefined
  }

  set(ms: number): void {
    this.clear()
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = undefined
      this.#fire()
    }, ms)
  }

  clear(): void {
    if (this.#handle === undefined) return
    this.#clock.clearTimeout(this.#handle)
    this.#handle = undefined
  }
}
