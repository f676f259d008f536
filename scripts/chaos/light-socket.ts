import { connect, type Socket } from 'node:net'
import { pongFrame, textFrame } from '../bench/load/frame-writer.ts'
import { handshake, HandshakeAnswer } from '../bench/load/handshake.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'

/**
 * A WebSocket for very many clients of the library in one process: what the library uses of the platform's own, on a bare TCP socket.
 * With the platform's, ten thousand clients would need more memory and CPU than the servers they are to measure.
 */

/** Reads of all sockets land here, one after the other. A read is taken in full before the next one happens. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)
const CLOSE = 0x8
const PING = 0x9
const OPEN_STATE = 1
const CLOSED_STATE = 3

export class LightSocket implements FrameSink {
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null
  readyState = 0
  readonly #socket: Socket
  readonly #reader = new FrameReader(this)
  /** Until the handshake is done. */
  #answer: HandshakeAnswer | undefined = new HandshakeAnswer()

  constructor(address: string | URL, protocols: string | string[] = []) {
    const { hostname, port, pathname, search, host } = new URL(address)
    const offered = [protocols].flat().join(', ')
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (length) => this.#read(length) },
    })
    this.#socket.on('error', () => this.#end(1006))
    this.#socket.on('close', () => this.#end(1006))
    const subprotocols = offered === '' ? undefined : offered
    this.#socket.write(handshake({ path: pathname + search, host, subprotocols }))
  }

  send(text: string): void {
    if (this.readyState === OPEN_STATE) this.#socket.write(textFrame(text))
  }

  close(): void {
    if (this.readyState === CLOSED_STATE) return
    this.readyState = CLOSED_STATE
    this.#socket.end()
    this.#socket.destroySoon()
  }

  line(bytes: Buffer, start: number, end: number): void {
    if (this.readyState === OPEN_STATE) this.onmessage?.({ data: bytes.toString('utf8', start, end) })
  }

  control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#socket.write(pongFrame(payload))
    else if (opcode === CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
      this.#socket.end()
      this.#end(code)
    }
  }

  #read(length: number): boolean {
    try {
      if (this.#answer === undefined) this.#reader.read(READ_BUFFER, length)
      else this.#readAnswer(this.#answer, length)
    } catch {
      this.#end(1006)
      this.#socket.destroy()
    }
    return true
  }

  #readAnswer(answer: HandshakeAnswer, length: number): void {
    const text = answer.take(READ_BUFFER.toString('latin1', 0, length))
    if (text === undefined) return
    this.#answer = undefined
    this.readyState = OPEN_STATE
    const rest = Buffer.from(text, 'latin1')
    if (rest.length > 0) this.#reader.read(rest, rest.length)
  }

  #end(code: number): void {
    if (this.readyState === CLOSED_STATE) return
    this.readyState = CLOSED_STATE
    this.onclose?.({ code })
  }
}
