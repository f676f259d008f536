import { ERRORS, type ErrorCode } from '../errors.ts'
import type {
  Ack,
  Entry,
  ErrorFrame,
  History,
  Joined,
  LogId,
  PresenceChange,
  RoomId,
  Seq,
  User,
  UserId,
} from '../frames.ts'
import { LIMITS } from '../limits.ts'
import { resendDelay } from './backoff.ts'
import { Timer, type Clock } from './clock.ts'
import type { Line } from './line.ts'
import { Outbox, type PendingSend } from './outbox.ts'
import { RoomCursor } from './room-cursor.ts'

/** A refusal, or a lost connection (`busy`: ask again when live), of something that was asked for. */
export class ChatError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string = ERRORS[code]?.says ?? code) {
    super(message)
    this.name = 'ChatError'
    this.code = code
  }
}

export interface RoomState {
  /** `recovering`: the connection is lost or the room is joined anew; it shows what it has. */
  readonly status: 'joining' | 'live' | 'recovering' | 'refused' | 'left'
  readonly code?: ErrorCode
  readonly log?: LogId
  /** The highest seq known to be in the log. */
  readonly head: Seq
  /** Seq of the first entry delivered; what lies before it comes by `history`. */
  readonly first: Seq
  readonly members: readonly User[]
  readonly count: number
}

export interface RoomListeners {
  /** One call per received frame; strictly seq + 1, each exactly once, never before its gap is filled. */
  entries?: (entries: readonly Entry[]) => void
  /** Drop all you show. */
  reset?: () => void
  /** `state` or `pending` changed; once per turn. */
  change?: () => void
  /** A send is durable: once per id, at its ack or its own entry, whichever comes first. */
  ack?: (ack: { id: string; seq: Seq; ts: number }) => void
  /** Finally refused; not tried again by itself. */
  refused?: (refusal: { id: string; code: ErrorCode }) => void
  typing?: (user: User) => void
}

/** What a room needs of its client. */
export interface Host {
  readonly clock: Clock
  readonly random: () => number
  /** Who we are, once a server has said so. */
  readonly userId: UserId | undefined
  newRef(): number
  newId(): string
  /** Sends that may still go out on this line, over all rooms. */
  budget(line: Line): number
  /** The room has its answer on this line. */
  answered(line: Line): void
  left(room: ChatRoom): void
}

/** A join on one line. During a move there are two. */
interface Attachment {
  ref: number
  log: LogId | undefined
  state: 'asked' | 'joined' | 'refused'
}

type Ask = { line: Line; log: LogId | undefined } & (
  | { resolve: (page: { entries: Entry[]; done: boolean }) => void; reject: (why: ChatError) => void }
  | { resolve?: never }
)

/** Without any answer for this long, sends go out again, and a gap is asked for again. */
const STALLED_MS = 15_000
/** How long after a `head` its entries are waited for. */
const HEAD_PATIENCE_MS = 3_000
const MAX_ASKS = 64

/** One room as its client follows it: cursor and outbox, with the frames and timers around them. */
export class ChatRoom {
  readonly id: RoomId
  readonly #host: Host
  readonly #cursor = new RoomCursor()
  readonly #outbox = new Outbox()
  readonly #listeners = new Set<RoomListeners>()
  readonly #on = new Map<Line, Attachment>()
  readonly #asks = new Map<number, Ask>()
  /** The newest line on which the room is joined: sends and questions go there. */
  #line: Line | undefined
  #state: RoomState = { status: 'joining', head: 0, first: 0, members: [], count: 0 }
  #isChanged = false
  #joinTries = 0
  #mendTries = 0
  /** The question for the gap, if one is under way. */
  #mending: number | undefined
  #mendingAt = 0
  #watchedAt: Seq | undefined
  #answeredAt = 0
  #typedAt = -Infinity
  readonly #resend: Timer
  readonly #rejoin: Timer
  readonly #mend: Timer

