/**
 * When a send that found the room without a home is to be sent again. A room that is handed over is back in a few
 * milliseconds, one whose home died in a second or more: so soon at first, and later with the time it has been away, so that
 * a wait at most doubles what the room itself took.
 */

/** After a refusal by a home that is one no more; before that nobody can have taken over. */
export const SOON_MS = 25
const MOST_MS = 500

/** `awayMs`: for how long the room has had no home as far as this server knows. */
export function retryAfter(awayMs: number): number {
  return Math.min(MOST_MS, Math.max(SOON_MS, Math.round(awayMs)))
}
