import type { PlacementChange } from '@flotilla/protocol/control.ts'
import { RoomIdSchema, type RoomId } from '@flotilla/protocol/frames.ts'
import type { Events } from '../events.ts'
import type { Metrics } from '../metrics.ts'
import type { PlaceOutcome, Placement } from './placement.ts'

export type Place = (roomId: RoomId | undefined, asker?: string, isLeaving?: boolean) => Promise<PlaceOutcome>

/** Placement that is counted, and told to whoever watches the fleet. */
export function placing(parts: { placement: Placement; events: Events; metrics: Metrics }): Place {
  const { placement, events, metrics } = parts
  return async (roomId, asker, isLeaving) => {
    const outcome = isRoomId(roomId) ? await placement.place(roomId, asker, isLeaving) : 'no_such_room'
    if (typeof outcome === 'string') {
      metrics.placements.inc({ outcome })
      return outcome
    }
    const { placed, isNew, formerHome } = outcome
    metrics.placements.inc({ outcome: isNew ? 'placed' : 'present' })
    // Whoever listens may be a stranger to a private room.
    if (isNew && placed.visibility === 'public') {
      const { room, home, epoch } = placed
      const change: PlacementChange = {
        ...{ room, home: home.id, epoch },
        ...(formerHome === undefined ? {} : { formerHome }),
      }
      events.send('placement', change)
    }
    return outcome
  }
}

export function isRoomId(given: string | undefined): given is RoomId {
  return RoomIdSchema.safeParse(given).success
}
