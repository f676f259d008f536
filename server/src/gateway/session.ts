import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { ERRORS, type Refusal } from '@flotilla/protocol/errors.ts'
import type { LogId, Ref, RoomId, Seq, ServerFrame, User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { WebSocket } from 'ws'
import type { Metrics } from '../metrics.ts'
import type { MembersDifference } from '../rooms/members-view.ts'
import { textFrame, type Slice } from '../rooms/ring.ts'
import type { Member, Room } from '../rooms/room.ts'

/**
 * One connected client. Reading goes through `ws`; what is written are frames prepared once for everybody, straight to the
 * socket: `ws` writes at once and whole, so the two never mix. Answers of a turn leave together, in one write with
 * the entries that are due.
 */

/** What a request's answer says to name it. */
export interface Named {
  ref?: Ref | undefined
  room?: RoomId | undefined
  id?: string | undefined
}

const PING_FRAME = Buffer.from([0x89, 0x00])

export class Session {
  readonly id: string
  readonly user: User
  readonly ip: string
  readonly joined = new Map<RoomId, RoomMember>()
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #metrics: Metrics
  #answers: string[] = []
  #isScheduled = false
  #unacked = 0
  #reads = 0
  #isPaused = false
  /** When something was last heard, ms since 1970. */
  heardAt: number
  /** Since when nothing of what is unsent has left, and how much had left then. */
  #stuck: { since: number; written: number } | undefined
  #badSince = 0
  #bad = 0

  constructor(options: {
    id: string
    user: User
    ip: string
    ws: WebSocket
    socket: Socket
    metrics: Metrics
    now: number
  }) {
    this.id = options.id
    this.user = options.user
    this.ip = options.ip
    this.#ws = options.ws
    this.#socket = options.socket
    this.#metrics = options.metrics
    this.heardAt = options.now
    this.#socket.on('drain', () => this.#drained())
  }

  get isOpen(): boolean {
    return this.#ws.readyState === 1
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Goes out at the end of this turn, or with the next entries, whichever is first; in order. */
  answer(frame: ServerFrame): void {
    this.answerLine(JSON.stringify(frame))
  }

  /** The same for a frame that is encoded already. */
  answerLine(line: string): void {
    this.#answers.push(line)
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#flushAnswers())
  }

  refuse(named: Named, refusal: Refusal): void {
    this.#metrics.refused(refusal.code)
    const { ref, room, id } = named
    this.answer({
      type: 'error',
      code: refusal.code,
      message: refusal.message ?? ERRORS[refusal.code].says,
      ...(ref === undefined ? {} : { ref }),
      ...(room === undefined ? {} : { room }),
      ...(id === undefined ? {} : { id }),
      ...(refusal.retryMs === undefined ? {} : { retryMs: refusal.retryMs }),
    })
  }

  /** A frame that may be lost: not sent to a client that has not taken what it was sent before. */
  hint(line: string): void {
    if (this.unsentBytes >= LIMITS.lowWaterBytes) this.#metrics.hintsDropped += 1
    else this.answerLine(line)
  }

  /** Entries, after the answers that wait: one write for both. */
  write(slice: Slice): void {
    if (!this.isOpen) return
    if (this.#answers.length === 0) {
      this.#socket.write(slice.frame)
      return
    }
    this.#socket.cork()
    this.#flushAnswers()
    this.#socket.write(slice.frame)
    this.#socket.uncork()
  }

  #flushAnswers(): void {
    this.#isScheduled = false
    if (this.#answers.length === 0) return
    const text = this.#answers.length === 1 ? (this.#answers[0] as string) : this.#answers.join('\n')
    this.#answers = []
    if (this.isOpen) this.#socket.write(textFrame(text))
    if (this.unsentBytes >= LIMITS.highWaterBytes) this.#reconsiderReading()
  }

  #drained(): void {
    this.#reconsiderReading()
    for (const { room, member } of this.joined.values()) room.feed?.pumpOne(member)
  }

  /** A send went on its way; it is answered later. While too many are, nothing more is read. */
  sendBegins(): void {
    this.#unacked += 1
    if (this.#unacked >= LIMITS.unackedSends) this.#reconsiderReading()
  }

  sendEnds(): void {
    this.#unacked -= 1
    if (this.#isPaused) this.#reconsiderReading()
  }

  readBegins(): void {
    this.#reads += 1
    this.#reconsiderReading()
  }

  readEnds(): void {
    this.#reads -= 1
    this.#reconsiderReading()
  }

  /** What a client makes the server hold is bounded by not reading on. */
  #reconsiderReading(): void {
    const isFull =
      this.#unacked >= LIMITS.unackedSends ||
      this.#reads >= MAX_READS ||
      this.unsentBytes >= LIMITS.highWaterBytes
    if (isFull === this.#isPaused) return
    this.#isPaused = isFull
    if (isFull) this.#ws.pause()
    else this.#ws.resume()
  }

  /** Counts a bad line. @returns whether there were too many */
  isFlooding(now: number): boolean {
    if (now - this.#badSince > LIMITS.badFramesMs) {
      this.#badSince = now
      this.#bad = 0
    }
    this.#bad += 1
    return this.#bad >= LIMITS.badFrames
  }

  /** Once per heartbeat: where its rooms stand, and a ping. @returns the code to close with if it is of no use any more */
  beat(now: number): CloseCode | 'dead' | undefined {
    if (now - this.heardAt >= LIMITS.silentMs) return 'dead'
    if (this.unsentBytes > 0) {
      const written = this.#socket.bytesWritten - this.unsentBytes
      if (this.#stuck === undefined || this.#stuck.written !== written) this.#stuck = { since: now, written }
      else if (now - this.#stuck.since >= LIMITS.noProgressMs) return 4408
    } else this.#stuck = undefined
    if (!this.isOpen || this.unsentBytes >= LIMITS.highWaterBytes) return undefined
    this.#socket.cork()
    this.#socket.write(PING_FRAME)
    for (const [id, { room }] of this.joined) {
      this.answerLine(`{"type":"head","room":"${id}","seq":${room.feed?.head ?? 0}}`)
    }
    this.#flushAnswers()
    this.#socket.uncork()
    return undefined
  }

  close(code: CloseCode): void {
    this.#metrics.closed(code)
    this.#flushAnswers()
    this.#ws.close(code)
    if (this.#isPaused) this.#ws.resume() // else the answer to the close is never read
  }

  terminate(): void {
    this.#ws.terminate()
  }

  /** Leaves every room; nothing is written any more. */
  end(): void {
    for (const { room, member } of this.joined.values()) room.exit(member)
    this.joined.clear()
    this.#answers = []
  }
}

/** History pages a client may wait for at once. */
const MAX_READS = 4

export interface RoomMember {
  room: Room
  member: ClientMember
  typedAt: number
}

/** A session in one room: a cursor, and where to write. */
export class ClientMember implements Member {
  cursor: Seq
  readonly #session: Session
  readonly #room: RoomId

  constructor(session: Session, room: RoomId, cursor: Seq) {
    this.#session = session
    this.#room = room
    this.cursor = cursor
  }

  get user(): User {
    return this.#session.user
  }

  unsentBytes(): number {
    return this.#session.unsentBytes
  }

  write(slice: Slice): void {
    this.#session.write(slice)
  }

  reset(log: LogId): void {
    this.#session.answer({ type: 'reset', room: this.#room, log })
  }

  presence(room: RoomId, change: MembersDifference): void {
    this.#session.hint(JSON.stringify({ type: 'presence', room, ...change }))
  }

  typing(room: RoomId, user: User): void {
    this.#session.hint(JSON.stringify({ type: 'typing', room, user: { id: user.id, name: user.name } }))
  }
}
