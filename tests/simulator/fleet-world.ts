import { guestId, type RoomId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { findBreaches, type FinalRoom } from '../../scripts/chaos/invariants.ts'
import { MemoryDisk } from '../../server/src/store/memory-store.ts'
import { accountOf, forbiddenEntries, genesisOf, intruders, misreported, overheard } from './act-checks.ts'
import { ClientLines } from './client-lines.ts'
import { finalsOf, restlessness, unsettled } from './fleet-checks.ts'
import { SimActs } from './sim-acts.ts'
import { MemoryDirectory, SimBalancer } from './sim-balancer.ts'
import { SimClient } from './sim-client.ts'
import { SimHouse } from './sim-house.ts'
import { SimNetwork } from './sim-network.ts'
import { SimServer } from './sim-server.ts'
import { World } from './world.ts'

/**
 * A fleet in a world of one seed: servers, a balancer and clients that talk, and the faults that the seed has in store for
 * them. At the end everything is healed, what is under way comes to rest, and the invariants are checked.
 */

export interface WorldResult {
  seed: number
  breaches: string[]
  /** Messages acked, rooms taken over, faults injected: a world in which nothing happens proves nothing. */
  acked: number
  takeOvers: number
  faults: Record<string, number>
  trace: readonly string[]
}

export interface WorldOptions {
  seed: number
  isTraced?: boolean
  /** Bound on what one world takes; a seed decides below it. */
  servers?: number
  clients?: number
  rooms?: number
  faults?: number
  /** People have accounts, rooms an owner, and things happen to them: they are private, and people are sent out. */
  acts?: boolean
}

/** The faults, as often as they are named. */
const KINDS = [
  ...(['kill', 'kill', 'kill', 'pause', 'pause', 'drain', 'drain', 'cut', 'cut-client'] as const),
  ...(['balancer', 'loss', 'loss', 'full', 'line', 'quit', 'ambush', 'ambush'] as const),
]

/** After this long without faults nothing may be under way any more. */
const REST_MS = 120_000

export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  const fleet = new FleetWorld(options)
  return fleet.run()
}

