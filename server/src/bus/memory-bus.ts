import type { LinkMessage } from '@flotilla/protocol/link.ts'
import type { Bus, BusListener, PeerAddress, ServerId } from './bus.ts'

/** The bus of a fleet in one process: for tests, and the network of a simulated world. */

/** What connects the buses of one world. `carry` may drop, double, delay or reorder: it calls `deliver` when it pleases. */
export class MemoryNetwork {
  readonly #nodes = new Map<ServerId, MemoryBus>()
  readonly #carry: (from: ServerId, to: ServerId, deliver: () => void) => void

  constructor(carry: (from: ServerId, to: ServerId, deliver: () => void) => void) {
    this.#carry = carry
  }

  /** A server joins; everybody already here is told, and it of them. */
  join(id: ServerId): MemoryBus {
    const bus = new MemoryBus(id, this)
    const others = [...this.#nodes.values()]
    this.#nodes.set(id, bus)
    for (const other of others) {
      this.#carry(id, other.id, () => other.setUp(id, true))
      this.#carry(other.id, id, () => bus.setUp(other.id, true))
    }
    return bus
  }

  leave(id: ServerId): void {
    this.#nodes.delete(id)
    for (const other of this.#nodes.values()) this.#carry(id, other.id, () => other.setUp(id, false))
  }

  carry(from: ServerId, to: ServerId, message: LinkMessage, lines: Buffer): void {
    const text = JSON.stringify(message)
    const bytes = Buffer.from(lines)
    this.#carry(from, to, () => {
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
