import { setTimeout as pause } from 'node:timers/promises'
import type { Joined, LogId, RoomId, Seq, ServerFrame } from '@flotilla/protocol/frames.ts'
import { parseServerFrame, splitLines } from '@flotilla/protocol/frames.ts'
import { WebSocket, type ClientOptions } from 'ws'
import { until } from './harness.ts'

/** How often it is looked for an ack before the send goes out again. */
const SEND_EVERY_LOOKS = 15
/** A room that is busy for so long will be for ever. */
const BUSY_MS = 60_000

/** A bare WebSocket that sends what no decent client would, and keeps all it is told. */
export class RawClient {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  /** Code it was closed with. */
  closed: number | undefined
  #read = 0
  #asked = 0

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
  static open(url: string, username: string, options: ClientOptions = {}): Promise<RawClient> {
    return RawClient.#enter(`${url}?username=${encodeURIComponent(username)}`, options)
  }

  /** As whom the token was issued to. */
  static openAs(url: string, token: string): Promise<RawClient> {
    return RawClient.#enter(`${url}?token=${token}`)
  }

  static async #enter(url: string, options: ClientOptions = {}): Promise<RawClient> {
    const client = new RawClient(new WebSocket(url, options))
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

  /** The answer to this request; asked again, under the same id if it has any, while that is `busy`. */
  async asks(frame: object): Promise<ServerFrame> {
    for (;;) {
      const ref = (this.#asked += 1)
      this.say({ ...frame, ref })
      const answer = await until(`an answer to ${JSON.stringify(frame)}`, () => {
        const found = this.frames.find((each) => 'ref' in each && each.ref === ref)
        if (found === undefined && this.closed !== undefined) throw new Error(`closed with ${this.closed}`)
        return found
      })
      if (answer.type !== 'error' || answer.code !== 'busy') return answer
      await pause(answer.retryMs ?? 100)
    }
  }

  /** Resolves when it is in the room, with what it was told then; asks again where it is told `busy`, and only then. */
  async join(room: RoomId, from: { since?: Seq; log?: LogId } = {}): Promise<Joined> {
    const isOfRoom = (frame: ServerFrame) => 'room' in frame && frame.room === room
    const before = this.frames.find((frame) => frame.type === 'joined' && isOfRoom(frame))
    if (before?.type === 'joined') return before
    const giveUpAt = performance.now() + BUSY_MS
    for (;;) {
      const at = this.frames.length
      this.say({ type: 'join', room, ...from })
      const answer = await until(`an answer to the join of ${room}`, () =>
        this.frames
          .slice(at)
          .find((frame) => (frame.type === 'joined' || frame.type === 'error') && isOfRoom(frame)),
      )
      if (answer.type === 'joined') return answer
      const { code, retryMs = 100 } = answer as Extract<ServerFrame, { type: 'error' }>
      if (code !== 'busy' || performance.now() > giveUpAt) throw new Error(`${room} is not joined: ${code}`)
      await pause(retryMs)
    }
  }

  /** @returns the seq of the ack; it is sent under one id until that comes */
  sendUntilAcked(room: RoomId, id: string, text: string): Promise<Seq> {
    let looks = 0
    return until(`${id} is acked`, () => {
      for (const frame of this.frames) {
        if (frame.type === 'ack' && frame.room === room && frame.id === id) return frame.seq
      }
      if (looks % SEND_EVERY_LOOKS === 0) this.say({ type: 'send', room, id, text })
      looks += 1
      return undefined
    })
  }

  closeCode(): Promise<number> {
    return until('the close', () => this.closed)
  }

  close(): void {
    this.socket.terminate()
  }
}
