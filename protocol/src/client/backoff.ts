/**
 * Delays with full jitter: the whole span is random, so that clients that lost the same server at the same moment
 * come back spread out (Brooker, "Exponential Backoff And Jitter").
 */

const FIRST_MS = 500
const STEP_MS = 1_000
const MOST_MS = 30_000
/** What a server may ask for; a wrong figure must not silence a client for long. */
const MOST_ASKED_MS = 60_000
/** On top of a slot: enough that a coarse timer does not come before it. */
const SLOT_JITTER_MS = 50
const RESEND_LEAST_MS = 100
const RESEND_MOST_MS = 5_000

/**
 * [R2] How long to wait before trying to connect again, after `failures` (0, 1, 2 …) since the last stable connection.
 * `retryAfterMs`, what the balancer asked for, is a floor, with a quarter of it as jitter on top.
 */
export function reconnectDelay(failures: number, random: () => number, retryAfterMs = 0): number {
  const most = failures === 0 ? FIRST_MS : Math.min(MOST_MS, STEP_MS * 2 ** (failures - 1))
  const asked = Math.min(Math.max(retryAfterMs, 0), MOST_ASKED_MS)
  return asked === 0 ? random() * most : asked + random() * Math.max(asked / 4, FIRST_MS)
}

/** [R16] How long to wait for a slot that a server dealt: the server has spread its clients already. */
export function slotDelay(retryMs: number, random: () => number): number {
  return Math.min(Math.max(retryMs, 0), MOST_ASKED_MS) + random() * SLOT_JITTER_MS
}

/**
 * [R11] How long a room's sends (or a refused join) are held: as long as the server said, else jittered,
 * growing with the tries in a row that got nowhere.
 */
export function resendDelay(tries: number, random: () => number, retryMs?: number): number {
  if (retryMs !== undefined && retryMs >= 0) return Math.min(retryMs, MOST_ASKED_MS)
  const most = Math.min(RESEND_MOST_MS, STEP_MS * 2 ** tries)
  return RESEND_LEAST_MS + random() * (most - RESEND_LEAST_MS)
}
