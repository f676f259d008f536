import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket as Socket } from 'ws'
import type { ClientFrame, Entry, Joined, MessageEntry, User, Welcome, WelcomeLimits } from '../../frames.ts'

/** A server that does nothing by itself: the test reads what came and says what goes back. */
export class Peer {
  readonly connections: PeerConnection[] = []
  readonly #http: Server
  readonly #wss: WebSocketServer
  readonly #waiting = new Set<() => void>()
  /** Greets each connection at once, unless set to undefined. */
  welcome: Partial<Welcome> | undefined = {}
  /** Told of each connection, after it was greeted. */
  onConnection: (connection: PeerConnection) => void = () => undefined

  private constructor(http: Server) {
    this.#http = http
    this.#wss = new WebSocketServer({ server: http })
    this.#wss.on('connection', (socket, request) => {
      const connection = new PeerConnection(
        socket,
        request.url ?? '',
        request.headers['sec-websocket-protocol'],
        () => this.#wake(),
      )
      this.connections.push(connection)
      if (this.welcome) connection.say(welcome(this.welcome))
      this.onConnection(connection)
      this.#wake()
    })
  }

  static async open(port = 0): Promise<Peer> {
    const http = createServer()
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
    return new Peer(http)
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`
  }

  /** The nth connection ever made, once it is there. */
  async connection(n: number): Promise<PeerConnection> {
    await this.until(() => this.connections.length > n)
    return this.connections[n]!
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((wake) => this.#waiting.add(wake))
  }

  async close(): Promise<void> {
    for (const socket of this.#wss.clients) socket.terminate()
    this.#wss.close()
    this.#http.close()
    await once(this.#http, 'close')
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) {
      this.#waiting.delete(wake)
      wake()
    }
  }
}

export class PeerConnection {
  readonly socket: Socket
  readonly url: string
  readonly protocols: string | undefined
  /** Everything that came and was not yet asked for by `next`. */
  readonly inbox: ClientFrame[] = []
  readonly #waiting = new Set<() => void>()
  isClosed = false

  constructor(socket: Socket, url: string, protocols: string | undefined, wakePeer: () => void) {
    this.socket = socket
    this.url = url
    this.protocols = protocols
    const wake = () => {
      for (const one of [...this.#waiting]) {
        this.#waiting.delete(one)
        one()
      }
      wakePeer()
    }
    socket.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) this.inbox.push(JSON.parse(line) as ClientFrame)
      wake()
    })
    socket.on('close', () => {
      this.isClosed = true
      wake()
    })
  }

  /** One WebSocket message of one or more lines. */
  say(...frames: readonly object[]): void {
    this.socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  /** The next frame of this type, once it has come; those before it are dropped. */
  async next<T extends ClientFrame['type']>(type: T): Promise<Extract<ClientFrame, { type: T }>> {
    for (;;) {
      while (this.inbox.length > 0) {
        const frame = this.inbox.shift()!
        if (frame.type === type) return frame as Extract<ClientFrame, { type: T }>
      }
      if (this.isClosed) throw new Error(`the client closed before it sent ${type}`)
      await new Promise<void>((wake) => this.#waiting.add(wake))
    }
  }

  /** What came before the next frame of this type, which is dropped. */
  async before(type: ClientFrame['type']): Promise<ClientFrame[]> {
    for (;;) {
      const at = this.inbox.findIndex((frame) => frame.type === type)
      if (at >= 0) return this.inbox.splice(0, at + 1).slice(0, -1)
      if (this.isClosed) throw new Error(`the client closed before it sent ${type}`)
      await new Promise<void>((wake) => this.#waiting.add(wake))
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((wake) => this.#waiting.add(wake))
  }

  /** Cuts the line without a word. */
  cut(): void {
    this.socket.terminate()
  }
}

/** A balancer whose answer the test sets. */
export class Balancer {
  readonly #http: Server
  answer: { status: number; headers?: Record<string, string>; body: unknown }
  asked = 0
  /** What was asked for each time. */
  readonly paths: string[] = []

  private constructor(http: Server, url: string) {
    this.#http = http
    this.answer = { status: 200, body: { url, alternatives: [] } }
  }

  static async open(url: string): Promise<Balancer> {
    const http = createServer((request, response) => {
      balancer.asked += 1
      balancer.paths.push(request.url ?? '')
      response.writeHead(balancer.answer.status, {
        'content-type': 'application/json',
        ...balancer.answer.headers,
      })
      response.end(JSON.stringify(balancer.answer.body))
    })
    const balancer = new Balancer(http, url)
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return balancer
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  choose(url: string, alternatives: string[] = []): void {
    this.answer = { status: 200, body: { url, alternatives } }
  }

  async close(): Promise<void> {
    this.#http.close()
    this.#http.closeAllConnections()
    await once(this.#http, 'close')
  }
}

export const LIMITS_SAID: WelcomeLimits = {
  textChars: 4_000,
  frameBytes: 65_536,
  historyEntries: 200,
  unackedSends: 64,
  rate: 0,
  rateMs: 10_000,
}

export const ANNA: User = { id: 'guest:anna', name: 'anna' }
export const BERT: User = { id: 'guest:bert', name: 'bert' }

export function welcome(over: Partial<Welcome> = {}): Welcome {
  return {
    type: 'welcome',
    server: 's1',
    session: 'x1',
    user: ANNA,
    heartbeatMs: 10_000,
    limits: LIMITS_SAID,
    alternatives: [],
    ...over,
  }
}

export function message(seq: number, over: Partial<MessageEntry> = {}): MessageEntry {
  return {
    type: 'message',
    room: 'general',
    seq,
    id: `b${seq}`,
    user: BERT,
    text: `text ${seq}`,
    ts: seq,
    ...over,
  }
}

export function messages(first: number, last: number): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, i) => message(first + i))
}

export function joined(over: Partial<Joined> = {}): Joined {
  return {
    type: 'joined',
    room: 'general',
    log: 'L',
    head: 0,
    first: 1,
    visibility: 'public',
    members: [ANNA],
    count: 1,
    ...over,
  }
}
