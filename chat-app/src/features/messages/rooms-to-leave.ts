import type { RoomId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'

/** Rooms followed at once; beyond it those not looked at for longest are left. */
export const MAX_FOLLOWED = 30

/**
 * Which of the rooms followed, `byAge` = those not looked at for longest first, are left to make room for the last one, which
 * is shown. Leaving one gives up what the person has written there and nobody has got yet: such a room is kept, up to as many as
 * a server lets one be in.
 */
export function roomsToLeave(byAge: readonly { id: RoomId; hasUnsaid: boolean }[]): RoomId[] {
  const others = byAge.slice(0, -1)
  const idle = others.filter(({ hasUnsaid }) => !hasUnsaid)
  const busy = others.filter(({ hasUnsaid }) => hasUnsaid)
  const tooMany = Math.max(0, byAge.length - MAX_FOLLOWED)
  const leaving = idle.slice(0, tooMany)
  const tooManyBusy = Math.max(0, byAge.length - leaving.length - LIMITS.joinedRooms)
  return [...leaving, ...busy.slice(0, tooManyBusy)].map(({ id }) => id)
}
