import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks again and again until `condition` gives something, and gives that back. A throw counts as "not yet".
 * @throws after `timeoutMs`, naming `what` was waited for and why it did not come
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  { timeoutMs = 60_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value !== undefined && value !== null && value !== false) return value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { ...(last ? { cause: last } : {}) })
    }
    await pause(everyMs)
  }
}
