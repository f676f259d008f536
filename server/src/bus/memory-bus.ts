import type { LinkMessage } from '@flotilla/protocol/link.ts'
import type { Bus, BusListener, PeerAddress, ServerId } from './bus.ts'

/** The bus of a fleet in one process: for tests, and the network of a simulated world. */

/**
 * What connects the buses of one world. Both ports call `deliver` when they please; a message they may drop, double or
 * reorder, the word that a peer is up or down they may only delay.
 */
export interface MemoryWire {
  message(from: ServerId, to: ServerId, deliver: () => void): void
  state(from: ServerId, to: ServerId, deliver: () => void): void
}

export class MemoryNetwork {
  readonly #nodes = new Map<ServerId, MemoryBus>()
  readonly #wire: MemoryWire

  constructor(wire: MemoryWire) {
    this.#wire = wire
  }

  /** A server joins; everybody already here is told, and it of them. */
  join(id: ServerId): MemoryBus {
    const bus = new MemoryBus(id, this)
    const others = [...this.#nodes.values()]
    this.#nodes.set(id, bus)
    for (const other of others) this.#tell(bus, other, true)
    return bus
  }

  leave(id: ServerId): void {
    const bus = this.#nodes.get(id)
    this.#nodes.delete(id)
    if (bus === undefined) return
    for (const other of this.#nodes.values()) {
      this.#wire.state(id, other.id, () => other.setUp(id, false))
    }
  }

  /** The line between two servers breaks, or is mended. */
  link(a: ServerId, b: ServerId, isUp: boolean): void {
    const [one, other] = [this.#nodes.get(a), this.#nodes.get(b)]
    if (one !== undefined && other !== undefined) this.#tell(one, other, isUp)
  }

  #tell(one: MemoryBus, other: MemoryBus, isUp: boolean): void {
    const both = () => this.#nodes.get(one.id) === one && this.#nodes.get(other.id) === other
    this.#wire.state(one.id, other.id, () => (both() || !isUp) && other.setUp(one.id, isUp))
    this.#wire.state(other.id, one.id, () => (both() || !isUp) && one.setUp(other.id, isUp))
  }

  carry(from: ServerId, to: ServerId, message: LinkMessage, lines: Buffer): void {
    const text = JSON.stringify(message)
    const bytes = Buffer.from(lines)
    this.#wire.message(from, to, () => {
      this.#nodes.get(to)?.hear(from, JSON.parse(text) as LinkMessage, bytes)
    })
  }
}

export class MemoryBus implements Bus {
  readonly id: ServerId
  readonly #network: MemoryNetwork
  readonly #up = new Set<ServerId>()
  #listener: BusListener | undefined
  #isClosed = false

  constructor(id: ServerId, network: MemoryNetwork) {
    this.id = id
    this.#network = network
  }

  listen(listener: BusListener): void {
    this.#listener = listener
    for (const peer of this.#up) listener.up(peer)
  }

  know(_peer: PeerAddress): void {}
  reach(_peer: ServerId): void {}

  send(to: ServerId, message: LinkMessage, lines: Buffer = Buffer.alloc(0)): void {
    if (!this.#isClosed) this.#network.carry(this.id, to, message, lines)
  }

  unsentBytes(_to: ServerId): number {
    return 0
  }

  isUp(peer: ServerId): boolean {
    return this.#up.has(peer)
  }

  setUp(peer: ServerId, isUp: boolean): void {
    if (this.#isClosed || this.#up.has(peer) === isUp) return
    if (isUp) this.#up.add(peer)
    else this.#up.delete(peer)
    if (isUp) this.#listener?.up(peer)
    else this.#listener?.down(peer)
  }

  hear(from: ServerId, message: LinkMessage, lines: Buffer): void {
    if (!this.#isClosed) this.#listener?.message(from, message, lines)
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#network.leave(this.id)
    return Promise.resolve()
  }
}
