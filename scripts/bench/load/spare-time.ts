const TURNS = 2_000

/**
 * Waits awake, turn by turn of the event loop, since timers are up to 2 ms late. That takes all of a core, so what the process
 * uses no longer tells how busy it is: a turn that took no longer than one in which nothing happened counts as spare.
 */
export class SpareTime {
  /** Spent on turns that found nothing to do, in ms. */
  spareMs = 0
  #emptyMs = 0

  /** Finds out what an empty turn takes: nothing else may be going on. */
  async calibrate(): Promise<void> {
    const took: number[] = []
    for (let i = 0; i < TURNS; i += 1) took.push(await this.turn())
    took.sort((a, b) => a - b)
    this.#emptyMs = 1.5 * (took[TURNS / 2] ?? 0)
    this.spareMs = 0
  }

  /** @returns what it took, in ms */
  async turn(): Promise<number> {
    const startedAt = performance.now()
    await new Promise((resolve) => setImmediate(resolve))
    const tookMs = performance.now() - startedAt
    if (tookMs <= this.#emptyMs) this.spareMs += tookMs
    return tookMs
  }
}
