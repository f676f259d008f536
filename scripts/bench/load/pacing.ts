/** A timer may be late by so much: the last moments before a send are waited for awake. */
const TIMER_IS_LATE_MS = 2

export interface Pace {
  /** Per second. */
  rate: number
  forMs: number
  /** One turn of the event loop; without, only timers are waited for, and sends are late by up to 2 ms. */
  turn?: (() => Promise<unknown>) | undefined
  /** Is asked all the time; true = no more sends. */
  isEnough?: (() => boolean) | undefined
}

/**
 * Calls `send(dueAt)` whenever one is due, `rate` times a second whatever became of those before (an
 * open loop: a slow server gets no pause). Times are those of `performance.now()`.
 * @returns when `forMs` are over, or it was enough; how many were sent
 */
export async function pace(
  { rate, forMs, turn, isEnough }: Pace,
  send: (dueAt: number) => void,
): Promise<number> {
  const startAt = performance.now()
  const gapMs = 1_000 / rate
  const total = Math.floor(forMs / gapMs)
  let sent = 0
  while (isEnough?.() !== true) {
    const dueAt = startAt + sent * gapMs // of the last one, which is not sent: the end
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) {
      if (turn === undefined) await timer(1)
      else if (waitMs > TIMER_IS_LATE_MS) await timer(waitMs - TIMER_IS_LATE_MS)
      else await turn()
    } else if (sent === total) break
    else {
      send(dueAt)
      sent += 1
    }
  }
  return sent
}

function timer(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
