import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { FrameReader, type FrameLimits, type FrameSink } from './frame-reader.ts'
import { own, type SocketOwner } from './owned-socket.ts'
import type { ClientLine } from './session.ts'

/**
 * A client's WebSocket after the handshake, over the bare socket: of an idle client little more is kept than the socket itself, and
 * what is sent is prepared frames anyway.
 */

/** What the line tells of. */
export interface LineListener {
  text(text: string): void
  binary(): void
  /** Something came, be it only a ping or its answer. */
  heard(): void
  drained(): void
  /** The client broke a rule of WebSocket; the line is being closed with the code. */
  broke(code: CloseCode): void
  closed(): void
}

/** A client that does not answer a close is cut off after this long. */
const CLOSE_MS = 5_000
/** Bytes unsent above which pings are read over: a client that takes no answers gets no more of them. */
const PONG_BYTES = 64 * 1024

export class SocketLine implements ClientLine, SocketOwner, FrameSink {
  readonly #socket: Socket
  readonly #reader: FrameReader
  #listener: LineListener | undefined
  #isOpen = true
  /** Nothing more is read: a close came, or what came is not WebSocket. */
  #isDeaf = false
  #cutOff: NodeJS.Timeout | undefined

  constructor(socket: Socket, limits: FrameLimits) {
    this.#socket = socket
    this.#reader = new FrameReader(limits)
  }

  /** From now on what comes is read; `head` came with the handshake. */
  listen(listener: LineListener, head: Buffer): void {
    this.#listener = listener
    own(this.#socket, this)
    if (head.length > 0) this.data(this.#socket, head)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  get sentBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength
  }

  write(frame: Buffer): void {
    this.#socket.write(frame)
  }

  together(write: () => void): void {
    this.#socket.cork()
    write()
    this.#socket.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(code: CloseCode): void {
    if (!this.#isOpen) return
    this.#socket.write(closeFrame(code))
    this.#end()
  }

  terminate(): void {
    this.#socket.destroy()
  }

  data(_socket: Socket, chunk: Buffer): void {
    if (this.#isDeaf) return
    const broken = this.#reader.read(chunk, this)
    if (broken === undefined) return
    this.#isDeaf = true
    const isFirst = this.#isOpen
    this.#end()
    if (isFirst) {
      this.#socket.write(closeFrame(broken))
      this.#listener?.broke(broken)
    }
    this.#socket.end()
  }

  drained(): void {
    this.#listener?.drained()
  }

  ended(): void {
    this.#end()
    this.#socket.end()
  }

  closed(): void {
    this.#isOpen = false
    clearTimeout(this.#cutOff)
    this.#listener?.closed()
  }

  text(text: string): void {
    if (this.#isOpen) this.#listener?.text(text)
  }

  binary(): void {
    if (this.#isOpen) this.#listener?.binary()
  }

  ping(payload: Buffer): void {
    this.#listener?.heard()
    if (this.#isOpen && this.unsentBytes < PONG_BYTES) this.write(controlFrame(PONG, payload))
  }

  pong(): void {
    this.#listener?.heard()
  }

  closing(payload: Buffer): void {
    this.#isDeaf = true
    const isAnswer = !this.#isOpen
    this.#end()
    if (!isAnswer) this.#socket.write(controlFrame(CLOSE, payload))
    this.#socket.end()
  }

  /** Nothing is written from here on but what ends it. */
  #end(): void {
    this.#isOpen = false
    this.#socket.resume() // or its answer, or its end, would never be seen
    this.#cutOff ??= setTimeout(() => this.#socket.destroy(), CLOSE_MS)
  }
}

const CLOSE = 0x88
const PONG = 0x8a

function controlFrame(first: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(2 + payload.length)
  frame[0] = first
  frame[1] = payload.length
  payload.copy(frame, 2)
  return frame
}

function closeFrame(code: CloseCode): Buffer {
  return Buffer.from([CLOSE, 2, code >> 8, code & 0xff])
}