  constructor(id: RoomId, host: Host) {
    this.id = id
    this.#host = host
    this.#resend = new Timer(host.clock, () => this.#resendDue())
    this.#rejoin = new Timer(host.clock, () => this.#rejoinDue())
    this.#mend = new Timer(host.clock, () => this.#mendDue())
  }

  /** Snapshot: another object whenever anything in it changed. */
  get state(): RoomState {
    return this.#state
  }

  /** All unacked and failed own sends, in order; an acked one until its entry is delivered. Snapshot. */
  get pending(): readonly PendingSend[] {
    return this.#outbox.pending
  }

  /** @returns the way to stop */
  listen(listeners: RoomListeners): () => void {
    const own = { ...listeners }
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /**
   * Queues and sends. The id is made here, or given, and kept for ever; one already pending is not sent twice. Sends of
   * a room reach its log in order. With 10,000 pending, or after `leave`, what comes back has failed and is not kept.
   */
  send(text: string, options: { replyTo?: Seq; id?: string } = {}): PendingSend {
    const { replyTo, id = this.#host.newId() } = options
    const known = this.#outbox.pendingOf(id)
    if (known) return known
    const at = this.#host.clock.now()
    const pending: PendingSend = {
      id,
      text,
      ...(replyTo === undefined ? {} : { replyTo }),
      state: 'sending',
      at,
    }
    if (this.#state.status === 'left') return { ...pending, state: 'failed', code: 'not_joined' }
    if (!this.#outbox.add(pending)) return { ...pending, state: 'failed', code: 'busy' }
    this.#go(id, text)
    return this.#outbox.pendingOf(id) ?? pending
  }

  /** A failed send again, under the same id. */
  retry(id: string): void {
    const text = this.#outbox.pendingOf(id)?.text
    if (text !== undefined && this.#outbox.retry(id)) this.#go(id, text)
  }

  /** Forgets a send that failed or never went out. */
  discard(id: string): void {
    if (this.#outbox.discard(id)) this.#changed()
  }

  /**
   * Older entries, ascending, ending before `before`; at most `limit` ≤ 200.
   * @throws ChatError when refused, or `busy` when the connection is or gets lost: ask again once live
   */
  history(before: Seq, limit: number = LIMITS.joinEntries): Promise<{ entries: Entry[]; done: boolean }> {
    const line = this.#line
    if (!line || this.#asks.size >= MAX_ASKS) return Promise.reject(new ChatError('busy'))
    return new Promise((resolve, reject) => {
      const ref = this.#host.newRef()
      this.#asks.set(ref, { line, log: this.#cursor.log, resolve, reject })
      line.send({ type: 'history', ref, room: this.id, before, limit })
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
    for (const line of this.#on.keys()) line.send({ type: 'leave', ref: this.#host.newRef(), room: this.id })
    this.#host.left(this)
    for (const line of [...this.#on.keys()]) this.detach(line)
    this.#set({ status: 'left', members: [], count: 0 })
  }

  // What the client tells its rooms.

  /** [R4] Joins on a line that has just been greeted. */
  attach(line: Line): void {
    const ref = this.#host.newRef()
    this.#on.set(line, { ref, log: undefined, state: 'asked' })
    line.send({ type: 'join', ref, room: this.id, ...this.#cursor.resume })
  }

  /** The line is gone: what was asked there is not answered any more. */
  detach(line: Line): void {
    this.#on.delete(line)
    this.#dropAsks(line)
    if (this.#on.size === 0) this.#rejoin.clear()
    if (this.#line !== line) return
    this.#line = undefined
    this.#resend.clear()
    this.#mend.clear()
    const other = [...this.#on].find(([, { state }]) => state === 'joined')?.[0]
    if (other) this.#lead(other)
    else if (this.#state.status === 'live') this.#set({ status: 'recovering' })
  }

  /** Whether the room has its answer on this line. */
  isAnswered(line: Line): boolean {
    const state = this.#on.get(line)?.state
    return state === 'joined' || state === 'refused'
  }

  isLiveOn(line: Line): boolean {
    return this.#line === line
  }

  get inFlight(): number {
    return this.#outbox.inFlight
  }

  /** Sends what may go out now. */
  pump(): void {
    if (!this.#line || !this.#outbox.isReady) return
    const budget = this.#host.budget(this.#line)
    if (budget <= 0) return
    if (this.#outbox.inFlight === 0) this.#answeredAt = this.#host.clock.now()
    for (const send of this.#outbox.take(budget, () => this.#host.newRef())) {
      this.#line.send({ type: 'send', room: this.id, ...send })
    }
    if (!this.#resend.isSet) this.#resend.set(STALLED_MS)
  }

  onJoined(line: Line, frame: Joined): void {
    const on = this.#on.get(line)
    if (!on || (frame.ref !== undefined && frame.ref !== on.ref)) return // of a join that was repeated since
    on.log = frame.log
    on.state = 'joined'
    this.#joinTries = 0
    if (this.#line && this.#line.id > line.id) return // the newer line of a move already leads
    if (this.#cursor.join(frame)) this.#void()
    const { code: _, ...rest } = this.#state
    const { log, members, count } = frame
    this.#state = {
      ...rest,
      status: 'live',
      log,
      members,
      count,
      head: this.#cursor.head,
      first: this.#cursor.first,
    }
    this.#changed()
    this.#lead(line)
    this.#host.answered(line)
  }

  onReset(line: Line, log: LogId): void {
    const on = this.#on.get(line)
    if (!on) return
    const wasJoined = on.state === 'joined'
    on.log = log
    if (this.#line && this.#line.id > line.id) return
    if (!this.#cursor.reset(log)) return // the `joined` before it said so already
    this.#void()
    this.#set({ log, head: 0, first: 0 })
    // A stream that was under way stood in the old log. An answer still awaited will speak of the new one.
    if (wasJoined) this.#joinAgain(line)
  }

  /** Entries of one received frame. */
  onEntries(line: Line, entries: readonly Entry[]): void {
    const on = this.#on.get(line)
    if (on?.state !== 'joined' || on.log !== this.#cursor.log) return
    this.#deliver(this.#cursor.take(entries))
    this.#askMissing()
  }

  onAck(line: Line, { id, seq, ts }: Ack): void {
    const on = this.#on.get(line)
    if (!on) return
    this.#answeredAt = this.#host.clock.now()
    const isSeen = on.log !== this.#cursor.log
    if (this.#outbox.settle(id, seq, isSeen ? Infinity : this.#cursor.at)) this.#tell('ack', { id, seq, ts })
    this.#changed()
  }

  onHead(line: Line, seq: Seq): void {
    const on = this.#on.get(line)
    if (on?.state !== 'joined' || on.log !== this.#cursor.log) return
    if (this.#cursor.see(seq)) {
      if (!this.#mend.isSet) {
        this.#watchedAt = this.#cursor.at
        this.#mend.set(HEAD_PATIENCE_MS)
      }
      if (seq > this.#state.head) this.#set({ head: seq })
    }
  }

  onHistory(frame: History): void {
    const ask = this.#takeAsk(frame.ref)
    if (!ask) return
    if (ask.resolve) {
      if (ask.log === this.#cursor.log) ask.resolve({ entries: frame.entries, done: frame.done })
      else ask.reject(new ChatError('busy'))
      return
    }
    if (ask.log !== this.#cursor.log) return
    const ready = this.#cursor.take(frame.entries)
    this.#deliver(ready)
    if (ready.length > 0) this.#mendTries = 0
    if (ready.length > 0 || this.#cursor.missingAfter === undefined) this.#askMissing()
    // The answer did not help: a server that is behind needs time, not more questions.
    else this.#mend.set(resendDelay(this.#mendTries++, this.#host.random))
  }

  onPresence(line: Line, { join, leave, count }: PresenceChange): void {
    if (line !== this.#line) return
    const gone = new Set([...leave, ...join].map((user) => user.id))
    const members = this.#state.members.filter((user) => !gone.has(user.id))
    this.#set({ members: [...members, ...join], count })
  }

  onTyping(line: Line, user: User): void {
    if (line === this.#line) this.#tell('typing', user)
  }

  /** @returns false if the error names nothing of this room */
  onError(line: Line, { code, ref, id, retryMs }: ErrorFrame): boolean {
    const on = this.#on.get(line)
    if (!on) return false
    // A code of tomorrow is final unless it says when to try again.
    const again = (Object.hasOwn(ERRORS, code) && ERRORS[code].again) || retryMs !== undefined
    if (ref !== undefined && ref === on.ref && on.state === 'asked') {
      this.#joinRefused(line, on, code, again, retryMs)
      return true
    }
    const ask = typeof ref === 'number' ? this.#asks.get(ref) : undefined
    if (ask) {
      this.#takeAsk(ref)
      if (code === 'not_joined') this.#joinAgain(line)
      if (ask.resolve) ask.reject(new ChatError(code))
      else if (code !== 'not_joined')
        this.#mend.set(resendDelay(this.#mendTries++, this.#host.random, retryMs))
      return true
    }
    if (id === undefined || !this.#outbox.isCurrent(id, ref)) return false
    this.#answeredAt = this.#host.clock.now()
    if (code === 'not_joined') this.#joinAgain(line)
    else if (again) this.#hold(retryMs)
    else {
      this.#outbox.fail(id, code)
      this.#changed()
      this.#tell('refused', { id, code })
      this.pump()
    }
    return true
  }

  #go(id: string, text: string): void {
    const refusal = this.#state.status === 'refused' ? this.#state.code : cannotBeSent(id, text)
    if (refusal) {
      this.#outbox.fail(id, refusal)
      // After `send` has told its caller the id.
      queueMicrotask(() => this.#tell('refused', { id, code: refusal }))
    }
    this.#changed()
    this.pump()
  }

  /** [R13] Sends and questions go to this line from now on; what is unacked goes there again. */
  #lead(line: Line): void {
    this.#line = line
    this.#rejoin.clear()
    this.#resend.clear()
    this.#outbox.restart()
    this.#askMissing()
    this.pump()
  }

  #joinRefused(
    line: Line,
    on: Attachment,
    code: ErrorCode,
    again: boolean,
    retryMs: number | undefined,
  ): void {
    if (again) {
      this.#rejoin.set(resendDelay(this.#joinTries++, this.#host.random, retryMs))
      return
    }
    on.state = 'refused'
    if (!this.#line || this.#line === line) {
      this.#line = undefined
      this.#set({ status: 'refused', code })
      for (const id of this.#outbox.failAll(code)) this.#tell('refused', { id, code })
    }
    this.#host.answered(line)
  }

  /** The stream of this line is of no use any more, or the server knows of none. */
  #joinAgain(line: Line): void {
    const on = this.#on.get(line)
    if (on?.state !== 'joined') return // asked already
    if (this.#line === line) {
      this.#line = undefined
      this.#resend.clear()
      this.#mend.clear()
      this.#set({ status: 'recovering' })
    }
    this.#dropAsks(line)
    this.attach(line)
  }

  #rejoinDue(): void {
    for (const [line, on] of this.#on) if (on.state === 'asked') this.attach(line)
  }

  /** [R11] */
  #hold(retryMs: number | undefined): void {
    if (this.#outbox.isHeld) return // one burst, one resend
    const delayMs = resendDelay(this.#outbox.tries, this.#host.random, retryMs)
    this.#outbox.hold()
    this.#resend.set(delayMs)
  }

  #resendDue(): void {
    if (!this.#outbox.isHeld) {
      if (this.#outbox.inFlight === 0) return
      const quietMs = this.#host.clock.now() - this.#answeredAt
      if (quietMs < STALLED_MS) {
        this.#resend.set(STALLED_MS - quietMs)
        return
      }
      // Neither acked nor refused on a line that lives: sending again is safe, waiting for ever is not.
      this.#outbox.hold()
    }
    this.#outbox.release()
    this.pump()
  }

  /** [R6] Asks for what is missing, one page at a time. */
  #askMissing(): void {
    const after = this.#cursor.missingAfter
    if (after === undefined || !this.#line || this.#mending !== undefined) return
    if (this.#mendTries > 0 && this.#mend.isSet) return
    const ref = this.#host.newRef()
    this.#mending = ref
    this.#mendingAt = this.#host.clock.now()
    this.#asks.set(ref, { line: this.#line, log: this.#cursor.log })
    this.#line.send({ type: 'history', ref, room: this.id, after, limit: LIMITS.historyEntries })
    this.#mend.set(STALLED_MS)
  }

  #mendDue(): void {
    if (this.#mending !== undefined) {
      const quietMs = this.#host.clock.now() - this.#mendingAt
      if (quietMs < STALLED_MS) {
        this.#mend.set(STALLED_MS - quietMs)
        return
      }
      this.#takeAsk(this.#mending)
    }
    if (this.#cursor.missingAfter === undefined && this.#cursor.head > this.#cursor.at) {
      if (this.#watchedAt !== this.#cursor.at) {
        // They are coming, only slowly.
        this.#watchedAt = this.#cursor.at
        this.#mend.set(HEAD_PATIENCE_MS)
        return
      }
      this.#cursor.lose()
    }
    this.#askMissing()
  }

  #deliver(ready: readonly Entry[]): void {
    const last = ready.at(-1)
    if (!last) return
    const me = this.#host.userId
    for (const { user, id, seq, ts } of ready) {
      if (user.id !== me || !this.#outbox.has(id)) continue
      this.#answeredAt = this.#host.clock.now()
      if (this.#outbox.settle(id, seq, last.seq)) this.#tell('ack', { id, seq, ts })
    }
    this.#outbox.see(last.seq)
    this.#set({ head: this.#cursor.head })
    this.#tell('entries', ready)
  }

  /** Another log: what was shown and asked is void. */
  #void(): void {
    this.#outbox.forgetAcked()
    for (const line of this.#on.keys()) this.#dropAsks(line)
    this.#mend.clear()
    this.#mendTries = 0
    for (const { reset } of [...this.#listeners]) guarded(() => reset?.())
  }

  #takeAsk(ref: unknown): Ask | undefined {
    if (typeof ref !== 'number') return undefined
    const ask = this.#asks.get(ref)
    this.#asks.delete(ref)
    if (this.#mending === ref) {
      this.#mending = undefined
      this.#mend.clear()
    }
    return ask
  }

  #dropAsks(line: Line): void {
    for (const [ref, ask] of [...this.#asks]) {
      if (ask.line !== line) continue
      this.#takeAsk(ref)
      if (ask.resolve) ask.reject(new ChatError('busy'))
    }
  }

  #set(change: Partial<RoomState>): void {
    this.#state = { ...this.#state, ...change }
    this.#changed()
  }

  #changed(): void {
    if (this.#isChanged) return
    this.#isChanged = true
    queueMicrotask(() => {
      this.#isChanged = false
      for (const { change } of [...this.#listeners]) guarded(() => change?.())
    })
  }

  #tell<K extends 'entries' | 'ack' | 'refused' | 'typing'>(
    what: K,
    news: Parameters<NonNullable<RoomListeners[K]>>[0],
  ): void {
    for (const listeners of [...this.#listeners]) {
      guarded(() => (listeners[what] as ((news: unknown) => void) | undefined)?.(news))
    }
  }
}

/** What no server would take, and what would close the connection if it were tried. */
function cannotBeSent(id: string, text: string): ErrorCode | undefined {
  if (text.length > LIMITS.textChars) return 'too_long'
  if (text.trim() === '' || !text.isWellFormed()) return 'bad_message'
  return id.length < 1 || id.length > LIMITS.idChars ? 'bad_message' : undefined
}

/** A listener that throws must not keep the others, or the state here, from going on; the platform reports it. */
function guarded(call: () => void): void {
  try {
    call()
  } catch (cause) {
    queueMicrotask(() => {
      throw cause
    })
  }
}
