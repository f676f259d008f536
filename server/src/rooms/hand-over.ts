import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Directory } from './directory.ts'
import type { Home } from './home.ts'

/** The next home has so long to raise its fence before it, or another one, is told again. */
const TRY_MS = 500
const TRIES = 8

/** What a room that is handed over can do. */
export interface HandedOver {
  readonly id: RoomId
  /** Undefined once this server is its home no more. */
  readonly home: Home | undefined
  /** Resolves when it has stepped down, or after `ms`. */
  steppedDown(ms: number): Promise<void>
}

export interface HandOverPorts {
  self: ServerId
  bus: Bus
  directory: Directory
  note: (event: string, detail: Record<string, unknown>) => void
}

/**
 * This server leaves: hands a room that it is home of to another one. That one takes it out of this store like that of a dead
 * server; the fence is where the one stops and the other begins, so nothing has to be agreed on.
 */
export async function handOver(
  room: HandedOver,
  { self, bus, directory, note }: HandOverPorts,
): Promise<void> {
  for (let tries = 0; tries < TRIES && room.home !== undefined; tries += 1) {
    const placed = await directory.place(room.id, { leaving: true })
    if (typeof placed === 'string' || placed.home.id === self) return // nobody can take it
    const { home, epoch } = placed
    bus.know(home)
    if (room.home === undefined) return
    room.home.successor = { id: home.id, epoch }
    bus.send(home.id, { t: 'take', room: room.id, epoch, people: room.home.people })
    note('handing over', { room: room.id, to: home.id, epoch })
    await room.steppedDown(TRY_MS)
  }
}
