import { mayTryAgain, type ErrorCode } from '../errors.ts'
import type {
  Ack,
  Entry,
  ErrorFrame,
  History,
  Joined,
  LeftReason,
  LogId,
  PresenceChange,
  RoomId,
  Seq,
  User,
} from '../frames.ts'
import { LIMITS } from '../limits.ts'
import type { Host } from './host.ts'
import type { Line } from './line.ts'
import { Mender } from './mender.ts'
import type { PendingChange, PendingSend } from './outbox.ts'
import { Questions, type Page, type Question } from './questions.ts'
import { RoomCursor } from './room-cursor.ts'
import { ChatError, Listening, type RoomListeners, type RoomState } from './room-face.ts'
import { RoomJoins, type Join } from './room-joins.ts'
import { RoomSends } from './room-sends.ts'
import { ViewedRoom } from './room-view.ts'

/** One room as its client follows it: its joins, its cursor and its sends, and the frames that tell them. */
export class ChatRoom {
  readonly id: RoomId
  readonly #host: Host
  readonly #cursor = new RoomCursor()
  readonly #listening = new Listening()
  readonly #questions = new Questions()
  /** The newest line on which the room is joined: sends and questions go there. */
  #line: Line | undefined
  #state: RoomState = { status: 'joining', head: 0, first: 0, members: [], count: 0 }
  readonly #viewed = new ViewedRoom()
  #typedAt = -Infinity
  readonly #mender: Mender
  readonly #joins: RoomJoins
  readonly #sends: RoomSends

