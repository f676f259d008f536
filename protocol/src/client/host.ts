import type { UserId } from '../frames.ts'
import type { Clock } from './clock.ts'
import type { Line } from './line.ts'
import type { ChatRoom } from './room.ts'

/** What a room needs of its client. */
export interface Host {
  readonly clock: Clock
  readonly random: () => number
  /** Who we are, once a server has said so. */
  readonly userId: UserId | undefined
  /** Longest text the server takes, as far as one has said. */
  readonly textChars: number
  newRef(): number
  newId(): string
  /** Sends that may still go out on this line, over all rooms. */
  budget(line: Line): number
  /** The room has its answer on this line. */
  answered(line: Line): void
  left(room: ChatRoom): void
}
