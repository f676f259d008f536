import type { LinkMessage } from '@flotilla/protocol/link.ts'

export type ServerId = string

/** Where another server takes links. */
export interface PeerAddress {
  id: ServerId
  host: string
  port: number
}

export interface BusListener {
  /** `lines`: the bytes that came with the message; empty if none. */
  message(from: ServerId, message: LinkMessage, lines: Buffer): void
  /** The peer can be reached (again); nothing sent before this is on its way any more. */
  up(peer: ServerId): void
  /** The peer cannot be reached, or is another run of itself: what was asked of it will not be answered. */
  down(peer: ServerId): void
  /** The peer takes more: its unsent bytes fell below the low-water mark. */
  drained(peer: ServerId): void
}

/**
 * Hints between servers. Every adapter keeps:
 * B1  A message arrives whole and unaltered, or not at all. It may be lost, doubled, late or out of order.
 * B2  `send` never throws and never waits; what cannot be sent is dropped and counted.
 * B3  `up` and `down` alternate per peer, beginning with `up`. A peer that dies or no longer answers is told `down`.
 * B4  What waits for a peer is bounded; `unsentBytes` says how much it is.
 * B5  `from` is proven: nobody without the fleet secret is heard.
 */
export interface Bus {
  /** Begins to hear. */
  listen(listener: BusListener): void
  /** Where a peer is to be found; a later word replaces an earlier one. */
  know(peer: PeerAddress): void
  /** Makes sure the peer is being connected to; `up` or nothing follows. */
  reach(peer: ServerId): void
  send(to: ServerId, message: LinkMessage, lines?: Buffer): void
  unsentBytes(to: ServerId): number
  isUp(peer: ServerId): boolean
  close(): Promise<void>
}

export interface BusCounters {
  sent: number
  received: number
  dropped: number
}
