import type { ClientFrame, Entry, HistoryRequest, Join, Send } from '../../frames.ts'
import type { FakeClock } from './fake-clock.ts'
import { ANNA, BERT, joined, message, welcome } from './peer.ts'

/** How often what goes wrong goes wrong; all 0 = a fleet at its best. */
export interface Faults {
  /** A line breaks at a frame, in either direction. */
  cut: number
  /** What was under way on a broken line arrives at the server after all, later. */
  late: number
  /** Entries are streamed again. */
  repeat: number
  /** Entries are left out of the stream. */
  skip: number
  /** A send or a join is refused, not finally. */
  refuse: number
  /** A server announces that it leaves. */
  move: number
  /** A balancer does not answer. */
  lost: number
}

export const NO_FAULTS: Faults = { cut: 0, late: 0, repeat: 0, skip: 0, refuse: 0, move: 0, lost: 0 }

/** More than this behind, a resume starts later: small, so that paging happens. */
const RESUME_ENTRIES = 6
const URLS = ['ws://s1/ws', 'ws://s2/ws', 'ws://s3/ws']

/**
 * A fleet of one room that keeps the rules of the wire, on a network that does not: every chance from one seed, every
 * delay on one clock. It is `fetch` and `WebSocket` to the client.
 */
export class LossyFleet {
  faults: Faults
  readonly log: Entry[] = []
  readonly clock: FakeClock
  readonly random: () => number
  readonly #sockets = new Set<FleetSocket>()
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket

  constructor(clock: FakeClock, random: () => number, faults: Faults) {
    this.clock = clock
    this.random = random
    this.faults = faults
    this.fetch = () => {
      if (this.chance('lost')) return Promise.reject(new TypeError('fetch failed'))
      const [url, ...alternatives] = [...URLS].sort(() => this.random() - 0.5)
      const answer = { ok: true, status: 200, json: () => Promise.resolve({ url, alternatives }) }
      return Promise.resolve(answer as unknown as Response)
    }
    const open = (url: string) => {
      const socket = new FleetSocket(this, url)
      this.#sockets.add(socket)
      return socket
    }
    this.WebSocket = function (url: string) {
      return open(url)
    } as unknown as typeof WebSocket
  }

  chance(fault: keyof Faults): boolean {
    return this.random() < this.faults[fault]
  }

  /** Somebody else writes. */
  say(text: string): void {
    this.append(message(this.log.length + 1, { text, user: BERT, id: `bert-${this.log.length + 1}` }))
  }

  append(entry: Entry): void {
    this.log.push(entry)
    for (const socket of this.#sockets) socket.pump()
  }

  gone(socket: FleetSocket): void {
    this.#sockets.delete(socket)
  }
}

/** The client's end and the server's end of one line in one object. */
class FleetSocket {
  readonly #fleet: LossyFleet
  readyState = 0
  onmessage: ((event: { data: string }) => void) | undefined
  onclose: ((event: { code: number }) => void) | undefined
  onerror: (() => void) | undefined
  /** Frames of one direction arrive in order. */
  #upAt = 0
  #downAt = 0
  /** The last seq streamed; undefined = not joined. */
  #cursor: number | undefined
  #isPumping = false

