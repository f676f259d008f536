import type { HeldRoom, Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { ServerId } from '../bus/bus.ts'

/** `unreachable`: the home that could not be reached. `leaving`: this server is the home and wants to be rid of the room. */
export interface PlaceWhy {
  unreachable?: ServerId
  leaving?: boolean
}

/** Where rooms are: the balancer's placement, as a server asks for it. */
export interface Directory {
  /**
   * The home of a room, chosen now if it has none, or if its home is gone or leaves.
   * `unavailable`: no balancer answers now; what is known goes on being used.
   */
  place(room: RoomId, why?: PlaceWhy): Promise<Placed | 'no_such_room' | 'unavailable'>
  /** This server has all of the room now, as its home. Best effort: told again at the next registration. */
  taken(room: HeldRoom): void
}
