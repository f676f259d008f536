import { setTimeout as pause } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { BALANCER, type ChaosFleet, type ChaosServer } from './chaos-fleet.ts'
import type { FaultProxy, LinkRule } from './fault-proxy.ts'
import {
  choose,
  describeFault,
  type Aim,
  type CutHow,
  type CutLink,
  type DiskHow,
  type Fault,
  type FaultKind,
} from './plan.ts'
import { walEnd } from './write-limit.ts'

/** One fault that happened; times in milliseconds of the run. */
export interface FaultRecord {
  kind: FaultKind
  detail: string
  target: string
  /** Rooms whose home it hit. */
  rooms: readonly RoomId[]
  at: number
  /** When what it broke was whole again: the process ready, the line through. */
  mendedAt: number
  /** When every room was written again, by everybody. */
  settledAt: number
  /** When the first of the processes that it ended all at once was started again. */
  restartedAt?: number
  /** Nothing else was broken in this time. */
  isAlone: boolean
}

/** What a fault hits, and what is known of it later. */
export interface Injected {
  target: string
  detail: string
  rooms: RoomId[]
  /** Resolves when what it broke is whole again. */
  mended: Promise<{ restartedAt?: number }>
}

/** One side of a connection that a cut breaks, as its proxy knows it. */
interface Strand {
  proxy: FaultProxy
  who?: string
  /** The proxy stands before the server that is cut off; otherwise behind it. */
  isInbound: boolean
}

type DiskFault = Extract<Fault, { kind: 'disk' }>

/** Carries out faults on a fleet. */
export class Injector {
  readonly #fleet: ChaosFleet
  readonly #rooms: readonly RoomId[]
  readonly #now: () => number

  /** `now` = milliseconds of the run. */
  constructor(fleet: ChaosFleet, rooms: readonly RoomId[], now: () => number) {
    this.#fleet = fleet
    this.#rooms = rooms
    this.#now = now
  }

