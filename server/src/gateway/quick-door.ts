import type { IncomingHttpHeaders, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Cancel, Clock } from '../clock.ts'
import type { HandshakeRequest } from './doors.ts'

/**
 * Stands before Node's HTTP server and reads the handshakes that are as all clients write them: complete in the first chunk, nothing
 * unusual in it. Whatever else comes goes on to Node as it came, which judges it. Making a client of a connection costs a
 * third less this way, and what Node keeps of each request is not kept for as long as the client stays.
 */

export interface QuickDoorOptions {
  http: Server
  clock: Clock
  /** Connections that sent nothing for so long are Node's, too, which ends them in its time. */
  silentMs: number
  /** Connections that have not said yet who they are, at most; any number if not said. */
  mostStrangers?: number
  /** One of them was cut off, as there were more. */
  dropped?: () => void
  /** A handshake for `/ws`; `head` is what came behind it. */
  upgrade: (request: HandshakeRequest, socket: Socket, head: Buffer) => void
}

/** Longest handshake that is read here, in bytes: above it Node says no. */
const MAX_BYTES = 8 * 1024
// Method, path and version; then headers of which none goes on in the next line.
const HANDSHAKE =
  /^GET (\/ws(?:\?[\x21-\x7e]*)?) HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n/

export class QuickDoor {
  readonly #options: QuickDoorOptions
  readonly #toNode: (socket: Socket) => void
  /** Connections that sent nothing yet, and when they came: the oldest first. */
  readonly #silent = new Map<Socket, number>()
  /** Those that Node reads: the oldest first. */
  readonly #handedOn = new Set<Socket>()
  /** The same for all connections: closures for each would be a good part of what is kept of an idle client. */
  readonly #onData: (this: Socket, chunk: Buffer) => void
  readonly #onClose: (this: Socket) => void
  #isOpen = false
  #sweep: Cancel | undefined

  /**
   * Takes the place of the listener by which `http` begins to read a connection. Whoever comes before `open` waits, unread: a
   * request that nobody listens for yet would never be answered.
   */
  constructor(options: QuickDoorOptions) {
    this.#options = options
    const { http, clock } = options
    const listeners = http.listeners('connection') as ((socket: Socket) => void)[]
    this.#toNode = (socket) => listeners.forEach((listener) => listener.call(http, socket))
    const came = (socket: Socket, chunk: Buffer) => this.#came(socket, chunk)
    this.#onData = function (chunk) {
      came(this, chunk)
    }
    const silent = this.#silent
    const handedOn = this.#handedOn
    this.#onClose = function () {
      silent.delete(this)
      handedOn.delete(this)
    }
    http.removeAllListeners('connection')
    http.on('connection', (socket: Socket) => {
      this.#makeRoom()
      silent.set(socket, clock.now())
      if (this.#isOpen) socket.on('data', this.#onData)
      socket.on('end', end)
      socket.on('close', this.#onClose)
      socket.on('error', ignore)
    })
  }

  /** From now on what comes is read, of those who wait, too. */
  open(): void {
    const { clock, silentMs } = this.#options
    this.#isOpen = true
    for (const socket of this.#silent.keys()) {
      this.#silent.set(socket, clock.now())
      socket.on('data', this.#onData)
    }
    this.#sweep = clock.after(silentMs, () => this.#handOnSilent())
  }

  /** Who was let in by an upgrade, or is of the fleet, is no stranger any more. */
  known(socket: Socket): void {
    this.#handedOn.delete(socket)
    socket.off('close', this.#onClose)
  }

  /** Whoever comes is more likely to say something than who has been here for longest without having done so. */
  #makeRoom(): void {
    const { mostStrangers = Infinity, dropped } = this.#options
    if (this.#silent.size + this.#handedOn.size < mostStrangers) return
    // Of those there are more of: whoever opens many connections is cut off by them, and not who asks something just now.
    const crowd = this.#silent.size > this.#handedOn.size ? this.#silent.keys() : this.#handedOn.keys()
    const oldest = crowd.next().value
    if (oldest === undefined) return
    // Its `close` comes later.
    this.#silent.delete(oldest)
    this.#handedOn.delete(oldest)
    oldest.destroy()
    dropped?.()
  }

  #came(socket: Socket, chunk: Buffer): void {
    this.#letGo(socket)
    const handshake = readHandshake(chunk)
    if (handshake === undefined) this.#handOn(socket, chunk)
    else this.#options.upgrade(handshake.request, socket, chunk.subarray(handshake.bytes))
  }

  /** Listens no more, but for an error: without a listener a client that resets the line would end the process. */
  #letGo(socket: Socket): void {
    this.#silent.delete(socket)
    socket.off('data', this.#onData)
    socket.off('end', end)
    socket.off('close', this.#onClose)
  }

  #handOn(socket: Socket, chunk?: Buffer): void {
    socket.pause() // what was read goes first
    socket.off('error', ignore)
    this.#handedOn.add(socket)
    socket.on('close', this.#onClose)
    this.#toNode(socket)
    if (chunk !== undefined) socket.unshift(chunk)
    socket.resume()
  }

  #handOnSilent(): void {
    const { clock, silentMs } = this.#options
    for (const [socket, cameAt] of this.#silent) {
      if (clock.now() - cameAt < silentMs) break
      this.#letGo(socket)
      this.#handOn(socket)
    }
    this.#sweep = clock.after(silentMs, () => this.#handOnSilent())
  }

  /** Cuts off whoever has sent nothing yet. */
  close(): void {
    this.#sweep?.()
    for (const socket of this.#silent.keys()) socket.destroy()
  }
}

/**
 * @returns undefined unless it is a whole and plain handshake of a WebSocket at `/ws`; `bytes` = its length in the chunk
 */
export function readHandshake(chunk: Buffer): { request: HandshakeRequest; bytes: number } | undefined {
  const text = chunk.toString('latin1', 0, MAX_BYTES)
  const match = HANDSHAKE.exec(text)
  if (match === null) return undefined
  const [all, url, lines] = match as unknown as [string, string, string]
  const headers = Object.create(null) as IncomingHttpHeaders // any name is one of theirs
  for (const line of lines.split('\r\n', lines.length)) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (Object.hasOwn(headers, name)) return undefined
    headers[name] = line.slice(colon + 1).trim()
  }
  const isPlain =
    headers.host !== undefined &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers.connection !== undefined &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection) &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined
  return isPlain ? { request: { method: 'GET', url, headers }, bytes: all.length } : undefined
}

function end(this: Socket): void {
  this.end()
}
/** The socket is destroyed by itself. */
function ignore(): void {}
