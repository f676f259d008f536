import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import type { LogId, RoomId, Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import type { CarriedSend, EdgeMessage, HomeMessage, PlainRoom, Successor } from '@flotilla/protocol/link.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Cancel, Clock } from '../clock.ts'
import type { Epoch } from '../store/store.ts'
import type { SendOutcome } from './committer.ts'
import type { Admitted } from './entrance.ts'
import type { MembersUpdate } from './members-view.ts'
import { retryAfter, SOON_MS } from './retry.ts'
import { cutLines } from './ring.ts'
import { UpwardPace } from './upward-pace.ts'

/**
 * An edge's side of a room that is homed elsewhere: one follower of the home for all clients here. Takes entries only at
 * cursor + 1; whatever does not fit makes it follow again from its cursor. Sends and reads go up as requests; one
 * that is not answered in time is `busy`: the same id will be sent again.
 */

const FOLLOW_RETRY_MS = 1_000
const REQUEST_MS = 5_000
const SWEEP_MS = 150
/** The home says where the room stands every 2 s; after this long without, the follow itself may be lost. */
const SILENT_MS = 6_000
const MAX_REQUESTS = 20_000
/** So many sends wait for no more to go up with them. */
const MOST_UPWARD = 12
/** A home that could not be reached for this long is reported to the balancer. */
const UNREACHABLE_MS = 300
/** … and again, twice as long after it each time, up to this. */
const UNREACHABLE_MAX_MS = 2_000

export interface Page {
  lines: Buffer[]
  done: boolean
}

export interface RelayEvents {
  /** The home answered: its log and head. Entries after the cursor follow. `plain`: who enters need not be asked for. */
  following(log: LogId, head: Seq, plain: PlainRoom | undefined): void
  /** What was before this seq is forgotten. */
  floor(floor: Seq): void
  /** New entries, head + 1 … */
  entries(lines: Buffer[]): void
  members(update: MembersUpdate): void
  typing(user: User): void
  /** The home wants all of this edge's people. */
  peopleWanted(): void
  /** The home says it is none, or cannot be reached: ask the balancer, unless the home says who is home now. */
  lost(why: 'not-home' | 'unreachable', to?: Successor): void
  /** The room was deleted. */
  erased(): void
}

/** Where this edge stands: undefined before the first `following`. */
export type Position = () => { log: LogId; head: Seq } | undefined

interface Request {
  deadline: number
  send?: (outcome: SendOutcome) => void
  page?: (page: Page | undefined) => void
  enter?: (admitted: Admitted | Refusal) => void
}

export class Relay {
  readonly home: ServerId
  readonly epoch: Epoch
  readonly #room: RoomId
  readonly #clock: Clock
  readonly #bus: Bus
  readonly #events: RelayEvents
  readonly #position: Position
  readonly #nextRequest: () => number
  readonly #requests = new Map<number, Request>()
  #isFollowing = false
  /** Since when it does not follow, if it does not. */
  #lostAt: number
  #heardAt: number
  #followedAt = 0
  #downSince: number | undefined
  #unreachableMs = UNREACHABLE_MS
  #membersVersion = -1
  #sweep: Cancel | undefined
  readonly #audience: () => number
  readonly #pace = new UpwardPace()
  /** Sends that wait to go up together. */
  #upward: EdgeMessage[] = []
  #upLater: Cancel | undefined

  constructor(options: {
    room: RoomId
    home: ServerId
    epoch: Epoch
    clock: Clock
    bus: Bus
    events: RelayEvents
    position: Position
    /** Numbers of requests, unique over all runs of this server. */
    nextRequest: () => number
    /** People in the room, on all servers. */
    audience: () => number
  }) {
    this.#room = options.room
    this.home = options.home
    this.epoch = options.epoch
    this.#clock = options.clock
    this.#bus = options.bus
    this.#events = options.events
    this.#position = options.position
    this.#nextRequest = options.nextRequest
    this.#audience = options.audience
    this.#heardAt = this.#clock.now()
    this.#lostAt = this.#heardAt
    if (!this.#bus.isUp(this.home)) this.#downSince = this.#clock.now()
    this.#follow()
    this.#scheduleSweep()
  }

  get isFollowing(): boolean {
    return this.#isFollowing
  }

  /** Answered once: acked, refused by the home, or `busy` when nobody answers. */
  send(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    if (!this.#isFollowing || this.#requests.size >= MAX_REQUESTS) {
      answer({ ok: false, code: 'busy', retryMs: retryAfter(this.#clock.now() - this.#lostAt) })
      return
    }
    const req = this.#request({ send: answer })
    this.#upward.push({ t: 'send', room: this.#room, req, send })
    const waitMs = this.#pace.waitMs(this.#clock.now(), this.#audience())
    if (waitMs === 0 || this.#upward.length >= MOST_UPWARD) this.#goUp()
    else this.#upLater ??= this.#clock.after(waitMs, () => this.#goUp())
  }

  #goUp(): void {
    this.#upLater?.()
    this.#upLater = undefined
    for (const send of this.#upward.splice(0)) this.#bus.send(this.home, send)
  }

  /** A page of the log, from the home; undefined when nobody answers. `user`: who wants to read, if not this server. */
  read(side: { after: Seq } | { before: Seq }, limit: number, user?: UserId): Promise<Page | undefined> {
    if (!this.#isFollowing || this.#requests.size >= MAX_REQUESTS) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const req = this.#request({ page: resolve })
      const by = user === undefined ? {} : { user }
      this.#bus.send(this.home, { t: 'read', room: this.#room, req, ...side, limit, ...by })
    })
  }

  /** Asks the home whether he may enter; `busy` when nobody answers. */
  enter(user: User): Promise<Admitted | Refusal> {
    if (!this.#isFollowing || this.#requests.size >= MAX_REQUESTS) {
      return Promise.resolve(refuse('busy', undefined, retryAfter(this.#clock.now() - this.#lostAt)))
    }
    return new Promise((resolve) => {
      const req = this.#request({ enter: resolve })
      this.#bus.send(this.home, { t: 'enter', room: this.#room, req, user })
    })
  }

  tell(message: Extract<EdgeMessage, { t: 'people' | 'typing' | 'people-at' }>): void {
    if (this.#isFollowing) this.#bus.send(this.home, message)
  }

  #request(request: Omit<Request, 'deadline'>): number {
    const req = this.#nextRequest()
    this.#requests.set(req, { ...request, deadline: this.#clock.now() + REQUEST_MS })
    return req
  }

  /** Says where it stands and asks for what comes after. Also mends a gap and a lost tail. */
  #follow(): void {
    const at = this.#position()
    this.#followedAt = this.#clock.now()
    this.#bus.send(this.home, {
      t: 'follow',
      room: this.#room,
      epoch: this.epoch,
      ...(at === undefined ? {} : { cursor: at.head, log: at.log }),
    })
  }

  /** A message of the home about this room. */
  receive(message: HomeMessage, lines: Buffer): void {
    this.#heardAt = this.#clock.now()
    switch (message.t) {
      case 'following':
        this.#isFollowing = true
        this.#events.following(message.log, message.head, message.plain)
        if (message.floor !== undefined) this.#events.floor(message.floor)
        this.#events.peopleWanted()
        break
      case 'entries':
        this.#entries(message, lines)
        break
      case 'sent':
        this.#answer(message.req)?.send?.({ ok: true, seq: message.seq, ts: message.ts })
        break
      case 'refused': {
        const request = this.#answer(message.req)
        const refusal = refuse(message.code, message.message, message.retryMs)
        request?.send?.(refusal)
        request?.enter?.(refusal)
        request?.page?.(undefined)
        break
      }
      case 'entered':
        this.#answer(message.req)?.enter?.({ ok: true, at: message.at, view: message.view })
        break
      case 'floor':
        this.#events.floor(message.floor)
        break
      case 'erased':
        this.#events.erased()
        break
      case 'page':
        this.#answer(message.req)?.page?.({ lines: cutLines(lines), done: message.done })
        break
      case 'members':
        this.#members(message)
        break
      case 'people?':
        this.#events.peopleWanted()
        break
      case 'typed':
        this.#events.typing(message.user)
        break
      case 'not-home':
        this.#lose(message.to)
        break
      case 'heads':
        break
    }
  }

  /** Where the home says the log and the room's people stand; a tail that got lost on the way is asked for. */
  head(epoch: Epoch, seq: Seq, membersVersion: number): void {
    this.#heardAt = this.#clock.now()
    const at = this.#position()
    if (!this.#isFollowing || epoch < this.epoch || at === undefined) return
    if (seq > at.head || membersVersion > this.#membersVersion) this.#mend()
  }

  #entries(message: Extract<HomeMessage, { t: 'entries' }>, bytes: Buffer): void {
    const at = this.#position()
    if (at === undefined || message.log !== at.log || !this.#isFollowing) return
    if (message.to <= at.head) return
    if (message.from > at.head + 1) {
      this.#mend()
      return
    }
    const lines = cutLines(bytes)
    if (lines.length !== message.to - message.from + 1) return
    this.#events.entries(lines.slice(at.head + 1 - message.from))
  }

  /** Follows again from the cursor, but not for every message that does not fit while the answer is on its way. */
  #mend(): void {
    if (this.#clock.now() - this.#followedAt >= 100) this.#follow()
  }

  #members(message: Extract<HomeMessage, { t: 'members' }>): void {
    if (!message.full && message.v !== this.#membersVersion + 1) {
      if (message.v > this.#membersVersion) this.#follow()
      return
    }
    if (message.full && message.v < this.#membersVersion) return
    this.#membersVersion = message.v
    this.#events.members(message)
  }

  #answer(req: number): Request | undefined {
    const request = this.#requests.get(req)
    this.#requests.delete(req)
    return request
  }

  homeUp(): void {
    this.#downSince = undefined
    this.#unreachableMs = UNREACHABLE_MS
    this.#membersVersion = -1
    this.#follow()
  }

  homeDown(): void {
    this.#stopFollowing()
    this.#downSince ??= this.#clock.now()
    this.#bus.reach(this.home)
  }

  #lose(to: Successor | undefined): void {
    this.#stopFollowing()
    this.#events.lost('not-home', to)
  }

  #failAll(): void {
    const requests = [...this.#requests.values()]
    this.#requests.clear()
    for (const { send, page, enter } of requests) {
      send?.({ ok: false, code: 'busy', retryMs: SOON_MS })
      enter?.({ ok: false, code: 'busy', retryMs: SOON_MS })
      page?.(undefined)
    }
  }

  #stopFollowing(): void {
    if (this.#isFollowing) this.#lostAt = this.#clock.now()
    this.#isFollowing = false
    this.#upLater?.()
    this.#upLater = undefined
    this.#upward = []
    this.#failAll()
  }

  #scheduleSweep(): void {
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.now()
      for (const [req, request] of this.#requests) {
        if (request.deadline > now) break // in the order they were made
        this.#requests.delete(req)
        request.send?.({ ok: false, code: 'busy', retryMs: 0 })
        request.enter?.({ ok: false, code: 'busy', retryMs: 0 })
        request.page?.(undefined)
      }
      this.#scheduleSweep()
      if (this.#downSince !== undefined && now - this.#downSince >= this.#unreachableMs) {
        this.#downSince = now
        this.#unreachableMs = Math.min(UNREACHABLE_MAX_MS, this.#unreachableMs * 2)
        this.#bus.reach(this.home)
        this.#events.lost('unreachable')
      } else if (!this.#isFollowing || now - this.#heardAt > SILENT_MS) {
        if (now - this.#followedAt >= FOLLOW_RETRY_MS) this.#follow()
      }
    })
  }

  /** The room is not needed here any more, or has another home. */
  close(options: { unfollow: boolean }): void {
    this.#sweep?.()
    if (options.unfollow) this.#bus.send(this.home, { t: 'unfollow', room: this.#room })
    this.#stopFollowing()
  }
}