  constructor(fleet: LossyFleet, _url: string) {
    this.#fleet = fleet
    this.#after(20, () => {
      if (fleet.chance('cut')) return this.#cut()
      this.readyState = 1
      this.#down(welcome({ alternatives: URLS }))
      this.#beat()
    })
  }

  send(text: string): void {
    if (this.readyState !== 1) return
    if (this.#fleet.chance('cut')) return this.#cut(text)
    this.#upAt = this.#arrival(this.#upAt)
    this.#after(this.#upAt - this.#fleet.clock.now(), () => {
      if (this.readyState === 1) this.#take(text)
    })
  }

  close(): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.#fleet.gone(this)
  }

  pump(): void {
    if (this.#cursor === undefined || this.#isPumping) return
    this.#isPumping = true
    this.#after(this.#fleet.random() * 40, () => {
      this.#isPumping = false
      const { log } = this.#fleet
      if (this.#cursor === undefined || this.#cursor >= log.length) return
      let from = this.#cursor
      if (this.#fleet.chance('repeat')) from = Math.max(0, from - 3)
      if (this.#fleet.chance('skip')) from = Math.min(from + 2, log.length)
      this.#cursor = log.length
      if (from < log.length) this.#down(...log.slice(from))
    })
  }

  #take(text: string): void {
    for (const line of text.split('\n')) {
      const frame = JSON.parse(line) as ClientFrame
      const answer = this.#answer(frame)
      if (answer) this.#down(answer)
      if (frame.type === 'join') this.pump()
    }
  }

  #answer(frame: ClientFrame): object | undefined {
    switch (frame.type) {
      case 'join':
        return this.#join(frame)
      case 'send':
        return this.#cursor === undefined ? this.#error('not_joined', frame) : this.#append(frame)
      case 'history':
        return this.#history(frame)
      case 'ping':
        return { type: 'pong', ref: frame.ref }
      default:
        return undefined
    }
  }

  #join(frame: Join): object {
    if (this.#fleet.chance('refuse')) return this.#error('busy', frame)
    const head = this.#fleet.log.length
    const since = frame.since ?? Math.max(0, head - 3)
    const start = head - since > RESUME_ENTRIES ? head - RESUME_ENTRIES : since
    this.#cursor = start
    return joined({ ref: frame.ref!, head, first: start + 1 })
  }

  #append(send: Send): object {
    const { log } = this.#fleet
    const known = log.find(({ id, user }) => id === send.id && user.id === ANNA.id)
    if (known) return this.#ack(send, known)
    if (this.#fleet.chance('refuse')) return this.#error('rate_limited', send, 50)
    if (send.after !== undefined && !log.some(({ id }) => id === send.after)) return this.#error('gap', send)
    const entry = message(log.length + 1, { id: send.id, user: ANNA, text: send.text })
    this.#fleet.append(entry)
    return this.#ack(send, entry)
  }

  #ack({ ref, room, id }: Send, { seq, ts }: Entry): object {
    return { type: 'ack', ref, room, id, seq, ts }
  }

  #error(code: string, { ref, room, ...frame }: Join | Send, retryMs?: number): object {
    return { type: 'error', code, message: '', ref, room, id: 'id' in frame ? frame.id : undefined, retryMs }
  }

  #history({ ref, room, after = 0 }: HistoryRequest): object {
    const entries = this.#fleet.log.slice(after, after + 2)
    return { type: 'history', ref, room, entries, done: after + 2 >= this.#fleet.log.length }
  }

  #beat(): void {
    this.#after(10_000, () => {
      if (this.readyState !== 1) return
      if (this.#cursor !== undefined) {
        this.#down({ type: 'head', room: 'general', seq: this.#fleet.log.length })
      }
      if (this.#fleet.chance('move')) this.#down({ type: 'move', inMs: 500, reason: 'drain' })
      this.#beat()
    })
  }

  #down(...frames: object[]): void {
    if (this.readyState !== 1) return
    if (this.#fleet.chance('cut')) return this.#cut()
    const data = frames.map((frame) => JSON.stringify(frame)).join('\n')
    this.#downAt = this.#arrival(this.#downAt)
    this.#after(this.#downAt - this.#fleet.clock.now(), () => {
      if (this.readyState === 1) this.onmessage?.({ data })
    })
  }

  /** The server's end lives on for what was under way: it may reach the log after the client has gone elsewhere. */
  #cut(underWay?: string): void {
    if (this.readyState === 3) return
    this.close()
    this.#after(1, () => this.onclose?.({ code: 1006 }))
    if (underWay !== undefined && this.#fleet.chance('late')) {
      this.#after(this.#fleet.random() * 2_000, () => this.#take(underWay))
    }
  }

  #arrival(last: number): number {
    return Math.max(last, this.#fleet.clock.now() + this.#fleet.random() * 60)
  }

  #after(ms: number, fn: () => void): void {
    this.#fleet.clock.setTimeout(fn, ms)
  }
}
