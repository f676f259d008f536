import type { Bus, ServerId } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { Committer } from './committer.ts'
import type { Directory } from './directory.ts'
import type { FeedCounters } from './feed.ts'
import type { Move } from './moves.ts'
import type { Pressure } from './pressure.ts'

/** What every room of a server works with. */
export interface RoomContext {
  self: ServerId
  clock: Clock
  random: () => number
  bus: Bus
  store: Store
  committer: Committer
  directory: Directory
  feedCounters: FeedCounters
  highWaterBytes?: number
  /** How busy this process is. */
  pressure?: Pressure
  /** Numbers of requests to homes, unique over all runs of this server: an answer may come to a later one. */
  nextRequest: () => number
  /** Resolves when it is known, as far as it can be now, that the own store is no older than it was. */
  confirmed?: () => Promise<unknown>
  /** Counts the moves. */
  moved?: (how: Move) => void
  /** Something about the room that an operator may want to read. */
  note: (event: string, detail: Record<string, unknown>) => void
}
