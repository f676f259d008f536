/** What the policy goes by; milliseconds. */
export const RESTART_LIMITS = {
  /** Wait before the first restart; doubles with each further one … */
  firstDelayMs: 250,
  /** … up to this. */
  maxDelayMs: 10_000,
  /** A process that was ready for this long starts again from the first delay when it ends. */
  steadyMs: 30_000,
  /** A process that is not ready this long after its start hangs. */
  startMs: 30_000,
  /** A ready process hangs after this many probes in a row without an answer … */
  failedProbes: 3,
  /** … and this long after the last sign of life. */
  silentMs: 5_000,
} as const

export type RestartLimits = { readonly [name in keyof typeof RESTART_LIMITS]: number }

export type RestartState =
  | { status: 'starting'; since: number }
  | { status: 'ready'; since: number; aliveAt: number; failedProbes: number }
  | { status: 'waiting'; until: number }
  /** It hung and was ended; that it is gone is awaited. */
  | { status: 'killed' }

/**
 * When one supervised process is started, given up on and started again. Pure: the caller runs the process, asks
 * its health, and says what happened and when (`now` in ms of a clock that never goes back).
 */
export class RestartPolicy {
  readonly #limits: RestartLimits
  #state: RestartState = { status: 'waiting', until: 0 }
  /** Ends since it last was steady. */
  #ends = 0

  constructor(limits: RestartLimits = RESTART_LIMITS) {
    this.#limits = limits
  }

  get state(): RestartState {
    return this.#state
  }

  started(now: number): void {
    this.#state = { status: 'starting', since: now }
  }

  ready(now: number): void {
    this.#state = { status: 'ready', since: now, aliveAt: now, failedProbes: 0 }
  }

  /** It is gone, for whatever reason. @returns how long to wait before it is started again */
  ended(now: number): { restartInMs: number } {
    this.#forgive(now)
    this.#ends += 1
    const delayMs = Math.min(this.#limits.maxDelayMs, this.#limits.firstDelayMs * 2 ** (this.#ends - 1))
    this.#state = { status: 'waiting', until: now + delayMs }
    return { restartInMs: delayMs }
  }

  /**
   * What a health probe found (`answered`), or undefined where none was due.
   * @returns `kill` once: it hangs, end it; then tell `ended`
   */
  probed(answered: boolean | undefined, now: number): 'kill' | undefined {
    const state = this.#state
    if (state.status === 'starting') {
      return now - state.since >= this.#limits.startMs ? this.#kill(now) : undefined
    }
    if (state.status !== 'ready' || answered === undefined) return undefined
    if (answered) {
      this.#state = { ...state, aliveAt: now, failedProbes: 0 }
      return undefined
    }
    const failedProbes = state.failedProbes + 1
    // Both: after this machine itself slept, a single failed probe is much later than the last answer.
    if (failedProbes >= this.#limits.failedProbes && now - state.aliveAt >= this.#limits.silentMs) {
      return this.#kill(now)
    }
    this.#state = { ...state, failedProbes }
    return undefined
  }

  #kill(now: number): 'kill' {
    this.#forgive(now)
    this.#state = { status: 'killed' }
    return 'kill'
  }

  /** A run that was steady wipes out the ends before it. */
  #forgive(now: number): void {
    if (this.#state.status === 'ready' && now - this.#state.since >= this.#limits.steadyMs) this.#ends = 0
  }
}

/** `0.5 s`: for people. */
export function describeDelay(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`
}
