import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { ERRORS, type Refusal } from '@flotilla/protocol/errors.ts'
import type { LeftReason, LogId, Ref, RoomId, Seq, ServerFrame, User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { ServerLimits } from '../limits.ts'
import type { GatewayCounters } from '../metrics.ts'
import type { Member } from '../rooms/audience.ts'
import { PresenceSum } from '../rooms/gathered.ts'
import type { MembersDifference } from '../rooms/members-view.ts'
import { textFrame, type Slice } from '../rooms/ring.ts'
import { JoinedRooms } from './joined-rooms.ts'
import type { Bearing } from './revocations.ts'

/**
 * One connected client. Answers of a turn leave together, in one write with the entries that are due.
 */

/** The line to one client, as a session needs it: a WebSocket, or its like in a simulated world. */
export interface ClientLine {
  readonly isOpen: boolean
  /** Bytes written that have not left this process. */
  readonly unsentBytes: number
  /** Bytes that have left this process since the line was made. */
  readonly sentBytes: number
  /** Writes a whole WebSocket frame. */
  write(frame: Buffer): void
  /** Writes a text frame. */
  writeText(text: string): void
  /** Asks for a sign of life, in one write with the text frame, if it is not empty. */
  ping(text: string): void
  /** What is written within `write` leaves together. */
  together(write: () => void): void
  /** Reads nothing more, until `resume`. */
  pause(): void
  resume(): void
  close(code: CloseCode): void
  terminate(): void
}

/** What a request's answer says to name it. */
export interface Named {
  ref?: Ref | undefined
  room?: RoomId | undefined
  id?: string | undefined
}

/** Entries of so many bytes are copied behind an answer rather than written as a frame of their own. */
const MAX_COPIED_BYTES = 4 * 1024
const NO_TOKEN: Bearing = {}

export class Session {
  readonly id: string
  readonly user: User
  /** Of the token it came in by. */
  readonly bearing: Bearing
  readonly joined = new JoinedRooms()
  readonly #line: ClientLine
  readonly #metrics: GatewayCounters
  readonly #limits: ServerLimits
  readonly #expiresAt: number
  /** Lines that wait for the end of the turn. */
  #answers = ''
  #isScheduled = false
  #unacked = 0
  #reads = 0
  #isPaused = false
  #isHeld = false
  #isSlowed = false
  /** Called when the session takes requests again, after it was full. */
  whenFree: () => void = () => {}
  /** When something was last heard, ms since 1970. */
  heardAt: number
  /** Since when nothing of what is unsent has left, and how much had left then. */
  #stuck: { since: number; written: number } | undefined
  /** When its last bad lines came, `badFrames` at most: then a ring whose oldest is at `#oldestBad`. */
  #bad: number[] | undefined
  #oldestBad = 0

  constructor(options: {
    id: string
    user: User
    line: ClientLine
    metrics: GatewayCounters
    now: number
    limits?: ServerLimits
    /** Ms since 1970; without it the session does not end by itself. */
    expiresAt?: number
    bearing?: Bearing
  }) {
    this.id = options.id
    this.user = options.user
    this.bearing = options.bearing ?? NO_TOKEN
    this.#line = options.line
    this.#metrics = options.metrics
    this.heardAt = options.now
    this.#limits = options.limits ?? LIMITS
    this.#expiresAt = options.expiresAt ?? Infinity
  }

  get isOpen(): boolean {
    return this.#line.isOpen
  }

  get unsentBytes(): number {
    return this.#line.unsentBytes
  }

  /** Goes out at the end of this turn, or with the next entries, whichever is first; in order. */
  answer(frame: ServerFrame): void {
    this.answerLine(JSON.stringify(frame))
  }

  /** The same for a frame that is encoded already. */
  answerLine(line: string): void {
    this.#answers = this.#answers === '' ? line : `${this.#answers}\n${line}`
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

  /** A frame that may be lost: dropped if the client has not taken what it was sent before. @returns whether it goes */
  hint(line: string): boolean {
    if (this.unsentBytes < this.#limits.lowWaterBytes) {
      this.answerLine(line)
      return true
    }
    this.#metrics.hintsDropped += 1
    return false
  }

  /** Entries, after the answers that wait: one write for both. */
  write(slice: Slice): void {
    if (!this.isOpen) return
    if (this.#answers === '') return this.#line.write(slice.frame)
    const answers = this.#takeAnswers()
    if (slice.lines.length <= MAX_COPIED_BYTES) this.#line.write(textFrame(answers, slice.lines))
    else {
      this.#line.together(() => {
        this.#line.writeText(answers)
        this.#line.write(slice.frame)
      })
    }
    this.#reconsiderReadingIfFull()
  }

  #flushAnswers(): void {
    this.#isScheduled = false
    if (this.#answers === '') return
    const text = this.#takeAnswers()
    if (this.isOpen) this.#line.writeText(text)
    this.#reconsiderReadingIfFull()
  }

  #reconsiderReadingIfFull(): void {
    if (this.unsentBytes >= this.#limits.highWaterBytes) this.#reconsiderReading()
  }

  #takeAnswers(): string {
    const text = this.#answers
    this.#answers = ''
    return text
  }

  /** The line took everything: what waited for that goes on. */
  drained(): void {
    this.#reconsiderReading()
    for (const { room, member } of this.joined) {
      room.feed?.pumpOne(member)
      member.drained()
    }
  }

  /** A send went on its way; it is answered later. While too many are, nothing more is read. */
  sendBegins(): void {
    this.#unacked += 1
    if (this.#unacked >= this.#limits.unackedSends) this.#reconsiderReading()
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

  /** Whether it has as much unanswered as it may: its next request has to wait. */
  get isFull(): boolean {
    return (
      this.#unacked >= this.#limits.unackedSends ||
      this.#reads >= MAX_READS ||
      this.unsentBytes >= this.#limits.highWaterBytes
    )
  }

  /** Requests were read that have to wait: nothing more is read until they are taken. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#reconsiderReading()
  }

  get isSlowed(): boolean {
    return this.#isSlowed
  }

  /** It sends more than anybody needs to: nothing more is read for a while. */
  slow(isSlowed: boolean): void {
    this.#isSlowed = isSlowed
    this.#reconsiderReading()
  }

  /** What a client makes the server hold is bounded by not reading on. */
  #reconsiderReading(): void {
    const { isFull } = this
    const isPaused = (isFull || this.#isHeld || this.#isSlowed) && this.isOpen
    if (isPaused !== this.#isPaused) {
      this.#isPaused = isPaused
      if (isPaused) this.#line.pause()
      else this.#line.resume()
    }
    if (this.#isHeld && !isFull) this.whenFree()
  }

  /** Counts a bad line. @returns whether there were too many [L3]: not by windows, across whose edge twice as many would go */
  isFlooding(now: number): boolean {
    const bad = (this.#bad ??= [])
    if (bad.length < LIMITS.badFrames) bad.push(now)
    else {
      bad[this.#oldestBad] = now
      this.#oldestBad = (this.#oldestBad + 1) % LIMITS.badFrames
    }
    if (bad.length < LIMITS.badFrames) return false
    return now - (bad[this.#oldestBad] as number) < LIMITS.badFramesMs
  }

  /** Once per heartbeat: where its rooms stand, and a ping. @returns the code to close with if it is of no use any more */
  beat(now: number): CloseCode | 'dead' | undefined {
    if (!this.isOpen) return undefined
    if (now >= this.#expiresAt) return 4401
    // Whom nobody reads is not silent, and whoever has to take what was sent first shows by that whether he lives.
    if (this.#isPaused || this.unsentBytes > 0) this.heardAt = now
    if (now - this.heardAt >= LIMITS.silentMs) return 'dead'
    if (this.unsentBytes > 0) {
      const written = this.#line.sentBytes
      if (this.#stuck === undefined || this.#stuck.written !== written) this.#stuck = { since: now, written }
      else if (now - this.#stuck.since >= this.#limits.noProgressMs) return 4408
    } else this.#stuck = undefined
    if (this.unsentBytes >= this.#limits.highWaterBytes) return undefined
    for (const { room } of this.joined) {
      this.answerLine(`{"type":"head","room":"${room.id}","seq":${room.feed?.head ?? 0}}`)
    }
    this.#line.ping(this.#takeAnswers())
    return undefined
  }

  close(code: CloseCode): void {
    if (!this.isOpen) return
    this.#metrics.closed(code)
    this.#flushAnswers()
    this.#line.close(code)
    this.#reconsiderReading() // while it is paused, the answer to the close would never be read
  }

  terminate(): void {
    this.#line.terminate()
  }

  /** Leaves every room; nothing is written any more. */
  end(): void {
    for (const { room, member } of this.joined) room.exit(member)
    this.joined.clear()
    this.#answers = ''
  }
}

/** History pages a client may wait for at once. */
const MAX_READS = 4

/** A session in one room: a cursor, and where to write. */
export class ClientMember implements Member {
  cursor: Seq
  readonly #session: Session
  readonly #room: RoomId
  presenceKnown = 0
  #missed: PresenceSum | undefined

  admittedAt: Seq

  constructor(session: Session, room: RoomId, cursor: Seq, admittedAt: Seq) {
    this.#session = session
    this.#room = room
    this.cursor = cursor
    this.admittedAt = admittedAt
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

  /** What it could not be told, being slow, adds up to one change. */
  presence(change: MembersDifference, line: string): void {
    if (this.#missed === undefined && this.#session.hint(line)) return
    this.#missed ??= new PresenceSum()
    this.#missed.add(change)
  }

  drained(): void {
    if (this.#missed === undefined) return
    const { join, leave, count } = this.#missed.change
    const line = JSON.stringify({ type: 'presence', room: this.#room, join, leave, count })
    if (this.#session.hint(line)) this.#missed = undefined
  }

  typing(line: string): void {
    this.#session.hint(line)
  }

  sentOut(reason: LeftReason): void {
    this.#session.joined.delete(this.#room)
    this.#session.answer({ type: 'left', room: this.#room, reason })
  }
}