  constructor(id: RoomId, host: Host) {
    this.id = id
    this.#host = host
    const { clock, random } = host
    this.#mender = new Mender(this.#cursor, { clock, random, ask: (after) => this.#askMissing(after) })
    this.#joins = new RoomJoins({ clock, random, request: (line) => this.#requestJoin(line) })
    const listening = this.#listening
    this.#sends = new RoomSends({
      room: id,
      host,
      listening,
      line: () => this.#line,
      state: () => this.#state,
    })
  }

  /** Snapshot: another object whenever anything in it changed. */
  get state(): RoomState {
    return this.#state
  }

  /** All unacked and failed own messages, in order; an acked one until its entry is delivered. Snapshot. */
  get pending(): readonly PendingSend[] {
    return this.#sends.pending
  }

  /** The same of what was sent to change messages: edits, deletions, reactions. Snapshot. */
  get changes(): readonly PendingChange[] {
    return this.#sends.changes
  }

  /** @returns the way to stop */
  listen(listeners: RoomListeners): () => void {
    return this.#listening.add(listeners)
  }

  /**
   * Queues and sends. The id is made here, or given, and kept for ever; one already pending is not sent twice. Sends of
   * a room reach its log in order. With 10,000 pending, or after `leave`, what comes back has failed and is not kept.
   */
  send(text: string, options: { replyTo?: Seq; id?: string } = {}): PendingSend {
    const { replyTo, id } = options
    return this.#sends.add({ text, ...(replyTo === undefined ? {} : { replyTo }) }, id)
  }

  /** Another text for a message one wrote: goes the way of a send, in order with those, and shows in `changes` until it is done. */
  edit(target: Seq, text: string): PendingSend {
    return this.#sends.add({ text: '', change: { type: 'edit', target, text } })
  }

  /** Takes back a message one wrote, or anybody's for those who keep order here. Goes like an edit. */
  delete(target: Seq): PendingSend {
    return this.#sends.add({ text: '', change: { type: 'delete', target } })
  }

  /** Puts an emoji to a message, or takes it back. Goes like an edit. */
  react(target: Seq, emoji: string, on: boolean): PendingSend {
    return this.#sends.add({ text: '', change: { type: 'react', target, emoji, on } })
  }

  /** A failed send again, under the same id. */
  retry(id: string): void {
    this.#sends.retry(id)
  }

  /** Forgets a send that failed or never went out. */
  discard(id: string): void {
    this.#sends.discard(id)
  }

  /**
   * Older entries, ascending, ending before `before`; at most `limit` ≤ 200.
   * @throws ChatError when refused, or `busy` when the connection is or gets lost: ask again once live
   */
  history(before: Seq, limit: number = LIMITS.joinEntries): Promise<Page> {
    const line = this.#line
    if (!line || this.#questions.isFull) return Promise.reject(new ChatError('busy'))
    return new Promise((resolve, reject) => {
      const refuse = (code: ErrorCode, retryMs?: number) => reject(new ChatError(code, undefined, retryMs))
      this.#ask({ line, answer: resolve, refuse }, { before, limit })
    })
  }

  /** Tells the others that one is writing; at most every 3 s, however often it is called. */
  typing(): void {
    const now = this.#host.clock.now()
    if (!this.#line || now - this.#typedAt < LIMITS.typingMs) return
    this.#typedAt = now
    this.#line.send({ type: 'typing', ref: this.#host.newRef(), room: this.id })
  }

  /** Final for this object; unacked sends are given up. */
  leave(): void {
    if (this.#state.status === 'left') return
    this.#leaveOn(this.#joins.lines)
    this.#end()
  }

  #leaveOn(lines: readonly Line[]): void {
    for (const line of lines) line.send({ type: 'leave', ref: this.#host.newRef(), room: this.id })
  }

  #end(reason?: LeftReason): void {
    this.#host.left(this)
    for (const line of this.#joins.lines) this.detach(line)
    this.#set({ status: 'left', members: [], count: 0, ...(reason === undefined ? {} : { reason }) })
  }

  // What the client tells its rooms.

  /** [R4] Joins on a line that has just been greeted. */
  attach(line: Line): void {
    this.#joins.ask(line)
  }

  #requestJoin(line: Line): number {
    const ref = this.#host.newRef()
    line.send({ type: 'join', ref, room: this.id, ...this.#cursor.resume })
    return ref
  }

  /** The line is gone: what was asked there is not answered any more. */
  detach(line: Line): void {
    this.#questions.drop(line)
    const isLast = this.#joins.drop(line)
    if (!isLast && this.#line !== line) return
    this.#unlead()
    const [other, join] = this.#joins.answered ?? []
    if (other !== undefined && join?.state === 'joined') return this.#lead(other)
    if (join?.code !== undefined) return this.#refuse(join.code)
    if (this.#state.status === 'live') this.#set({ status: 'recovering' })
  }

  /** Whether the room has its answer on this line. */
  isAnswered(line: Line): boolean {
    const state = this.#joins.on(line)?.state
    return state === 'joined' || state === 'refused'
  }

  isLiveOn(line: Line): boolean {
    return this.#line === line
  }

  get inFlight(): number {
    return this.#sends.inFlight
  }

  /** Sends what may go out now. */
  pump(): void {
    this.#sends.pump()
  }

  onJoined(line: Line, frame: Joined): void {
    const on = this.#joins.on(line)
    if (!on || (frame.ref !== undefined && frame.ref !== on.ref)) return // of a join that was repeated since
    this.#joins.joined(on, frame)
    if (this.#line && this.#line.id > line.id) return // the newer line of a move already leads
    if (this.#cursor.join(frame)) this.#void()
    const { code: _, ...rest } = this.#state
    const { log, members, count } = frame
    this.#viewed.joined(frame)
    this.#state = {
      ...rest,
      status: 'live',
      log,
      ...this.#view,
      members,
      count,
      head: this.#cursor.head,
      first: this.#cursor.first,
    }
    this.#listening.changed()
    this.#lead(line)
    this.#host.answered(line)
  }

  /** [R17] The person is in the room no more, on any connection; nothing more of it comes. Final for this object. */
  onLeft(line: Line, reason: LeftReason): void {
    if (this.#joins.on(line)?.state !== 'joined') return
    // On the other line of a move he may have been let in since.
    this.#leaveOn(this.#joins.lines.filter((other) => other !== line))
    this.#end(reason)
    this.#sends.failAll('not_joined')
  }

  onReset(line: Line, log: LogId): void {
    const on = this.#joins.on(line)
    if (!on) return
    const wasJoined = on.state === 'joined'
    on.log = log
    on.head = 0
    if (this.#line && this.#line.id > line.id) return
    if (!this.#cursor.reset(log)) return // the `joined` before it said so already
    this.#void()
    this.#set({ log, head: 0, first: 0 })
    // A stream that was under way stood in the old log. An answer still awaited will speak of the new one.
    if (wasJoined) this.#joinAgain(line)
  }

  /** Entries of one received frame. */
  onEntries(line: Line, entries: readonly Entry[]): void {
    const on = this.#joins.on(line)
    if (on?.state !== 'joined' || on.log !== this.#cursor.log) return
    this.#deliver(this.#cursor.take(entries))
    this.#mender.look()
  }

  onAck(line: Line, ack: Ack): void {
    const on = this.#joins.on(line)
    if (on) this.#sends.acked(ack, on.log === this.#cursor.log ? this.#cursor.at : Infinity)
  }

  onHead(line: Line, seq: Seq): void {
    const on = this.#joins.on(line)
    if (on?.state !== 'joined' || on.log !== this.#cursor.log) return
    if (!this.#cursor.see(seq)) return
    this.#mender.watch()
    if (seq > this.#state.head) this.#set({ head: seq })
  }

  onHistory({ ref, entries, done }: History): void {
    this.#questions.take(ref)?.answer({ entries, done })
  }

  onPresence(line: Line, { join, leave, count }: PresenceChange): void {
    if (line !== this.#line) return
    const gone = new Set([...leave, ...join].map((user) => user.id))
    const members = this.#state.members.filter((user) => !gone.has(user.id))
    this.#set({ members: [...members, ...join], count })
  }

  onTyping(line: Line, user: User): void {
    if (line === this.#line) this.#listening.tell('typing', user)
  }

  /** @returns false if the error names nothing of this room */
  onError(line: Line, error: ErrorFrame): boolean {
    const { code, ref, id, retryMs } = error
    const on = this.#joins.on(line)
    if (!on) return false
    if (ref !== undefined && ref === on.ref && on.state === 'asked') {
      this.#joinRefused(line, on, error)
      return true
    }
    const question = this.#questions.take(ref)
    if (question) {
      question.refuse(code, retryMs)
      if (code === 'not_joined') this.#joinAgain(line)
      return true
    }
    if (id === undefined || !this.#sends.isAbout(error)) return false
    this.#sends.refused(id, code, retryMs)
    if (code === 'not_joined') this.#joinAgain(line)
    return true
  }

  /** Sends and questions go to this line from now on. */
  #lead(line: Line): void {
    this.#line = line
    this.#joins.calm()
    this.#mender.look()
    this.#sends.restart()
  }

  #unlead(): void {
    this.#line = undefined
    this.#sends.stop()
    this.#mender.stop()
  }

  #joinRefused(line: Line, on: Join, { code, retryMs }: ErrorFrame): void {
    if (mayTryAgain(code, retryMs)) return this.#joins.askAgain(retryMs)
    on.state = 'refused'
    on.code = code
    if (!this.#line) this.#refuse(code) // else the other line of a move still has it
    this.#host.answered(line)
  }

  /** The room is not for us (any more). */
  #refuse(code: ErrorCode): void {
    this.#set({ status: 'refused', code })
    this.#sends.failAll(code)
  }

  /** The stream of this line is of no use any more, or the server knows of none. */
  #joinAgain(line: Line): void {
    const on = this.#joins.on(line)
    if (on?.state !== 'joined') return // asked already
    this.#questions.drop(line)
    if (this.#line === line) {
      this.#unlead()
      this.#set({ status: 'recovering' })
    }
    this.attach(line)
  }

  #askMissing(after: Seq): boolean {
    const line = this.#line
    if (!line) return false
    const answer = ({ entries, done }: Page) => {
      // A server that knew of more when it was joined would have it, if it were there.
      this.#cursor.skip(after, entries, done ? (this.#joins.on(line)?.head ?? 0) : 0)
      const ready = this.#cursor.take(entries)
      this.#deliver(ready)
      this.#mender.answered(ready.length > 0)
    }
    const refuse = (_: ErrorCode, retryMs?: number) => this.#mender.refused(retryMs)
    this.#ask({ line, answer, refuse }, { after, limit: LIMITS.historyEntries })
    return true
  }

  #ask(question: Question, page: { before?: Seq; after?: Seq; limit: number }): void {
    this.#questions.ask(question, { type: 'history', ref: this.#host.newRef(), room: this.id, ...page })
  }

  #deliver(ready: readonly Entry[]): void {
    const last = ready.at(-1)
    if (!last) return
    const acked = this.#sends.delivered(ready, last.seq)
    this.#viewed.fold(ready, this.#host.userId ?? '')
    this.#set({ head: this.#cursor.head, ...this.#view })
    // Entries first: at no moment is an own message neither pending nor shown.
    this.#listening.tell('entries', ready)
    for (const { id, seq, ts } of acked) this.#listening.tell('ack', { id, seq, ts })
  }

  /** Another log: what was shown and asked is void. */
  #void(): void {
    this.#sends.forgetAcked()
    this.#questions.drop()
    this.#mender.stop()
    this.#listening.tell('reset')
  }

  get #view(): Pick<RoomState, 'view'> {
    const { view } = this.#viewed
    return view === undefined ? {} : { view }
  }

  #set(change: Partial<RoomState>): void {
    this.#state = { ...this.#state, ...change }
    this.#listening.changed()
  }
}
