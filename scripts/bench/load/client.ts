import { connect, type Socket } from 'node:net'
import type { Dialect, Me, Talk } from './dialect.ts'
import { pongFrame } from './frame-writer.ts'
import { handshake, HandshakeAnswer } from './handshake.ts'
import { PayloadReader, READ_BUFFER, type PayloadSink } from './payload-reader.ts'

const JOIN_AGAIN_MS = 100
const CLOSE = 0x8
const PING = 0x9

/** What a client tells the crowd it is in. Sends are named as in `send-id.ts`. */
export interface Crowd {
  acked(run: number, k: number): void
  /** Only from clients that are sampled: the others count and look no further. */
  arrived(run: number, k: number): void
  /** The server has too many coming at once: it comes back when it was told to. */
  putOff(): void
  failed(code: string): void
}

export interface ClientOptions {
  url: URL
  /** Address it connects from; undefined: the system chooses. */
  from?: string | undefined
  name: string
  room: string
  isSampled: boolean
  crowd: Crowd
}

/** One client: a bare TCP socket that speaks just enough WebSocket to count what it gets. */
export class LoadClient implements Me, PayloadSink {
  readonly name: string
  readonly room: string
  readonly isSampled: boolean
  received = 0
  misordered = 0
  /** Resolves when the room is joined; rejects if it cannot be. */
  readonly whenJoined: Promise<void>
  readonly #crowd: Crowd
  readonly #connect: () => Socket
  readonly #talk: Talk
  readonly #joined = Promise.withResolvers<void>()
  #socket: Socket
  #reader = new PayloadReader(this)
  /** Until the handshake is done. */
  #answer: HandshakeAnswer | undefined = new HandshakeAnswer()
  /** When to come back, if it is to be closed now. */
  #putOffMs: number | undefined
  #isClosed = false
  #hasLeft = false

  constructor(dialect: Dialect, { url, from, name, room, isSampled, crowd }: ClientOptions) {
    this.name = name
    this.room = room
    this.isSampled = isSampled
    this.whenJoined = this.#joined.promise
    this.#crowd = crowd
    this.#talk = dialect.talk(this)
    const { path, subprotocol } = dialect.door(url, name)
    const request = handshake({ path, host: url.host, subprotocols: subprotocol })
    this.#connect = () => {
      const socket = connect({
        host: url.hostname,
        port: Number(url.port),
        noDelay: true,
        ...(from === undefined ? {} : { localAddress: from }),
        onread: { buffer: READ_BUFFER, callback: (length) => this.#take(length) },
      })
      const lost = (why: string) => socket === this.#socket && this.#lost(why)
      socket.on('error', (error) => lost(error.message))
      socket.on('close', () => lost('closed'))
      socket.write(request)
      return socket
    }
    this.#socket = this.#connect()
  }

  send(id: string, text: string): void {
    this.#talk.send(id, text)
  }

  write(frame: Buffer): void {
    if (!this.#isClosed) this.#socket.write(frame)
  }

  /** It is over, whatever happens. By a reset: of thousands that are closed the ports would stay taken for a minute. */
  leave(): void {
    this.#hasLeft = true
    this.#isClosed = true
    this.#socket.resetAndDestroy()
  }

  #close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #take(length: number): boolean {
    if (this.#isClosed) return true
    try {
      if (this.#answer === undefined) this.#reader.read(length)
      else this.#readAnswer(this.#answer, length)
    } catch (error) {
      this.#lost((error as Error).message)
    }
    return true
  }

  #readAnswer(answer: HandshakeAnswer, length: number): void {
    const rest = answer.take(READ_BUFFER.toString('latin1', 0, length))
    if (rest === undefined) return
    this.#answer = undefined
    this.#talk.join()
    if (rest !== '') this.#reader.read(READ_BUFFER.write(rest, 'latin1'))
  }

  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number {
    return this.#talk.data(bytes, start, end, endsFrame)
  }

  control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.write(pongFrame(payload))
    else if (opcode === CLOSE) this.#lost(`closed ${payload.length >= 2 ? payload.readUInt16BE(0) : 1005}`)
  }

  joined(): void {
    this.#joined.resolve()
  }

  refused(): void {
    setTimeout(() => this.#isClosed || this.#talk.join(), JOIN_AGAIN_MS)
  }

  putOff(forMs: number): void {
    this.#putOffMs = forMs
  }

  acked(run: number, k: number): void {
    this.#crowd.acked(run, k)
  }

  arrived(run: number, k: number): void {
    this.#crowd.arrived(run, k)
  }

  failed(code: string): void {
    this.#crowd.failed(code)
    this.#joined.reject(new Error(`${this.room} could not be joined: ${code}`))
  }

  #lost(why: string): void {
    if (this.#isClosed) return
    this.#close()
    if (this.#putOffMs !== undefined) {
      this.#comeBackAfter(this.#putOffMs)
      return
    }
    this.#crowd.failed(why)
    this.#joined.reject(new Error(`${this.name} lost its connection: ${why}`))
  }

  #comeBackAfter(ms: number): void {
    this.#crowd.putOff()
    this.#putOffMs = undefined
    setTimeout(() => {
      if (this.#hasLeft) return
      this.#isClosed = false
      this.#answer = new HandshakeAnswer()
      this.#reader = new PayloadReader(this)
      this.#socket = this.#connect()
    }, ms)
  }
}
