import { connect, type Socket } from 'node:net'
import { pongFrame, textFrame } from './frame-writer.ts'
import { handshake, HandshakeAnswer } from './handshake.ts'
import { LineReader, type LineSink } from './lines.ts'
import { PayloadReader, READ_BUFFER } from './payload-reader.ts'

const CLOSE = 0x8
const PING = 0x9

/** Throwing in `line` ends the connection. */
export interface WsOwner extends LineSink {
  /** The handshake is done. */
  opened(): void
  /** Once, unless `close` was called before. */
  lost(why: string): void
}

/** A WebSocket on a bare TCP socket, whose text frames hold lines. */
export class WsSocket {
  readonly #owner: WsOwner
  readonly #frames: PayloadReader
  readonly #socket: Socket
  /** Until the handshake is done. */
  #answer: HandshakeAnswer | undefined = new HandshakeAnswer()
  #isOver = false

  constructor(url: URL, owner: WsOwner) {
    this.#owner = owner
    const lines = new LineReader(owner)
    this.#frames = new PayloadReader({
      data: (bytes, start, end, endsFrame) => lines.data(bytes, start, end, endsFrame),
      control: (opcode, payload) => this.#control(opcode, payload),
    })
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (length) => this.#take(length) },
    })
    this.#socket.on('error', (error) => this.#lose(error.message))
    this.#socket.on('close', () => this.#lose('closed'))
    this.#socket.write(handshake({ path: url.pathname + url.search, host: url.host }))
  }

  text(text: string): void {
    this.#socket.write(textFrame(text))
  }

  close(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #take(length: number): boolean {
    if (this.#isOver) return true
    try {
      if (this.#answer === undefined) this.#frames.read(length)
      else this.#readAnswer(this.#answer, length)
    } catch (error) {
      this.#lose((error as Error).message)
    }
    return true
  }

  #readAnswer(answer: HandshakeAnswer, length: number): void {
    const rest = answer.take(READ_BUFFER.toString('latin1', 0, length))
    if (rest === undefined) return
    this.#answer = undefined
    this.#owner.opened()
    if (rest !== '') this.#frames.read(READ_BUFFER.write(rest, 'latin1'))
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#socket.write(pongFrame(payload))
    else if (opcode === CLOSE) this.#lose(`closed ${payload.length >= 2 ? payload.readUInt16BE(0) : 1005}`)
  }

  #lose(why: string): void {
    if (this.#isOver) return
    this.close()
    this.#owner.lost(why)
  }
}