class FleetWorld {
  readonly #world: World
  readonly #options: WorldOptions
  readonly #disks = new Map<string, MemoryDisk>()
  readonly #servers = new Map<string, SimServer>()
  readonly #network: SimNetwork
  readonly #directory = new MemoryDirectory()
  readonly #balancer: SimBalancer
  readonly #clients: SimClient[] = []
  /** Clients that quit. */
  readonly #gone: SimClient[] = []
  readonly #rooms: RoomId[]
  readonly #lines: ClientLines
  readonly #faults: Record<string, number> = {}
  /** Whoever takes a room over next will not get far. */
  #isAmbushed = false
  readonly #genesis = new Map<RoomId, Genesis>()
  readonly #acts: SimActs
  #house: SimHouse | undefined
  #incs = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#world = new World(options.seed)
    this.#world.isTraced = options.isTraced === true
    const world = this.#world
    this.#network = new SimNetwork(
      world,
      (id) => this.#servers.get(id)?.process,
      (what) => this.#count(what),
    )
    this.#lines = new ClientLines(world, {
      serverOf: (id) => this.#servers.get(id),
      reaches: (client, server) => this.#network.reach(client, server),
    })
    this.#rooms = Array.from({ length: options.rooms ?? world.between(1, 3) }, (_, i) => `room${i}`)
    for (const roomId of this.#rooms) {
      const visibility = options.acts === true && world.chance(0.6) ? 'private' : 'public'
      const genesis = genesisOf(roomId, visibility, world.now, 'c0')
      if (options.acts === true) this.#genesis.set(roomId, genesis)
      void this.#directory.createRoom({
        roomId,
        name: roomId,
        visibility,
        createdAt: world.now,
        createdBy: undefined,
        ...(options.acts === true ? { genesis } : {}),
      })
    }
    this.#balancer = new SimBalancer({
      world,
      directory: this.#directory,
      serverOf: (id) => this.#servers.get(id),
      reaches: (server) => this.#network.reach('balancer', server),
    })
    this.#acts = new SimActs(world, {
      homeOf: (room) => this.#balancer.homeOf(room),
      serverOf: (id) => this.#servers.get(id),
      reaches: (server) => this.#network.reach('balancer', server),
      suspect: (server) => this.#balancer.suspect(server),
    })
    const servers = options.servers ?? world.between(2, 4)
    for (let i = 0; i < servers; i += 1) {
      this.#disks.set(`s${i}`, new MemoryDisk())
      this.#startServer(`s${i}`)
    }
  }

  async run(): Promise<WorldResult> {
    const world = this.#world
    await world.pass(2_000)
    const clients = this.#options.clients ?? world.between(2, 6)
    for (let i = 0; i < clients; i += 1) this.#startClient(`c${i}`)
    if (this.#options.acts === true) this.#openHouse()
    this.#talk()
    const faults = this.#options.faults ?? world.between(0, 10)
    for (let i = 0; i < faults; i += 1) {
      await world.pass(world.between(200, 6_000))
      this.#injectFault()
    }
    await world.pass(world.between(500, 5_000))
    this.#heal()
    const breaches = await this.#rest()
    const { finals, breaches: doubled } = finalsOf(this.#rooms, this.#disks)
    const journals = [...this.#clients, ...this.#gone].flatMap(({ journal, stays }) => [journal, ...stays])
    const late = new Set([...this.#clients, ...this.#gone].flatMap(({ barred }) => barred))
    const acts = new Set(this.#acts.asked.map(({ id }) => id))
    breaches.push(
      ...doubled,
      ...findBreaches(finals, journals, { acts, late }),
      ...unsettled(this.#clients, finals),
    )
    breaches.push(...this.#lines.sockets.flatMap((socket) => socket.breaches))
    for (const final of finals) breaches.push(...this.#trespasses(final))
    for (const { client } of this.#clients) client.close()
    return {
      seed: this.#options.seed,
      breaches,
      acked: journals.reduce((sum, { acked }) => sum + acked.length, 0),
      takeOvers: [...this.#directory.rooms.values()].reduce(
        (sum, { epoch }) => sum + Math.max(0, epoch - 1),
        0,
      ),
      faults: this.#faults,
      trace: world.trace,
    }
  }

  #openHouse(): void {
    const world = this.#world
    const house = new SimHouse(world, {
      acts: this.#acts,
      clients: this.#clients,
      rooms: this.#rooms,
      count: (what) => this.#count(what),
    })
    this.#house = house
    house.open()
    const stir = () => {
      if (this.#isHealed) return
      house.stir()
      world.after(world.between(50, 3_000), stir)
    }
    world.after(world.between(500, 3_000), stir)
  }

  #trespasses(final: FinalRoom): string[] {
    const genesis = this.#genesis.get(final.room)
    if (genesis === undefined) return []
    return [
      ...forbiddenEntries(final, genesis),
      ...misreported(final, this.#acts.asked),
      ...overheard(final, this.#acts.asked, this.#lines.sockets),
      ...intruders(final, genesis, this.#clients, this.#world.now),
    ]
  }

  #startServer(id: string): void {
    const world = this.#world
    this.#incs += 1
    const skewMs = world.between(-3_000, 3_000)
    if (Math.abs(skewMs) > 1_000) this.#count('clock off by more than a second')
    const server = new SimServer({
      world,
      network: this.#network.bus,
      id,
      inc: `${id}-${this.#incs}`,
      skewMs,
      disks: this.#disks,
      directory: (self) => this.#balancer.directoryFor(self),
      onLost: () => this.#crash(id, world.between(200, 2_000)),
      onTakeStep: () => this.#ambush(id),
    })
    this.#servers.set(id, server)
    this.#balancer.attach(server)
    world.note(`${id} starts`)
  }

  #startClient(name: string): void {
    const world = this.#world
    const user = this.#options.acts === true ? accountOf(name) : { id: guestId(name), name }
    const client = new SimClient(world, name, {
      get: async () => {
        if (!this.#network.reach('balancer', name)) return undefined
        const chosen = await this.#balancer.choose()
        if (chosen === undefined) return undefined
        return chosen === 'no_server' ? { status: 503, body: {} } : { status: 200, body: chosen }
      },
      connect: (socket, url) => this.#lines.connect(socket, user, new URL(url).hostname),
    })
    this.#clients.push(client)
    if (this.#options.acts === true) return
    for (const room of this.#rooms) if (world.chance(0.8)) client.join(room)
    if (this.#rooms[0] !== undefined) client.join(this.#rooms[0])
  }

  /** Everybody says something now and then, alone or several things at once, until the world is healed. */
  #talk(): void {
    const world = this.#world
    const client = world.pick(this.#clients)
    const burst = world.chance(0.1) ? world.between(2, 30) : 1
    for (let i = 0; i < burst; i += 1) client.say(world.pick(this.#rooms))
    if (!this.#isHealed) world.after(world.between(5, 400), () => this.#talk())
  }
  #isHealed = false
  #isCalm = false
  /** When the last fault ends by itself. */
  #quietAt = 0

  #injectFault(): void {
    const world = this.#world
    const over = (ms: number) => {
      this.#quietAt = Math.max(this.#quietAt, world.now + ms)
      return ms
    }
    const kind = world.pick(KINDS)
    this.#count(kind)
    const id = world.pick([...this.#servers.keys()])
    world.note(`fault ${kind} ${id}`)
    switch (kind) {
      case 'kill':
        this.#crash(id, over(world.chance(0.5) ? world.between(5_000, 30_000) : world.between(50, 3_000)))
        break
      case 'pause':
        this.#pause(id, over(world.chance(0.4) ? world.between(7_000, 30_000) : world.between(50, 6_000)))
        break
      case 'drain':
        this.#drain(id, over(world.between(1_000, 10_000)))
        break
      case 'cut': {
        const other = world.pick([...[...this.#servers.keys()].filter((one) => one !== id), 'balancer'])
        this.#cut(id, other, world.between(100, 15_000))
        break
      }
      case 'cut-client':
        this.#cut(world.pick(this.#clients).journal.name, id, world.between(100, 40_000))
        break
      case 'balancer':
        this.#balancer.crash()
        world.after(over(world.between(100, 20_000)), () => this.#balancer.restart())
        break
      case 'quit': {
        // For good; if his server dies with him, nobody says that he is gone.
        if (this.#clients.length < 2) break
        const [gone] = this.#clients.splice(world.between(1, this.#clients.length - 1), 1)
        this.#gone.push(gone!)
        gone!.client.close()
        if (world.chance(0.5)) this.#crash(id, over(world.between(50, 8_000)))
        break
      }
      case 'loss':
        this.#network.loss = world.random() * 0.3
        world.after(world.between(500, 10_000), () => (this.#network.loss = 0))
        break
      case 'full': {
        const { store } = this.#servers.get(id)!
        store.trouble = world.chance(0.8) ? 'full' : 'broken'
        if (store.trouble === 'broken') this.#count('broken')
        world.after(world.between(100, 5_000), () => (store.trouble = 'none'))
        break
      }
      case 'ambush':
        this.#isAmbushed = true
        if (world.chance(0.5)) this.#crash(id, over(world.between(3_000, 15_000)))
        else this.#drain(id, over(world.between(1_000, 10_000)))
        break
      case 'line':
        this.#lines.breakSome(id)
        break
    }
  }

  /** In the midst of a take-over he who takes the room dies, or stands still so long that somebody else takes it. */
  #ambush(id: string): void {
    const world = this.#world
    if (!this.#isAmbushed || world.chance(0.6)) return
    this.#isAmbushed = false
    const ms = world.between(200, 20_000)
    this.#quietAt = Math.max(this.#quietAt, world.now + ms)
    const isPause = world.chance(0.5)
    if (isPause) this.#count('take-over paused')
    world.after(0, () => (isPause ? this.#pause(id, ms) : this.#crash(id, ms)))
  }

  #count(what: string): void {
    this.#faults[what] = (this.#faults[what] ?? 0) + 1
  }

  #crash(id: string, downMs: number): void {
    const server = this.#servers.get(id)
    if (server?.process.isAlive !== true) return
    this.#world.note(`${id} crashes for ${downMs}`)
    for (const step of server.crash()) this.#count(`take-over cut off: ${step}`)
    this.#world.after(downMs, () => this.#startServer(id))
  }

  #drain(id: string, ms: number): void {
    const server = this.#servers.get(id)
    if (server?.process.isAlive !== true || server.isDraining) return
    server.process.run(() => {
      this.#world.note(`${id} drains for ${ms}`)
      server.drain(ms, () => this.#crash(id, this.#world.between(200, 2_000)))
    })
  }

  #pause(id: string, ms: number): void {
    const server = this.#servers.get(id)
    if (server?.process.isAlive !== true || server.process.isPaused) return
    this.#world.note(`${id} stands still for ${ms}`)
    server.process.pause()
    // Peers notice by silence; not that of the run that came after one that died while it stood still.
    const isStill = () => server.process.isAlive && server.process.isPaused
    if (ms > 3_000) this.#world.after(3_000, () => isStill() && this.#linksOf(id, false))
    this.#world.after(ms, () => {
      server.process.resume()
      if (server.process.isAlive) this.#linksOf(id, true)
    })
  }

  #linksOf(id: string, isUp: boolean): void {
    for (const other of this.#servers.keys()) {
      if (other !== id && (!isUp || this.#network.reach(id, other))) this.#network.bus.link(id, other, isUp)
    }
  }

  #cut(a: string, b: string, ms: number): void {
    this.#network.cut(a, b, ms, this.#servers.has(a) && this.#servers.has(b))
  }

  /** Everything works again; what is down comes back by itself as planned. */
  #heal(): void {
    this.#world.note('heals')
    this.#isHealed = true
    this.#network.loss = 0
    this.#isAmbushed = false
    this.#network.mendAll()
    for (const { store } of this.#servers.values()) store.trouble = 'none'
    // A room whose next home died on the way to it is nobody's until somebody asks for it, and nobody may be left in it.
    for (const room of this.#rooms) this.#clients[0]?.join(room)
    void this.#house?.calm().then(() => (this.#isCalm = true))
  }

  /** Acts go on being asked for until a home has an answer. */
  get #unrest(): string | undefined {
    return this.#house === undefined || this.#isCalm ? undefined : 'somebody still asks a home for something'
  }

  /** Lets the world run until nothing is pending. @returns what did not come to rest */
  async #rest(): Promise<string[]> {
    await this.#world.pass(Math.max(0, this.#quietAt - this.#world.now))
    const end = this.#world.now + REST_MS
    do {
      // Long enough that dead lines are noticed, and heads, graces and reports have had their say.
      await this.#world.pass(40_000)
    } while (this.#world.now < end && (restlessness(this.#clients) ?? this.#unrest) !== undefined)
    const restless = restlessness(this.#clients) ?? this.#unrest
    return restless === undefined ? [] : [`L ${restless}`]
  }
}
