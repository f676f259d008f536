import type { Peer, Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { HomeCandidate } from '../registry/registry.ts'
import type { DirectoryStore, RoomRecord } from './directory-store.ts'

/** The asking server becomes the home if its load is no more than this above the least: that saves a hop … */
const ASKER_LOAD_MARGIN = 0.1
/** … and if it holds no more than this many rooms more than the one that holds the fewest. */
const ASKER_ROOMS_MARGIN = 8
/** So many rooms weigh as much as all of a server's clients. */
const ROOMS_PER_CAPACITY = 1_000

/** How a home stands: `gone` = proven dead or silent too long, `leaving` = draining. */
export type Standing = 'here' | 'leaving' | 'gone'

/**
 * Whether a room stays where it is, and where it goes if not; undefined: nobody can take it. A home that is gone or leaves is
 * replaced as soon as somebody needs the room and another server can have it; being wrong about it costs time, never data.
 */
export function decideHome(
  room: { home: string | undefined; standing: Standing },
  candidates: readonly HomeCandidate[],
  asker: string | undefined,
  random: () => number,
): { stays: string } | { moves: string } | undefined {
  const { home, standing } = room
  if (home !== undefined && standing === 'here') return { stays: home }
  const others = candidates.filter(({ id }) => id !== home)
  const next = chooseHome(others, asker, random)
  if (next !== undefined) return { moves: next }
  return home === undefined ? undefined : { stays: home }
}

/** The server with the least to do, in clients and rooms, or the asking one when it is near that. Ties at random. */
function chooseHome(
  candidates: readonly HomeCandidate[],
  asker: string | undefined,
  random: () => number,
): string | undefined {
  const leastLoad = Math.min(...candidates.map(({ load }) => load))
  const fewestRooms = Math.min(...candidates.map(({ rooms }) => rooms))
  const isNear = ({ load, rooms }: HomeCandidate) =>
    load - leastLoad <= ASKER_LOAD_MARGIN && rooms - fewestRooms <= ASKER_ROOMS_MARGIN
  const asking = candidates.find(({ id }) => id === asker)
  if (asking !== undefined && isNear(asking)) return asking.id
  const burden = ({ load, rooms }: HomeCandidate) => load + rooms / ROOMS_PER_CAPACITY
  const least = Math.min(...candidates.map(burden))
  const best = candidates.filter((candidate) => burden(candidate) === least)
  return best[Math.floor(random() * best.length)]?.id
}

/** What placement needs to know of the servers. */
export interface Servers {
  homeCandidates(): HomeCandidate[]
  roomPlaced(id: string): void
  peer(id: string): Peer | undefined
  standing(id: string): Standing
}
/** `isNew`: it was placed just now; `formerHome` = where it was until then. */
export type PlaceOutcome =
  { placed: Placed; isNew: boolean; formerHome?: string } | 'no_such_room' | 'no_server'

/** Room → home. Only steers: the epoch it hands out is judged by the fence in the store. */
export class Placement {
  readonly #store: DirectoryStore
  readonly #servers: Servers
  readonly #random: () => number
  /** Rooms that are being placed: two who ask at once get the same home. */
  readonly #underway = new Map<RoomId, Promise<PlaceOutcome>>()

  constructor(store: DirectoryStore, servers: Servers, random: () => number) {
    this.#store = store
    this.#servers = servers
    this.#random = random
  }

  /**
   * The home of a room, chosen now if it has none or its home is gone; durable when it resolves. `asker` = the server that
   * asks; `isLeaving`: it is the home and wants to be rid of the room.
   */
  place(roomId: RoomId, asker?: string, isLeaving = false): Promise<PlaceOutcome> {
    const underway = this.#underway.get(roomId)
    if (underway) return underway
    const placing = this.#place(roomId, asker, isLeaving).finally(() => this.#underway.delete(roomId))
    this.#underway.set(roomId, placing)
    return placing
  }

  async #place(roomId: RoomId, asker: string | undefined, isLeaving: boolean): Promise<PlaceOutcome> {
    const room = await this.#store.room(roomId)
    if (room === undefined) return 'no_such_room'
    const decision = decideHome(
      { home: room.home, standing: this.#standing(room.home, asker, isLeaving) },
      this.#servers.homeCandidates(),
      asker,
      this.#random,
    )
    if (decision === undefined) return 'no_server'
    if ('stays' in decision) return this.#answer(room, false)
    // Counted before it is durable: many rooms are placed within one commit.
    this.#servers.roomPlaced(decision.moves)
    const moved = await this.#store.moveRoom(roomId, decision.moves, room.epoch + 1)
    if (moved === undefined) return 'no_such_room'
    const isNew = moved.home === decision.moves && moved.epoch === room.epoch + 1
    const outcome = await this.#answer(moved, isNew)
    if (typeof outcome === 'string' || !isNew || room.home === undefined) return outcome
    return { ...outcome, formerHome: room.home }
  }

  #standing(home: string | undefined, asker: string | undefined, isLeaving: boolean): Standing {
    if (home === undefined) return 'gone'
    if (home === asker) return isLeaving ? 'leaving' : 'here' // it speaks, so it is there
    return this.#servers.standing(home)
  }

  async #answer(room: RoomRecord, isNew: boolean): Promise<PlaceOutcome> {
    const { roomId, epoch, visibility, home: homeId = '', holders, genesis } = room
    const home = this.#servers.peer(homeId) ?? (await this.#peerOnFile(homeId))
    if (home === undefined) return 'no_server'
    const from = await Promise.all(
      holders
        .filter((id) => id !== homeId)
        .map(async (id) => {
          const dataDir = (await this.#store.server(id))?.dataDir
          const watermark = await this.#store.watermark(id)
          return {
            id,
            ...(dataDir === undefined ? {} : { dataDir }),
            ...(watermark === undefined ? {} : { watermark }),
          }
        }),
    )
    const made = genesis === undefined ? {} : { genesis }
    return { placed: { room: roomId, epoch, home, visibility, from, ...made }, isNew }
  }

  /** A home that is forgotten by the registry: long down, but still where the room is. */
  async #peerOnFile(id: string): Promise<Peer | undefined> {
    const record = await this.#store.server(id)
    return record && { id, url: record.url, host: record.host, port: record.port }
  }
}
