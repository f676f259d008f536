import { connect, type Socket } from 'node:net'
import type { ClientOptions, CountingClient } from './dialects.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import { pongFrame, textFrame } from './frame-writer.ts'

/**
 * Reads of all sockets land here, one after the other: memory and garbage collection do not grow with the clients.
 * A read is taken in full before the next one happens.
 */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)
const JOIN_AGAIN_MS = 100
const CLOSE = 0x8
const PING = 0x9
// `{"type":"me…`: no other frame begins like that, and every server here writes the type first.
const QUOTE_T = 0x74
const LETTER_M = 0x6d
const LETTER_E = 0x65

/** What a client tells the crowd it is in. */
export interface Crowd {
  acked(id: string): void
  /** For servers that ack nothing: there is no ack to wait for. */
  sentUnacked(): void
  /** Only from clients that are sampled: the others count and look no further. */
  arrived(client: CountingClient, id: string, seq: number): void
  failed(code: string): void
}

/** One client: a bare TCP socket that speaks just enough WebSocket to count what it gets. */
export class LoadClient implements CountingClient, FrameSink {
  readonly room: string
  readonly isSampled: boolean
  /** Messages that have arrived. */
  received = 0
  lastSeq = 0
  readonly #crowd: Crowd
  readonly #socket: Socket
  readonly #reader = new FrameReader(this)
  readonly #joined = Promise.withResolvers<void>()
  #greeting: string | undefined = ''
  #isClosing = false

  constructor(options: ClientOptions) {
    const { url, name, room, isSampled, crowd } = options
    this.room = room
    this.isSampled = isSampled
    this.#crowd = crowd
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (length) => this.#read(length) },
    })
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.on('close', () => this.#lost('closed'))
    this.#socket.write(
      `GET ${url.pathname}?username=${encodeURIComponent(name)} HTTP/1.1\r\nHost: ${url.host}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  }

  /** Resolves when the room is joined; rejects if the connection ends before. */
  get joined(): Promise<void> {
    return this.#joined.promise
  }

  send(id: string, text: string): void {
    this.#socket.write(textFrame(`{"type":"send","room":"${this.room}","id":"${id}","text":"${text}"}`))
  }

  close(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  #read(length: number): boolean {
    try {
      if (this.#greeting === undefined) this.#reader.read(READ_BUFFER, length)
      else this.#readGreeting(READ_BUFFER.toString('latin1', 0, length))
    } catch (error) {
      this.#lost((error as Error).message)
      this.close()
    }
    return true
  }

  #readGreeting(text: string): void {
    this.#greeting += text
    const greeting = this.#greeting ?? ''
    const end = greeting.indexOf('\r\n\r\n')
    if (end < 0) return
    if (!greeting.startsWith('HTTP/1.1 101')) throw new Error(`refused: ${greeting.slice(0, 300)}`)
    this.#greeting = undefined
    this.#join()
    const rest = Buffer.from(greeting.slice(end + 4), 'latin1')
    if (rest.length > 0) this.#reader.read(rest, rest.length)
  }

  #join(): void {
    if (!this.#isClosing) this.#socket.write(textFrame(`{"type":"join","room":"${this.room}"}`))
  }

  line(bytes: Buffer, start: number, end: number): void {
    if (bytes[start + 9] === LETTER_M && bytes[start + 10] === LETTER_E && bytes[start + 2] === QUOTE_T) {
      this.received += 1
      if (!this.isSampled) return
      const { id, seq } = JSON.parse(bytes.toString('utf8', start, end)) as { id: string; seq: number }
      this.#crowd.arrived(this, id, seq)
      return
    }
    const frame = JSON.parse(bytes.toString('utf8', start, end)) as {
      type: string
      id?: string
      code?: string
    }
    if (frame.type === 'ack') this.#crowd.acked(frame.id ?? '')
    else if (frame.type === 'joined') this.#joined.resolve()
    else if (frame.type === 'error') this.#refused(frame.code ?? 'unknown', frame.id)
  }

  #refused(code: string, id: string | undefined): void {
    if (id === undefined && code === 'busy') setTimeout(() => this.#join(), JOIN_AGAIN_MS)
    else {
      this.#crowd.failed(code)
      if (id === undefined) this.#joined.reject(new Error(`${this.room} could not be joined: ${code}`))
    }
  }

  control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#socket.write(pongFrame(payload))
    else if (opcode === CLOSE) this.#lost(`closed ${payload.length >= 2 ? payload.readUInt16BE(0) : 1005}`)
  }

  #lost(why: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#crowd.failed(why)
    this.#joined.reject(new Error(`a client lost its connection: ${why}`))
  }
}
