import type { Chosen, HeldRoom, Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { Registry } from '../../loadbalancer/src/registry/registry.ts'
import type {
  DirectoryStore,
  NewRoom,
  RoomRecord,
  ServerRecord,
} from '../../loadbalancer/src/rooms/directory-store.ts'
import { Placement } from '../../loadbalancer/src/rooms/placement.ts'
import type { Directory } from '../../server/src/rooms/directory.ts'
import type { SimServer } from './sim-server.ts'
import { Process, type World } from './world.ts'

/** What the balancer keeps; outlives its process. */
export class MemoryDirectory implements DirectoryStore {
  readonly rooms = new Map<RoomId, RoomRecord>()
  readonly servers = new Map<string, ServerRecord>()

  room(roomId: RoomId) {
    return Promise.resolve(this.rooms.get(roomId))
  }
  publicHome(roomId: RoomId) {
    return Promise.resolve(this.rooms.get(roomId)?.home)
  }
  publicRooms() {
    return Promise.resolve([...this.rooms.values()])
  }
  createRoom(room: NewRoom) {
    if (this.rooms.has(room.roomId)) return Promise.resolve(false)
    this.rooms.set(room.roomId, { ...room, home: undefined, epoch: 0, holders: [] })
    return Promise.resolve(true)
  }
  moveRoom(roomId: RoomId, home: string, epoch: number) {
    const room = this.rooms.get(roomId)
    if (room === undefined || room.epoch >= epoch) return Promise.resolve(room)
    const holders = [...room.holders.filter((id) => id !== home), home]
    const moved = { ...room, home, epoch, holders }
    this.rooms.set(roomId, moved)
    return Promise.resolve(moved)
  }
  adoptRooms(server: string, held: readonly HeldRoom[]) {
    for (const { room: id, epoch } of held) {
      const room = this.rooms.get(id)
      if (room !== undefined && room.epoch === epoch && room.home === server) {
        this.rooms.set(id, { ...room, holders: [server] })
      }
    }
    return Promise.resolve([])
  }
  server(id: string) {
    return Promise.resolve(this.servers.get(id))
  }
  serversSince() {
    return Promise.resolve([...this.servers.values()])
  }
  saveServer(server: ServerRecord) {
    this.servers.set(server.id, server)
    return Promise.resolve()
  }
  raiseWatermarks() {
    return Promise.resolve()
  }
  watermark() {
    return Promise.resolve(undefined)
  }
  close(): void {}
}

/** The balancer's real registry and placement, asked over the world's network instead of HTTP. */
export class SimBalancer {
  readonly #world: World
  readonly #directory: MemoryDirectory
  readonly #serverOf: (id: string) => SimServer | undefined
  /** Whether `server` and the balancer reach each other. */
  readonly #reaches: (server: string) => boolean
  process: Process
  #registry: Registry
  #placement: Placement

  constructor(options: {
    world: World
    directory: MemoryDirectory
    serverOf: (id: string) => SimServer | undefined
    reaches: (server: string) => boolean
  }) {
    this.#world = options.world
    this.#directory = options.directory
    this.#serverOf = options.serverOf
    this.#reaches = options.reaches
    this.process = new Process(this.#world, 'balancer')
    this.#registry = new Registry(this.#world.now, this.#world.random)
    this.#placement = this.#newPlacement()
    this.#tick()
  }

  #newPlacement(): Placement {
    const servers = {
      homeCandidates: () => this.#registry.homeCandidates(this.#world.now),
      roomPlaced: (id: string) => this.#registry.roomPlaced(id, this.#world.now),
      peer: (id: string) => this.#registry.peer(id),
      standing: (id: string) => this.#registry.standing(id, this.#world.now),
    }
    return new Placement(this.#directory, servers, this.#world.random)
  }

  crash(): void {
    this.process.crash()
  }

  restart(): void {
    this.process = new Process(this.#world, 'balancer')
    this.#registry = new Registry(this.#world.now, this.#world.random, [...this.#directory.servers.values()])
    this.#placement = this.#newPlacement()
    this.#tick()
  }

  #tick(): void {
    this.process.after(250, () => {
      for (const { id } of this.#registry.tick(this.#world.now)) void this.#probe(id)
      this.#tick()
    })
  }

  /** Resolves when it is known whether the server answers. */
  #probe(id: string): Promise<void> {
    const inc = this.#registry.inc(id)
    const { process } = this
    return new Promise((resolve) => {
      process.after(this.#world.between(2, 30), () => {
        const server = this.#serverOf(id)
        const tell = (outcome: 'ok' | 'refused' | 'other' | 'failed', ms: number) =>
          process.after(ms, () => {
            if (inc !== undefined) this.#registry.probed(id, inc, outcome)
            resolve()
          })
        if (!this.#reaches(id)) tell('failed', 2_000)
        else if (server?.process.isAlive !== true) tell('refused', 1)
        else if (server.process.isPaused) tell('failed', 2_000)
        else tell(server.inc === inc ? 'ok' : 'other', 1)
      })
    })
  }

  /** The reports of one run of a server, as its reporter sends them. */
  attach(server: SimServer): void {
    let n = 0
    let isRegistered = false
    let balancer = this.process
    const report = () => {
      server.process.after(
        isRegistered ? this.#world.between(900, 1_000) : this.#world.between(10, 300),
        report,
      )
      if (!this.#reaches(server.id) || server.rooms === undefined) return
      if (balancer !== this.process) {
        balancer = this.process
        isRegistered = false
      }
      this.process.after(this.#world.between(1, 10), () => {
        const { id, inc } = server
        if (!isRegistered) {
          const known = { id, inc, url: `ws://${id}/ws`, host: id, port: 1, capacity: 1_000 }
          isRegistered = this.#registry.register(known, this.#world.now) === 'registered'
          void this.#directory.adoptRooms(id, server.rooms?.held() ?? [])
          void this.#directory.saveServer({ ...known, dataDir: id, heardAt: this.#world.now })
          return
        }
        n += 1
        const outcome = this.#registry.update(
          {
            id,
            inc,
            n,
            clients: server.sessions.size,
            rooms: server.rooms?.size ?? 0,
            draining: server.isDraining,
            loopDelayMs: 0,
            commitNo: 0,
          },
          this.#world.now,
        )
        if (typeof outcome === 'string') isRegistered = false
        else {
          for (const command of outcome.commands) {
            if (command.type !== 'servers') continue
            server.process.after(1, () => {
              server.alternatives = command.servers.map(({ url }) => url)
            })
          }
        }
      })
    }
    report()
  }

  /** The directory as one server asks it. */
  directoryFor(server: SimServer): Directory {
    return {
      taken: (held) => {
        if (!this.#reaches(server.id)) return
        this.process.after(this.#world.between(1, 10), () => {
          void this.#directory.adoptRooms(server.id, [held])
        })
      },
      place: (room, { unreachable, leaving } = {}) =>
        new Promise<Placed | 'no_such_room' | 'unavailable'>((resolve) => {
          const { process } = this
          server.process.after(3_000, () => resolve('unavailable'))
          if (!this.#reaches(server.id)) return
          process.after(this.#world.between(1, 10), () => {
            void (async () => {
              if (unreachable !== undefined) await this.#probe(unreachable)
              const outcome = await this.#placement.place(room, server.id, leaving)
              const answer =
                outcome === 'no_server'
                  ? 'unavailable'
                  : outcome === 'no_such_room'
                    ? outcome
                    : outcome.placed
              if (this.#reaches(server.id)) {
                server.process.after(this.#world.between(1, 10), () => resolve(answer))
              }
            })()
          })
        }),
    }
  }

  /** The home of a room, for a call of the balancer's own; undefined if there is none, or the balancer is away. */
  homeOf(room: RoomId): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (!this.process.isAlive) this.#world.after(2, () => resolve(undefined))
      this.process.after(1, () => {
        void this.#placement.place(room).then((outcome) => {
          resolve(typeof outcome === 'string' ? undefined : outcome.placed.home.id)
        })
      })
    })
  }

  /** Somebody found this server to be away. */
  suspect(id: string): void {
    if (this.process.isAlive) void this.#probe(id)
  }

  /** `GET /get`, or undefined if nobody answers. */
  choose(): Promise<Chosen | undefined | 'no_server'> {
    return new Promise((resolve) => {
      if (!this.process.isAlive) this.#world.after(2, () => resolve(undefined))
      this.process.after(this.#world.between(1, 15), () => {
        const choice = this.#registry.choose(this.#world.now)
        if (choice === undefined) resolve('no_server')
        else {
          const { id, url, host, port, clients } = choice.server
          resolve({ id, url, host, port, address: url, load: clients, alternatives: choice.alternatives })
        }
      })
    })
  }
}
