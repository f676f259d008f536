import { setTimeout as pause } from 'node:timers/promises'

/** Longest wait for anything; what takes this long will not come. */
export const PATIENCE_MS = 60_000

/** Asks until it holds. @throws after `PATIENCE_MS`, naming what did not come */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await pause(10)
  }
}
