import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { WebSocket } from 'ws'
import type { ClientLine } from './session.ts'

/**
 * A client's WebSocket. Reading goes through `ws`; frames prepared once for everybody go straight to the socket: `ws` itself
 * writes at once and whole, so the two never mix.
 */
export class SocketLine implements ClientLine {
  readonly #ws: WebSocket
  readonly #socket: Socket

  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws
    this.#socket = socket
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN
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
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  close(code: CloseCode): void {
    this.#ws.close(code)
  }

  terminate(): void {
    this.#ws.terminate()
  }
}
