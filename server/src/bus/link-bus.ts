import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { bearsFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { parseLinkMessage, type LinkMessage } from '@flotilla/protocol/link.ts'
import type { Logger } from 'pino'
import { WebSocket, WebSocketServer } from 'ws'
import type { Cancel, Clock } from '../clock.ts'
import { refuseSocket } from '../http-problem.ts'
import type { ServerLimits } from '../limits.ts'
import type { Bus, BusCounters, BusListener, PeerAddress, ServerId } from './bus.ts'
import { LinkFrame } from './link-frame.ts'

/**
 * The bus as direct WebSocket links between servers. Whoever has something for a peer dials it; one link serves both
 * directions. What is sent in one turn goes out as one frame, and past `ws`, which took 2.5 µs more for each: `ws` writes at once
 * and whole, so the two never mix.
 */

/** A link nothing was heard on for this long is dead, though its socket may not know. Pings go out three times as often. */
const SILENT_MS = 3_000
const BEAT_MS = SILENT_MS / 3
const REDIAL_MS = 100
const REDIAL_MAX_MS = 2_000
/** What may wait for a peer that is being dialled or does not read; beyond it messages are dropped (B4). */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
const MAX_FRAME_BYTES = 16 * 1024 * 1024
const NOTHING = Buffer.alloc(0)
const ID_HEADER = 'x-flotilla-server'
const INC_HEADER = 'x-flotilla-inc'

interface Link {
  ws: WebSocket
  /** What `ws` stands on. */
  socket: Duplex
  /** This server has dialled. */
  isClient: boolean
  inc: string
  heardAt: number
}

interface Peer {
  id: ServerId
  address: PeerAddress | undefined
  link: Link | undefined
  dialling: WebSocket | undefined
  dials: number
  redial: Cancel | undefined
  waiting: LinkFrame | undefined
  isFull: boolean
}

export interface LinkBusOptions {
  self: { id: ServerId; inc: string }
  secret: string
  clock: Clock
  log: Logger
  counters: BusCounters
  limits?: Pick<ServerLimits, 'highWaterBytes' | 'lowWaterBytes'>
}

export class LinkBus implements Bus {
  readonly #options: LinkBusOptions
  readonly #limits: Pick<ServerLimits, 'highWaterBytes' | 'lowWaterBytes'>
  readonly #peers = new Map<ServerId, Peer>()
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  })
  #listener: BusListener | undefined
  #dirty = new Set<Peer>()
  #beat: Cancel
  #isClosed = false
  /** Every open link, those that were replaced included. */
  readonly #open = new Set<WebSocket>()

  constructor(options: LinkBusOptions) {
    this.#options = options
    this.#limits = options.limits ?? LIMITS
    this.#beat = this.#nextBeat()
    this.#upgrades.on('wsClientError', (_error, socket) => refuseSocket(socket, 'bad_handshake'))
    this.#upgrades.on('headers', (headers) => {
      headers.push(`${ID_HEADER}: ${options.self.id}`, `${INC_HEADER}: ${options.self.inc}`)
    })
  }

  listen(listener: BusListener): void {
    this.#listener = listener
  }

  know(address: PeerAddress): void {
    this.#peer(address.id).address = address
  }

  reach(id: ServerId): void {
    const peer = this.#peer(id)
    if (peer.link === undefined) this.#dial(peer)
  }

  isUp(id: ServerId): boolean {
    return this.#peers.get(id)?.link !== undefined
  }

  unsentBytes(id: ServerId): number {
    const peer = this.#peers.get(id)
    return peer === undefined ? 0 : (peer.waiting?.length ?? 0) + (peer.link?.socket.writableLength ?? 0)
  }

  send(to: ServerId, message: LinkMessage, lines: Buffer = NOTHING): void {
    const peer = this.#peer(to)
    const { counters, clock } = this.#options
    const head = JSON.stringify(message)
    if (this.#isClosed || this.unsentBytes(to) + 8 + head.length + lines.length > MAX_WAITING_BYTES) {
      counters.dropped += 1
      return
    }
    peer.waiting ??= new LinkFrame()
    peer.waiting.add(head, lines)
    // Here and not where it is handed over: who saw it full waits to be told, even if the system then takes all at once.
    if (this.unsentBytes(to) >= this.#limits.highWaterBytes) peer.isFull = true
    counters.sent += 1
    if (peer.link === undefined) this.#dial(peer)
    else {
      if (this.#dirty.size === 0) clock.soon(() => this.#flushAll())
      this.#dirty.add(peer)
    }
  }

  /** A `/link` upgrade of the HTTP server: another server dials in. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const id = request.headers[ID_HEADER]
    const inc = request.headers[INC_HEADER]
    const isOurs = bearsFleetSecret(request.headers.authorization, this.#options.secret)
    if (!isOurs) return refuseSocket(socket, 'no_fleet_secret')
    if (this.#isClosed) return refuseSocket(socket, 'draining')
    if (typeof id !== 'string' || typeof inc !== 'string') return refuseSocket(socket, 'bad_handshake')
    this.#upgrades.handleUpgrade(request, socket, head, (ws) =>
      this.#adopt(this.#peer(id), { ws, socket, inc, isClient: false }),
    )
  }

  #peer(id: ServerId): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = {
        id,
        address: undefined,
        link: undefined,
        dialling: undefined,
        dials: 0,
        redial: undefined,
        waiting: undefined,
        isFull: false,
      }
      this.#peers.set(id, peer)
    }
    return peer
  }

  #dial(peer: Peer): void {
    const { address } = peer
    if (this.#isClosed || peer.dialling !== undefined || peer.redial !== undefined) return
    if (address === undefined) {
      this.#drop(peer)
      return
    }
    const { self, secret, log } = this.#options
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    const ws = new WebSocket(`ws://${host}:${address.port}/link`, {
      headers: { authorization: `Bearer ${secret}`, [ID_HEADER]: self.id, [INC_HEADER]: self.inc },
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: SILENT_MS,
      followRedirects: false,
    })
    peer.dialling = ws
    let answer: IncomingMessage | undefined
    ws.on('upgrade', (response) => (answer = response))
    ws.once('open', () => {
      peer.dialling = undefined
      const id = answer?.headers[ID_HEADER]
      const inc = answer?.headers[INC_HEADER]
      if (answer !== undefined && id === peer.id && typeof inc === 'string') {
        peer.dials = 0
        this.#adopt(peer, { ws, socket: answer.socket, inc, isClient: true })
      } else {
        log.warn({ peer: peer.id, found: id }, 'another server answers where this one should be')
        ws.terminate()
        this.#redialLater(peer)
      }
    })
    ws.once('error', (cause) => {
      if (peer.dialling !== ws) return
      peer.dialling = undefined
      log.debug({ peer: peer.id, cause: cause.message }, 'link not opened')
      this.#drop(peer)
      this.#redialLater(peer)
    })
  }

  /** Nobody is dialled again at once, but whoever asks in the meantime finds a dial under way soon. */
  #redialLater(peer: Peer): void {
    if (this.#isClosed) return
    const ms = Math.min(REDIAL_MAX_MS, REDIAL_MS * 2 ** Math.min(peer.dials, 10))
    peer.dials += 1
    peer.redial = this.#options.clock.after(ms, () => {
      peer.redial = undefined
      if (peer.link === undefined && peer.waiting !== undefined) this.#dial(peer)
    })
  }

  #drop(peer: Peer): void {
    this.#options.counters.dropped += peer.waiting?.messages ?? 0
    peer.waiting = undefined
  }

  /** The link counts from now on; an older one of the same run goes on being heard until it closes. */
  #adopt(peer: Peer, made: Omit<Link, 'heardAt'>): void {
    const before = peer.link
    if (before !== undefined && before.inc !== made.inc) this.#lose(peer, before)
    const { clock, log } = this.#options
    const link: Link = { ...made, heardAt: clock.now() }
    const { ws, inc } = link
    const isNew = peer.link === undefined
    peer.link = link
    this.#open.add(ws)
    ws.on('message', (data: Buffer, isBinary) => {
      link.heardAt = clock.now()
      if (isBinary) this.#hear(peer, data)
    })
    ws.on('pong', () => (link.heardAt = clock.now()))
    ws.on('ping', () => (link.heardAt = clock.now()))
    ws.on('error', (cause) => log.debug({ peer: peer.id, cause: cause.message }, 'link broke'))
    ws.on('close', () => {
      this.#open.delete(ws)
      this.#lose(peer, link)
    })
    if (isNew) {
      log.info({ peer: peer.id, inc }, 'link up')
      this.#listener?.up(peer.id)
    }
    this.#flush(peer)
  }

  #lose(peer: Peer, link: Link): void {
    if (peer.link !== link) return
    peer.link = undefined
    peer.isFull = false
    this.#drop(peer)
    link.ws.terminate()
    this.#options.log.info({ peer: peer.id }, 'link down')
    if (!this.#isClosed) this.#listener?.down(peer.id)
  }

  #flushAll(): void {
    const dirty = this.#dirty
    this.#dirty = new Set()
    for (const peer of dirty) this.#flush(peer)
  }

  #flush(peer: Peer): void {
    const { link, waiting } = peer
    if (link === undefined || waiting === undefined) return
    if (link.ws.readyState !== WebSocket.OPEN) return this.#drop(peer)
    peer.waiting = undefined
    const sent = peer.isFull ? () => this.#sent(peer) : undefined
    link.socket.write(waiting.finish(link.isClient), sent)
  }

  #sent(peer: Peer): void {
    if (!peer.isFull || this.unsentBytes(peer.id) >= this.#limits.lowWaterBytes) return
    peer.isFull = false
    this.#listener?.drained(peer.id)
  }

  #hear(peer: Peer, data: Buffer): void {
    let at = 0
    while (at + 8 <= data.length) {
      const headEnd = at + 8 + data.readUInt32BE(at)
      const linesEnd = headEnd + data.readUInt32BE(at + 4)
      if (linesEnd > data.length) break
      const message = parseLinkMessage(data.toString('utf8', at + 8, headEnd))
      this.#options.counters.received += 1
      if (message !== undefined) this.#tell(peer, message, data.subarray(headEnd, linesEnd))
      at = linesEnd
    }
    if (at !== data.length) this.#options.log.warn({ peer: peer.id }, 'a link frame was not whole')
  }

  /** A message of another version that nobody here understands must not end the process. */
  #tell(peer: Peer, message: LinkMessage, lines: Buffer): void {
    try {
      this.#listener?.message(peer.id, message, lines)
    } catch (cause) {
      this.#options.log.error({ err: cause, peer: peer.id, t: message.t }, 'a link message failed')
    }
  }

  #nextBeat(): Cancel {
    const { clock } = this.#options
    const dueAt = clock.now() + BEAT_MS
    return clock.after(BEAT_MS, () => this.#keepAlive(clock.now() - dueAt))
  }

  #keepAlive(lateMs: number): void {
    const now = this.#options.clock.now()
    // This process itself stood still: what its peers said meanwhile is still to be read.
    const isJudging = lateMs < BEAT_MS
    for (const peer of this.#peers.values()) {
      const { link } = peer
      if (link === undefined) continue
      if (isJudging && now - link.heardAt >= SILENT_MS) this.#lose(peer, link)
      else link.ws.ping()
    }
    this.#beat = this.#nextBeat()
  }

  async close(): Promise<void> {
    this.#flushAll()
    this.#isClosed = true
    this.#beat()
    for (const peer of this.#peers.values()) {
      peer.redial?.()
      peer.dialling?.terminate()
    }
    await Promise.all(
      [...this.#open].map(async (socket) => {
        const cancel = this.#options.clock.after(250, () => socket.terminate())
        await new Promise<void>((resolve) => {
          socket.once('close', () => resolve())
          socket.close(1001)
        })
        cancel()
      }),
    )
  }
}
