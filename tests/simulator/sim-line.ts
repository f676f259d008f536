import type { ClientLine } from '../../server/src/gateway/session.ts'
import { textFrame } from '../../server/src/rooms/ring.ts'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { ENTRY_TYPES } from '@flotilla/protocol/frames.ts'
import type { Process, World } from './world.ts'

/**
 * The line between one client and one server: in order and whole, as TCP is, but late, cut, or silently dead. The client's end
 * is a `WebSocket` as far as the client library looks.
 */

export interface ServerEnd {
  text: (text: string) => void
  pong: () => void
  drained: () => void
  closed: () => void
}

const RESEND_MS = 250
const ENTRIES = new Set<string>(ENTRY_TYPES)
const PING = Buffer.from([0x89, 0x00])

/** Whether what one side sends reaches the other now. */
export type Reaches = () => boolean

export class SimLine implements ClientLine {
  readonly id: number
  readonly #world: World
  readonly #server: Process
  readonly #reaches: Reaches
  readonly #socket: SimSocket
  #end: ServerEnd | undefined
  #isClosed = false
  #isPaused = false
  #held: string[] = []
  readonly #down: (() => void)[] = []
  readonly #up: (() => void)[] = []
  sentBytes = 0
  unsentBytes = 0

  constructor(id: number, world: World, server: Process, socket: SimSocket, reaches: Reaches) {
    this.id = id
    this.#world = world
    this.#server = server
    this.#socket = socket
    this.#reaches = reaches
  }

  /** The handshake is through: the client hears of it before anything else. */
  open(): void {
    this.#carryDown(() => this.#socket.opened(this))
  }

  serve(end: ServerEnd): void {
    this.#end = end
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  writeText(text: string): void {
    this.write(textFrame(text))
  }

  ping(text: string): void {
    this.write(PING)
    if (text !== '') this.writeText(text)
  }

  write(frame: Buffer): void {
    if (this.#isClosed) return
    const { length } = frame
    this.unsentBytes += length
    const bytes = Buffer.from(frame)
    this.#carryDown(() => {
      this.unsentBytes -= length
      this.sentBytes += length
      if ((bytes[0]! & 0x0f) === 0x09) this.fromClient(undefined)
      else this.#socket.deliver(payload(bytes))
      if (this.unsentBytes === 0) this.#server.run(() => !this.#isClosed && this.#end?.drained())
    })
  }

  #carryDown(deliver: () => void): void {
    this.#carry(this.#down, deliver)
  }

  /** Text from the client, or (undefined) its pong. */
  fromClient(text: string | undefined): void {
    this.#carry(this.#up, () => {
      this.#server.run(() => {
        if (this.#isClosed) return
        if (text === undefined) this.#end?.pong()
        else if (this.#isPaused) this.#held.push(text)
        else this.#end?.text(text)
      })
    })
  }

  /** In order and whole: while the two do not reach each other it waits, as TCP sends again. */
  #carry(way: (() => void)[], deliver: () => void): void {
    way.push(deliver)
    if (way.length === 1) this.#world.after(this.#world.between(1, 15), () => this.#arrive(way))
  }

  #arrive(way: (() => void)[]): void {
    if (!this.#reaches()) {
      this.#world.after(RESEND_MS, () => this.#arrive(way))
      return
    }
    // What was sent close together arrives together.
    const arriving = way.splice(0, this.#world.between(1, way.length))
    for (const deliver of arriving) deliver()
    if (way.length > 0) this.#world.after(this.#world.between(1, 5), () => this.#arrive(way))
  }

  together(write: () => void): void {
    write()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    while (!this.#isPaused && this.#held.length > 0) this.#end?.text(this.#held.shift()!)
  }

  close(code: CloseCode): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#carryDown(() => this.#socket.closed(code))
    this.#server.after(0, () => this.#end?.closed())
  }

  terminate(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#carryDown(() => this.#socket.closed(1006))
    this.#server.after(0, () => this.#end?.closed())
  }

  /** The server's process is gone: the client's system tells it, if the line still carries anything. */
  cutByServer(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#carryDown(() => this.#socket.closed(1006))
  }

  /** Both ends learn that the line is broken. */
  breaks(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.closed(1006)
    this.#server.run(() => this.#end?.closed())
  }

  closedByClient(): void {
    this.#carry(this.#up, () => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#server.run(() => this.#end?.closed())
    })
  }
}

/** The client's end. */
export class SimSocket {
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null
  line: SimLine | undefined

  opened(line: SimLine): void {
    if (this.readyState !== 0) {
      line.closedByClient()
      return
    }
    this.line = line
    this.readyState = 1
    this.onopen?.()
  }

  refused(): void {
    if (this.readyState !== 0) return
    this.readyState = 3
    this.onerror?.()
    this.onclose?.({ code: 1006 })
  }

  deliver(data: string): void {
    if (this.readyState !== 1) return
    this.#watch(data)
    this.onmessage?.({ data })
  }

  /** [E2] On the wire, before the client can mend anything: the seq of a room's entries starts at `first` and rises by 1. */
  #watch(data: string): void {
    for (const line of data.split('\n')) {
      const { type, room, seq, first, reason } = JSON.parse(line) as Record<string, unknown>
      if (type === 'joined') {
        this.#next.set(room as string, first as number)
        this.#out.delete(room as string)
        this.streams.push({ room: room as string, joinedAt: this.now(), last: 0 })
      } else if (type === 'left' || type === 'reset') {
        this.#next.delete(room as string)
        if (reason !== undefined) this.#out.add(room as string)
      } else if (ENTRIES.has(type as string)) {
        if (this.#out.has(room as string)) {
          this.breaches.push(`A ${room as string}: ${seq as number} came after he was sent out`)
        }
        const stream = this.streams.findLast((one) => one.room === room)
        if (stream !== undefined) stream.last = Math.max(stream.last, seq as number)
        const expected = this.#next.get(room as string)
        if (expected !== undefined && seq !== expected) {
          this.breaches.push(`W ${room as string}: ${seq as number} came where ${expected} was due`)
        }
        this.#next.set(room as string, (seq as number) + 1)
      }
    }
  }
  readonly #next = new Map<string, number>()
  /** Rooms he was sent out of. */
  readonly #out = new Set<string>()
  /** Whose it is, and what each of his joins brought him here. */
  owner = ''
  now: () => number = () => 0
  readonly streams: { room: string; joinedAt: number; last: number }[] = []
  readonly breaches: string[] = []

  send(text: string): void {
    if (this.readyState === 1) this.line?.fromClient(text)
  }

  close(): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.line?.closedByClient()
  }

  closed(code: number): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.onclose?.({ code })
  }
}

/** What an unmasked server frame holds (RFC 6455, section 5.2). */
function payload(frame: Buffer): string {
  const length = frame[1]! & 0x7f
  return frame.toString('utf8', length === 126 ? 4 : length === 127 ? 10 : 2)
}
