import { setTimeout as pause } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { BALANCER, type ChaosFleet, type ChaosServer } from './chaos-fleet.ts'
import type { FaultProxy, LinkRule } from './fault-proxy.ts'
import { choose, describeFault, type CutHow, type CutLink, type Fault, type FaultKind } from './plan.ts'

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
  /** Nothing else was broken in this time. */
  isAlone: boolean
}

/** One side of a connection that a cut breaks, as its proxy knows it. */
interface Strand {
  proxy: FaultProxy
  who?: string
  /** The proxy stands before the server that is cut off; otherwise behind it. */
  isInbound: boolean
}

/** Carries out faults on a fleet. */
export class Injector {
  readonly #fleet: ChaosFleet
  readonly #rooms: readonly RoomId[]

  constructor(fleet: ChaosFleet, rooms: readonly RoomId[]) {
    this.#fleet = fleet
    this.#rooms = rooms
  }

  /** Begins at once. `mended` resolves when what it broke is whole again. */
  inject(fault: Fault): { target: string; detail: string; rooms: RoomId[]; mended: Promise<void> } {
    const homes = this.#fleet.homes()
    const homedAt = (id: string) => this.#rooms.filter((room) => homes.get(room) === id)
    const detail = describeFault(fault)
    const all = { target: 'all', detail, rooms: [...this.#rooms] }
    switch (fault.kind) {
      case 'balancer':
        return { ...all, target: 'balancer', mended: this.#balancer(fault.how, fault.ms) }
      case 'all':
        return { ...all, mended: this.#killAll(fault.downMs) }
      case 'disk': {
        const server = this.#fleet.servers.find(({ disk }) => disk !== undefined)!
        const { name, id } = server.part
        return { target: name, detail, rooms: homedAt(id), mended: this.#fill(server, fault.ms) }
      }
      default: {
        const ids = this.#fleet.servers.map(({ part }) => part.id)
        const known = this.#rooms.flatMap((room) => homes.get(room) ?? [])
        const server = this.#fleet.server(choose(fault.aim, known, ids)) ?? this.#fleet.servers[0]!
        const { name, id } = server.part
        const isOfAll = fault.kind === 'cut' && fault.link === 'clients-balancer'
        return {
          target: isOfAll ? 'balancer' : name,
          detail,
          rooms: isOfAll ? [...this.#rooms] : homedAt(id),
          mended: this.#hit(server, fault),
        }
      }
    }
  }

  async #hit(server: ChaosServer, fault: Extract<Fault, { aim: unknown }>): Promise<void> {
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

  async #killAll(downMs: readonly number[]): Promise<void> {
    await Promise.all(
      this.#fleet.parts.map(async (part, at) => {
        await part.kill()
        await pause(downMs[at % downMs.length])
        await part.start()
      }),
    )
  }

  async #fill({ disk }: ChaosServer, ms: number): Promise<void> {
    disk?.fill()
    // What its server frees meanwhile (a WAL that starts over) is taken, too.
    const again = setInterval(() => disk?.fill(), 100)
    await pause(ms)
    clearInterval(again)
    disk?.free()
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
