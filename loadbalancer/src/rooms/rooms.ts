import type { Peer } from '@flotilla/protocol/control.ts'
import { isGuest } from '@flotilla/protocol/acts.ts'
import type { RoomId, User, UserId } from '@flotilla/protocol/frames.ts'
import type { Events } from '../events.ts'
import type { Refused } from '../http/problem.ts'
import { RateLimit } from '../http/rate-limit.ts'
import type { Route } from '../http/route.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { SqliteFile } from '../sqlite-file.ts'
import { Comparing } from './comparing.ts'
import { directRoomId } from './direct-room.ts'
import type { DirectoryStore } from './directory-store.ts'
import { Erasures } from './erasures.ts'
import { exportRoutes } from './export.routes.ts'
import { HomeClient } from './home-client.ts'
import { Homes } from './homes.ts'
import { internalRoutes } from './internal.routes.ts'
import { membershipRoutes } from './membership.routes.ts'
import { operatorRoutes } from './operator.routes.ts'
import { oversightRoutes } from './oversight.routes.ts'
import type { People } from './people.ts'
import type { Placement } from './placement.ts'
import { placing } from './placing.ts'
import { RoomActs } from './room-acts.ts'
import { roomsRoutes } from './rooms.routes.ts'
import { SqliteRoomBook } from './sqlite-room-book.ts'

const PATIENCE_MS = 5_000
const WINDOW_MS = 10_000
/** In 10 s: rooms made per address; acts, looks at rooms, reports and exports per user. */
const CREATIONS = 1_000
const ACTS = 100
const LOOKS = 300
const REPORTS = 10
const EXPORTS = 5
/** In an hour: joins and leaves of one person in one room. */
const COMINGS = 300
const HOUR_MS = 3_600_000

export interface RoomsSetting {
  file: SqliteFile
  store: DirectoryStore
  placement: Placement
  people: People
  /** Servers that may answer now. */
  servers: () => Peer[]
  /** Probes this server, and resolves when it is known whether it answers. */
  suspect: (id: string) => Promise<void>
  fleetSecret: string
  /** For how long a call looks for a home that can answer it. */
  patienceMs?: () => number
  events: Events
  metrics: Metrics
  log: Logger
  now: () => number
}

/** All that the balancer does about rooms, put together. */
export class Rooms {
  readonly routes: readonly Route[]
  readonly #book: SqliteRoomBook
  readonly #store: DirectoryStore
  readonly #acts: RoomActs
  readonly #erasures: Erasures
  readonly #comparing: Comparing
  readonly #client: HomeClient
  readonly #homes: Homes
  readonly #fleetSecret: string
  readonly #log: Logger
  /** The last telling of each account’s names: one after the other, or the second would be followed by the first. */
  readonly #renaming = new Map<UserId, Promise<void>>()
  #isStopping = false

  constructor(setting: RoomsSetting) {
    const { file, store, people, servers, suspect, fleetSecret, metrics, log, now } = setting
    const book = new SqliteRoomBook(file)
    const client = new HomeClient(fleetSecret)
    const place = placing(setting)
    const homes = new Homes({
      place,
      suspect,
      client,
      log,
      patienceMs: setting.patienceMs ?? (() => PATIENCE_MS),
    })
    const acts = new RoomActs({
      ...{ store, book, homes, people, log, now },
      acts: new RateLimit(ACTS, WINDOW_MS),
      comings: new RateLimit(COMINGS, HOUR_MS),
      looks: new RateLimit(LOOKS, WINDOW_MS),
      outdated: (roomId) => this.#comparing.add([roomId]),
    })
    const erasures = new Erasures({ book, client, servers, log })
    const creations = new RateLimit(CREATIONS, WINDOW_MS)
    const allServers = async () => (await store.serversSince(0)).map(({ id }) => id)
    this.routes = [
      ...roomsRoutes({ store, book, place, acts, people, erasures, creations, fleetSecret, now }),
      ...membershipRoutes({ acts, now }),
      ...oversightRoutes({ acts, book, reports: new RateLimit(REPORTS, WINDOW_MS), metrics, log, now }),
      ...operatorRoutes({ acts, book }),
      ...exportRoutes({
        ...{ acts, book, people, client, servers, allServers, now },
        exports: new RateLimit(EXPORTS, WINDOW_MS),
      }),
      ...internalRoutes({ store, place, suspect, now }),
    ]
    this.#book = book
    this.#store = store
    this.#acts = acts
    this.#erasures = erasures
    this.#comparing = new Comparing(acts, log)
    this.#client = client
    this.#homes = homes
    this.#fleetSecret = fleetSecret
    this.#log = log
  }

  start(): void {
    this.#erasures.start()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#homes.stop()
    await this.#client.close()
    await Promise.allSettled([this.#comparing.stop(), this.#erasures.stop(), ...this.#renaming.values()])
  }

  /** The store of a server is older than it was. */
  setBack(server: string): Promise<void> {
    return this.#erasures.setBack(server)
  }

  /** Rooms a server told of that were unknown here: what their logs say of them is asked for, one after the other. */
  learnt(rooms: readonly RoomId[]): void {
    this.#comparing.add(rooms)
  }

  /** An account has another name: its rooms say so. Best effort: its next message has the new name in any case. */
  async renamed(user: User): Promise<void> {
    const before = this.#renaming.get(user.id) ?? Promise.resolve()
    const renaming = before.catch(() => {}).then(() => this.#rename(user))
    this.#renaming.set(user.id, renaming)
    await renaming.finally(() => {
      if (this.#renaming.get(user.id) === renaming) this.#renaming.delete(user.id)
    })
  }

  /** An account is no more. That its rooms drop it is the servers' (`/internal/forget-user`); here go the lists. */
  async forgotten(userId: UserId): Promise<void> {
    this.#comparing.add(await this.#book.forgetUser(userId))
  }

  /**
   * `by` blocks `other`, or does so no more: the room between them, if there is one, takes nothing more, or does again.
   * @returns why not, if that could not be told to the room
   */
  async blocked(by: User, other: UserId, isBlocked: boolean): Promise<Refused | undefined> {
    if (isGuest(by)) return undefined
    const roomId = directRoomId(this.#fleetSecret, by.id, other)
    if ((await this.#store.room(roomId)) === undefined) return undefined
    const acted = await this.#acts.act(roomId, by, { act: isBlocked ? 'block' : 'unblock' })
    return 'refused' in acted ? acted : undefined
  }

  async #rename(user: User): Promise<void> {
    for (const { room, role } of await this.#book.roomsOf(user.id, -1)) {
      if (this.#isStopping) return
      if (role === 'banned') continue
      const acted = await this.#acts.carry(room.roomId, user, { act: 'name', name: user.name })
      if ('refused' in acted)
        this.#log.warn({ room: room.roomId, code: acted.refused }, 'a new name was not told to a room')
    }
  }
}
