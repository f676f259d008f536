import type { Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { ServerId } from '../bus/bus.ts'

/** Where rooms are: the balancer's placement, as a server asks for it. */
export interface Directory {
  /**
   * The home of a room, chosen now if it has none. `unreachable`: the home that could not be reached.
   * `unavailable`: no balancer answers now; what is known goes on being used.
   */
  place(room: RoomId, unreachable?: ServerId): Promise<Placed | 'no_such_room' | 'unavailable'>
}
