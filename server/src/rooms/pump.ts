import type { Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Ring, Slice } from './ring.ts'

/** Somebody who follows a room: nothing but a cursor and a place to write to. Clients and edges alike. */
export interface Follower {
  /** Seq of the last entry written to it. */
  cursor: Seq
  /** Bytes written that have not left this process. */
  unsentBytes(): number
  write(slice: Slice): void
}

/**
 * Writes cursor + 1 … head to a follower.
 * @returns `full`: pump again when its unsent bytes have drained; `behind`: go on from the log, the ring begins later
 */
export function pump(
  follower: Follower,
  ring: Ring,
  highWaterBytes: number = LIMITS.highWaterBytes,
): 'level' | 'full' | 'behind' {
  while (follower.cursor < ring.head) {
    if (follower.unsentBytes() >= highWaterBytes) return 'full'
    const slice = ring.after(follower.cursor)
    if (slice === undefined) return 'behind'
    follower.write(slice)
    follower.cursor = slice.to
  }
  return 'level'
}