  /** Begins at once. */
  inject(fault: Fault): Injected {
    const homes = this.#fleet.homes()
    const homedAt = (id: string) => this.#rooms.filter((room) => homes.get(room) === id)
    const detail = describeFault(fault)
    const all = { target: 'all', detail, rooms: [...this.#rooms] }
    switch (fault.kind) {
      case 'balancer':
        return { ...all, target: 'balancer', mended: plain(this.#balancer(fault.how, fault.ms)) }
      case 'all':
        return { ...all, mended: this.#killAll(fault.downMs) }
      case 'roll':
        return { ...all, mended: plain(this.#roll()) }
      case 'disk': {
        const { server, how } = this.#failing(fault)
        const { name, id } = server.part
        return {
          target: name,
          detail: describeFault({ ...fault, how }),
          rooms: homedAt(id),
          mended: plain(
            how.mode === 'full' ? this.#fill(server, fault.ms) : this.#failWrites(server, how, fault.ms),
          ),
        }
      }
      default: {
        const server = this.#aimed(fault.aim)
        const { name, id } = server.part
        const isOfAll = fault.kind === 'cut' && fault.link === 'clients-balancer'
        return {
          target: isOfAll ? 'balancer' : name,
          detail,
          rooms: isOfAll ? [...this.#rooms] : homedAt(id),
          mended: plain(this.#hit(server, fault)),
        }
      }
    }
  }

  #aimed(aim: Aim): ChaosServer {
    const homes = this.#fleet.homes()
    const ids = this.#fleet.servers.map(({ part }) => part.id)
    const known = this.#rooms.flatMap((room) => homes.get(room) ?? [])
    return this.#fleet.server(choose(aim, known, ids)) ?? this.#fleet.servers[0]!
  }

  /** Whose disk fails, and how: as planned where that can be had, otherwise the other way. */
  #failing({ aim, how }: DiskFault): { server: ChaosServer; how: DiskHow } {
    const small = this.#fleet.servers.find(({ disk }) => disk !== undefined)
    const isFull = small !== undefined && (how.mode === 'full' || !this.#fleet.canLimitWrites)
    if (isFull) return { server: small, how: { mode: 'full' } }
    return { server: this.#aimed(aim), how: how.mode === 'io' ? how : { mode: 'io', slackBytes: 0 } }
  }

  async #hit(
    server: ChaosServer,
    fault: Exclude<Extract<Fault, { aim: unknown }>, DiskFault>,
  ): Promise<void> {
    const { part } = server
    switch (fault.kind) {
      case 'kill':
        await part.kill()
        await pause(fault.downMs)
        return part.start()
      case 'drain':
        await part.drain()
        await pause(fault.downMs)
        return part.start()
      case 'pause':
        part.stopStill()
        await pause(fault.ms)
        return part.goOn()
      case 'cut':
        return this.#cut(this.#strands(server, fault.link, fault.other), fault.how, fault.ms)
    }
  }

  async #balancer(how: 'kill' | 'pause', ms: number): Promise<void> {
    const { balancer } = this.#fleet
    if (how === 'kill') {
      await balancer.kill()
      await pause(ms)
      return balancer.start()
    }
    balancer.stopStill()
    await pause(ms)
    balancer.goOn()
  }

  async #killAll(downMs: readonly number[]): Promise<{ restartedAt?: number }> {
    let restartedAt: number | undefined
    await Promise.all(
      this.#fleet.parts.map(async (part, at) => {
        await part.kill()
        await pause(downMs[at % downMs.length])
        restartedAt ??= this.#now()
        await part.start()
      }),
    )
    return restartedAt === undefined ? {} : { restartedAt }
  }

  /** Servers before the balancer, each when the one before is back in the registry: as `npm run fleet -- roll` does. */
  async #roll(): Promise<void> {
    const { servers, balancer } = this.#fleet
    for (const part of [...servers.map((server) => server.part), balancer]) {
      await part.drain()
      await part.start()
      await this.#fleet.complete()
    }
  }

  /** Until it has ended of it; if it writes nothing for so long that it does not, all was for nothing. */
  async #failWrites(
    { part, dataDir }: ChaosServer,
    { slackBytes }: Extract<DiskHow, { mode: 'io' }>,
    ms: number,
  ): Promise<void> {
    const bytes = slackBytes === 0 ? 0 : walEnd(dataDir) + slackBytes
    if (await part.failWrites(bytes, ms)) await part.start()
  }

  async #fill({ disk, part }: ChaosServer, ms: number): Promise<void> {
    part.isDiskFull = true
    disk?.fill()
    // What its server frees meanwhile (a WAL that starts over) is taken, too.
    const again = setInterval(() => disk?.fill(), 100)
    await pause(ms)
    clearInterval(again)
    disk?.free()
    // One that met it while it started still has to say so, and is started again.
    await part.start()
    part.isDiskFull = false
  }

  #strands(server: ChaosServer, link: CutLink, other: number): Strand[] {
    const peers = this.#fleet.servers.filter((one) => one !== server)
    const toPeer = (peer: ChaosServer): Strand[] => [
      { proxy: server.forFleet, who: peer.part.id, isInbound: true },
      { proxy: peer.forFleet, who: server.part.id, isInbound: false },
    ]
    const clients: Strand[] = [{ proxy: server.forClients, isInbound: true }]
    const balancer: Strand[] = [
      { proxy: server.toBalancer, isInbound: false },
      { proxy: server.forFleet, who: BALANCER, isInbound: true },
    ]
    switch (link) {
      case 'clients':
        return clients
      case 'peers':
        return peers.flatMap(toPeer)
      case 'one-peer':
        return peers.length === 0 ? [] : toPeer(peers[Math.floor(other * peers.length)]!)
      case 'balancer':
        return balancer
      case 'fleet':
        return [...peers.flatMap(toPeer), ...balancer]
      case 'all':
        return [...peers.flatMap(toPeer), ...balancer, ...clients]
      case 'clients-balancer':
        return [{ proxy: this.#fleet.forClients, isInbound: true }]
    }
  }

  async #cut(strands: readonly Strand[], how: CutHow, ms: number): Promise<void> {
    if (how.mode === 'reset') {
      for (const { proxy, who } of strands) proxy.reset(who)
      return
    }
    for (const { proxy, who, isInbound } of strands) proxy.set(ruleOf(how, isInbound), who)
    await pause(ms)
    for (const { proxy, who } of strands) {
      proxy.mend(who)
      if (how.mode === 'hold' && how.isResetAfter) proxy.reset(who)
    }
  }
}

/** What goes to a server that is cut off goes up at the proxy before it, and down at one behind it. */
function ruleOf(how: Exclude<CutHow, { mode: 'reset' }>, isInbound: boolean): LinkRule {
  if (how.mode !== 'hold') return how
  const { ways } = how
  if (ways === 'both' || isInbound) return { mode: 'hold', ways }
  return { mode: 'hold', ways: ways === 'up' ? 'down' : 'up' }
}

function plain(mended: Promise<void>): Promise<{ restartedAt?: number }> {
  return mended.then(() => ({}))
}
