import type { RoomId, Seq, ServerFrame } from '@flotilla/protocol/frames.ts'
import { parseServerFrame, splitLines } from '@flotilla/protocol/frames.ts'
import { WebSocket, type ClientOptions } from 'ws'
import { until } from './harness.ts'

/** How often it is looked for an answer before it is asked again. */
const ASK_EVERY_LOOKS = 15

/** A bare WebSocket that sends what no decent client would, and keeps all it is told. */
export class RawClient {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  /** Code it was closed with. */
  closed: number | undefined
  #read = 0

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      for (const line of splitLines(data.toString())) {
        const frame = parseServerFrame(line)
        if (frame) this.frames.push(frame)
      }
    })
    socket.on('close', (code) => (this.closed = code))
    socket.on('error', () => {}) // `closed` tells
  }

  /** Resolves when it is welcome. `url` ends in /ws. */
  static async open(url: string, username: string, options: ClientOptions = {}): Promise<RawClient> {
    const socket = new WebSocket(`${url}?username=${encodeURIComponent(username)}`, options)
    const client = new RawClient(socket)
    await client.next('welcome')
    return client
  }

  /** HTTP status with which the door stays shut; undefined if it opens. */
  static refusal(url: string, options: ClientOptions = {}): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, options)
      socket.on('unexpected-response', (_, response) => {
        response.resume()
        resolve(response.statusCode)
        socket.terminate()
      })
      socket.on('open', () => {
        resolve(undefined)
        socket.terminate()
      })
      socket.on('error', reject)
    })
  }

  say(...frames: (object | string)[]): void {
    this.socket.send(
      frames.map((frame) => (typeof frame === 'string' ? frame : JSON.stringify(frame))).join('\n'),
    )
  }

  /** The next frame of this type after those taken before; what lies between is skipped. */
  next<T extends ServerFrame['type']>(
    type: T,
    test: (frame: Extract<ServerFrame, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ServerFrame, { type: T }>> {
    return until(`a frame ${type}`, () => {
      const at = this.frames.findIndex(
        (frame, i) =>
          i >= this.#read && frame.type === type && test(frame as Extract<ServerFrame, { type: T }>),
      )
      if (at < 0) {
        if (this.closed !== undefined) throw new Error(`closed with ${this.closed}`)
        return undefined
      }
      this.#read = at + 1
      return this.frames[at] as Extract<ServerFrame, { type: T }>
    })
  }

  /** Resolves when it is in the room. */
  async join(room: RoomId): Promise<void> {
    const isJoined = () => this.frames.some((frame) => frame.type === 'joined' && frame.room === room)
    await this.#again(`${room} is joined`, () => this.say({ type: 'join', room }), isJoined)
  }

  /** @returns the seq of the ack; it is sent under one id until that comes */
  sendUntilAcked(room: RoomId, id: string, text: string): Promise<Seq> {
    const send = () => this.say({ type: 'send', room, id, text })
    return this.#again(`${id} is acked`, send, () => {
      for (const frame of this.frames) {
        if (frame.type === 'ack' && frame.room === room && frame.id === id) return frame.seq
      }
      return undefined
    })
  }

  /** Asks, and asks again now and then as one does who was told `busy`, until there is an answer. */
  #again<T>(what: string, ask: () => void, answer: () => T | undefined): Promise<NonNullable<T>> {
    let looks = 0
    return until(what, () => {
      const found = answer()
      if (!found && looks % ASK_EVERY_LOOKS === 0) ask()
      looks += 1
      return found
    })
  }

  closeCode(): Promise<number> {
    return until('the close', () => this.closed)
  }

  close(): void {
    this.socket.terminate()
  }
}
