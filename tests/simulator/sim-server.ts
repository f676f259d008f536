import { pino } from 'pino'
import type { User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { MemoryBus, MemoryNetwork } from '../../server/src/bus/memory-bus.ts'
import { Inbox, type Gateway } from '../../server/src/gateway/dispatch.ts'
import { RateLimit } from '../../server/src/gateway/rate-limit.ts'
import { Session } from '../../server/src/gateway/session.ts'
import { Committer } from '../../server/src/rooms/committer.ts'
import type { Directory } from '../../server/src/rooms/directory.ts'
import { Rooms } from '../../server/src/rooms/rooms.ts'
import type { MemoryDisk, TakeStep } from '../../server/src/store/memory-store.ts'
import { SimStore } from './sim-disk.ts'
import type { SimLine } from './sim-line.ts'
import { Process, type World } from './world.ts'

const log = pino({ level: 'silent' })

/** One run of a chat server: the same parts as `server.ts` puts together, on the world's store, bus and lines. */
export class SimServer {
  readonly id: string
  readonly inc: string
  readonly process: Process
  readonly store: SimStore
  readonly bus: MemoryBus
  readonly sessions = new Map<SimLine, Session>()
  rooms: Rooms | undefined
  isDraining = false
  readonly #world: World
  readonly #network: MemoryNetwork
  readonly #gateway: Pick<Gateway, 'rateLimit' | 'metrics'>
  /** Called when the server can no longer keep its promise. */
  readonly #onLost: () => void
  alternatives: string[] = []

  constructor(options: {
    world: World
    network: MemoryNetwork
    id: string
    inc: string
    skewMs: number
    disks: ReadonlyMap<string, MemoryDisk>
    directory: (server: SimServer) => Directory
    onLost: () => void
    /** A step of a take-over was made. */
    onTakeStep: () => void
  }) {
    const { world, network, id, inc, skewMs, disks } = options
    this.#world = world
    this.#network = network
    this.id = id
    this.inc = inc
    this.#onLost = options.onLost
    this.process = new Process(world, id, skewMs)
    this.store = new SimStore(world, this.process, id, disks, {
      lost: () => this.#onLost(),
      stepTaken: options.onTakeStep,
    })
    this.bus = network.join(id)
    this.#gateway = {
      rateLimit: new RateLimit(0),
      metrics: { acks: 0, hintsDropped: 0, slowed: 0, refused: () => {}, closed: () => {} },
    }
    void this.#start(options.directory(this))
  }

  async #start(directory: Directory): Promise<void> {
    const held = await this.store.held()
    const { clock } = this.process
    const committer = new Committer({
      store: this.store,
      clock,
      counters: { commits: 0, commitNo: 0, waiting: 0, begin: () => () => {} },
      onLost: () => this.#onLost(),
    })
    let requests = this.#world.between(0, 2 ** 47)
    this.rooms = new Rooms(
      {
        self: this.id,
        clock,
        random: this.#world.random,
        bus: this.bus,
        store: this.store,
        committer,
        directory,
        feedCounters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
        nextRequest: () => (requests += 1),
        note: (event, detail) => this.#world.note(`${this.id} ${event} ${JSON.stringify(detail)}`),
      },
      held,
    )
    this.#beat()
  }

  #beat(): void {
    this.process.after(LIMITS.heartbeatMs, () => {
      for (const [line, session] of this.sessions) {
        if (session.beat(this.process.clock.now()) !== undefined) line.terminate()
      }
      this.#beat()
    })
  }

  /** A client's line arrives. @returns whether it is let in */
  accept(line: SimLine, user: User): boolean {
    const { rooms } = this
    if (rooms === undefined || this.isDraining) return false
    line.open()
    const { clock } = this.process
    const session = new Session({
      id: `session-${line.id}`,
      user,
      line,
      metrics: this.#gateway.metrics,
      now: clock.now(),
    })
    const inbox = new Inbox(session, {
      ...this.#gateway,
      rooms,
      log,
      now: () => clock.now(),
      flooded: () => line.close(4429),
    })
    this.sessions.set(line, session)
    line.serve({
      text: (text) => {
        session.heardAt = clock.now()
        inbox.receive(text)
      },
      pong: () => {
        session.heardAt = clock.now()
      },
      drained: () => session.drained(),
      closed: () => {
        this.sessions.delete(line)
        session.end()
      },
    })
    session.answer({
      type: 'welcome',
      server: this.id,
      session: session.id,
      user,
      heartbeatMs: LIMITS.heartbeatMs,
      limits: { ...LIMITS, rate: 0 },
      alternatives: this.alternatives,
    })
    return true
  }

  /** As `server.ts` does at SIGTERM: rooms and people go elsewhere; ends at the deadline in any case. */
  drain(deadlineMs: number, ended: () => void): void {
    this.isDraining = true
    for (const session of this.sessions.values()) {
      session.answer({ type: 'move', inMs: this.#world.between(0, deadlineMs / 2), reason: 'drain' })
    }
    void this.rooms?.handOver()
    this.process.after(deadlineMs, () => {
      for (const line of this.sessions.keys()) line.close(1012)
      this.rooms?.close()
      ended()
    })
  }

  /** @returns where take-overs were cut off by it */
  crash(): TakeStep[] {
    this.process.crash()
    const cutOff = this.store.crash()
    this.#network.leave(this.id)
    for (const line of this.sessions.keys()) line.cutByServer()
    return cutOff
  }
}
