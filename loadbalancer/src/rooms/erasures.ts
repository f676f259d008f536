import type { Peer } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Logger } from '../log.ts'
import type { HomeClient } from './home-client.ts'
import type { RoomBook } from './room-book.ts'

const TICK_MS = 1_000
const ERASE_MS = 5_000
/** Who deletes a room is told after this long, also if a server has not answered yet. */
const DELETE_MS = 3_000
/** Rooms one server is told to erase in one go. */
const AT_ONCE = 100

export interface ErasuresParts {
  book: RoomBook
  client: HomeClient
  /** Those that may answer now. */
  servers: () => Peer[]
  log: Logger
}

/**
 * Deletes rooms: here at once, so that no server is told any more to be their home; then on each server there ever was, as old
 * homes keep what was taken over from them. Whoever is away is told when he is back, across restarts of the balancer; whose file
 * was set back, of all of them once more.
 */
export class Erasures {
  readonly #parts: ErasuresParts
  /** One round at a time with each server. */
  readonly #underway = new Map<string, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: ErasuresParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), TICK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#underway.values())
  }

  /** @returns how many servers have still to erase it, when all that are there have been asked */
  async deleteRoom(roomId: RoomId): Promise<number> {
    const { book, servers, log } = this.#parts
    await book.deleteRoom(roomId)
    // A round that is underway may have looked before. One that hangs is not waited for.
    const rounds = servers().map((server) => this.#round(server).then(() => this.#round(server)))
    await within(DELETE_MS, Promise.all(rounds))
    const pending = await book.serversToErase(roomId)
    log.info({ room: roomId, pending }, 'room deleted')
    return pending.length
  }

  /** The file of this server is older than it was: what it has erased may be there again. */
  async setBack(server: string): Promise<void> {
    await this.#parts.book.eraseAgain(server)
    this.#parts.log.warn({ server }, 'a server was set back: it is told of all deleted rooms again')
  }

  async #tick(): Promise<void> {
    const { servers, log } = this.#parts
    try {
      await Promise.all(servers().map((server) => this.#round(server)))
    } catch (err) {
      log.error({ err }, 'erasing failed')
    }
  }

  #round(server: Peer): Promise<void> {
    const underway = this.#underway.get(server.id)
    if (underway !== undefined) return underway
    const round = this.#eraseOn(server).finally(() => this.#underway.delete(server.id))
    this.#underway.set(server.id, round)
    return round
  }

  async #eraseOn(server: Peer): Promise<void> {
    const { book, client, log } = this.#parts
    const codes = new Set<string | undefined>()
    for (const room of await book.erasuresOf(server.id, AT_ONCE)) {
      const reply = await client.call(server, `/internal/rooms/${room}/erase`, {}, ERASE_MS)
      if (reply.is === 'ok') await book.erased(server.id, room)
      else codes.add(reply.is === 'problem' ? reply.problem.code : reply.is)
      if (reply.is === 'unreachable') break // no other would be erased, either
    }
    if (codes.size > 0) log.warn({ server: server.id, codes: [...codes] }, 'a server has not erased all yet')
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((done) => (timer = setTimeout(done, ms)))
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
