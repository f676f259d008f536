/** Below this rate the last moments before a send are waited for awake: a timer would be up to 2 ms late. */
const AWAKE_BELOW_PER_S = 100
const TIMER_IS_LATE_MS = 2

/**
 * Calls `send(dueAt)` whenever one is due, `rate` times a second whatever became of those before (an
 * open loop: a slow server gets no pause). Times are those of `performance.now()`.
 * @returns when `forMs` are over; how many were due
 */
export async function pace(rate: number, forMs: number, send: (dueAt: number) => void): Promise<number> {
  const startAt = performance.now()
  const gapMs = 1_000 / rate
  const total = Math.floor(forMs / gapMs)
  for (let k = 0; k <= total;) {
    const dueAt = startAt + k * gapMs
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await (rate >= AWAKE_BELOW_PER_S ? timer(1) : nearly(waitMs))
    else {
      if (k < total) send(dueAt)
      k += 1 // the last one is not sent: it is the end
    }
  }
  return total
}

function nearly(waitMs: number): Promise<void> {
  return waitMs > TIMER_IS_LATE_MS
    ? timer(waitMs - TIMER_IS_LATE_MS)
    : new Promise((resolve) => setImmediate(resolve))
}

function timer(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
