import { connect, type Socket } from 'node:net'
import { pongFrame, textFrame } from './frame-writer.ts'
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
  /** Of the answer to the handshake, until that is whole. */
  #greeting: string | undefined = ''
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
    this.#socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
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
      if (this.#greeting === undefined) this.#frames.read(length)
      else this.#readGreeting(READ_BUFFER.toString('latin1', 0, length))
    } catch (error) {
      this.#lose((error as Error).message)
    }
    return true
  }

  #readGreeting(text: string): void {
    const greeting = `${this.#greeting ?? ''}${text}`
    this.#greeting = greeting
    const end = greeting.indexOf('\r\n\r\n')
    if (end < 0) return
    if (!greeting.startsWith('HTTP/1.1 101')) throw new Error(`refused: ${greeting.split('\r\n', 1)[0]}`)
    this.#greeting = undefined
    this.#owner.opened()
    const rest = READ_BUFFER.write(greeting.slice(end + 4), 'latin1')
    if (rest > 0) this.#frames.read(rest)
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
