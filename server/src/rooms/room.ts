import type { LogId, RoomId, Seq, User } from '@flotilla/protocol/frames.ts'
import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import type { CarriedSend, Successor } from '@flotilla/protocol/link.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Cancel, Clock } from '../clock.ts'
import type { Epoch, HeldRoom, Store, StoreRef } from '../store/store.ts'
import { Attendance } from './attendance.ts'
import type { Committer, SendOutcome } from './committer.ts'
import type { Directory } from './directory.ts'
import { Feed, type FeedCounters, type FeedFollower } from './feed.ts'
import { Home } from './home.ts'
import type { MembersDifference } from './members-view.ts'
import { pageOf } from './page.ts'
import { Relay, type Page } from './relay.ts'
import { retryAfter } from './retry.ts'

/**
 * A room as this server's clients see it, whether it is homed here or elsewhere. The feed and the followers stay when the
 * role changes: a room that moves is the same cursors over the same log, read from another place.
 */

/** A client in a room: a follower of its entries that also hears what is not in the log. */
export interface Member extends FeedFollower {
  readonly user: User
  presence(room: RoomId, change: MembersDifference): void
  typing(room: RoomId, user: User): void
}

export interface RoomContext {
  self: ServerId
  clock: Clock
  random: () => number
  bus: Bus
  store: Store
  committer: Committer
  directory: Directory
  feedCounters: FeedCounters
  /** Numbers of requests to homes, unique over all runs of this server: an answer may come to a later one. */
  nextRequest: () => number
  /** Resolves when it is known, as far as it can be now, that the own store is no older than it was. */
  confirmed?: () => Promise<unknown>
  /** Something about the room that an operator may want to read. */
  note: (event: string, detail: Record<string, unknown>) => void
}

type Role =
  | { is: 'seeking' }
  | { is: 'home'; home: Home }
  | { is: 'relay'; relay: Relay }
  | { is: 'refused'; refusal: Refusal }
  | { is: 'closed' }

/** What is known when the search for the home begins. */
interface Known {
  /** This server's own store has the room. */
  held?: HeldRoom | undefined
  /** The home that could not be reached. */
  unreachable?: ServerId | undefined
}

/** How long a join waits for the room's home before it is told to try again. */
const READY_MS = 5_000
const SEEK_RETRY_MS = 300
const SEEK_RETRY_MAX_MS = 5_000
/** For how long a room without anybody stays open, so that the next one finds its ring. */
const IDLE_MS = 60_000
const MAX_WAITING = 10_000
const HAND_OVER_TRY_MS = 500
const HAND_OVER_TRIES = 8

export class Room {
  readonly id: RoomId
  readonly #context: RoomContext
  readonly #members = new Set<Member>()
  readonly #people: Attendance
  #feed: Feed | undefined
  #role: Role = { is: 'seeking' }
  /** Since when this server has no role in the room, if it has none. */
  #soughtSince: number
  #isWhole = true
  #waiting: { resolve: (ready: Refusal | undefined) => void; cancel: Cancel }[] = []
  #seekAgain: Cancel | undefined
  #seeks = 0
  #emptySince: number | undefined
  #reaching: { epoch: Epoch; resolve: () => void; cancel: Cancel }[] = []
  #onStepDown: (() => void) | undefined
  #isSeeking = false
  #seekNext: Known | undefined

  /** Begins to look for the room's home. `held`: this server's own store has it. */
  constructor(id: RoomId, context: RoomContext, held: HeldRoom | undefined) {
    this.id = id
    this.#context = context
    this.#emptySince = context.clock.now()
    this.#soughtSince = this.#emptySince
    this.#people = new Attendance({
      clock: context.clock,
      tell: (report) => {
        if (this.#role.is === 'home') this.#role.home.people(context.self, report)
        else if (this.#role.is === 'relay') this.#role.relay.tell({ t: 'people', room: id, ...report })
      },
      announce: (change) => {
        for (const member of this.#members) member.presence(id, change)
      },
    })
    void this.#seek({ held })
  }

  get home(): Home | undefined {
    return this.#role.is === 'home' ? this.#role.home : undefined
  }
  get relay(): Relay | undefined {
    return this.#role.is === 'relay' ? this.#role.relay : undefined
  }
  get feed(): Feed | undefined {
    return this.#feed
  }
  /** Version of the last report of this server's people. */
  get peopleVersion(): number {
    return this.#people.version
  }
  /** Whether all of the room is in the own store: until then others are needed for its older part. */
  get isWhole(): boolean {
    return this.#isWhole
  }
  get isRefused(): boolean {
    return this.#role.is === 'refused'
  }

  /** Resolves when the room can be joined, or with why not. */
  async ready(): Promise<Refusal | undefined> {
    if (this.#role.is === 'refused') return this.#role.refusal
    if (this.#feed !== undefined) return undefined
    if (this.#waiting.length >= MAX_WAITING) return refuse('busy', undefined, 1_000)
    return new Promise((resolve) => {
      const waiter = {
        resolve,
        cancel: this.#context.clock.after(READY_MS, () => {
          this.#waiting = this.#waiting.filter((other) => other !== waiter)
          resolve(refuse('busy', 'The home of this room cannot be reached now.', 1_000))
        }),
      }
      this.#waiting.push(waiter)
    })
  }

  /** Term of the role this server has in the room; 0 while it has none. */
  get epoch(): Epoch {
    if (this.#role.is === 'home') return this.#role.home.epoch
    return this.#role.is === 'relay' ? this.#role.relay.epoch : 0
  }

  /**
   * Somebody knows the room to be in a term of at least `epoch`: resolves when this server's role is of it, too, or after a
   * while. What it was home of in a lower term, it finds itself fenced from.
   */
  async reach(epoch: Epoch): Promise<void> {
    if (this.epoch >= epoch || this.#role.is === 'closed') return
    this.#seekLater(undefined)
    await new Promise<void>((resolve) => {
      const cancel = this.#context.clock.after(READY_MS, () => {
        this.#reaching = this.#reaching.filter((other) => other !== waiter)
        resolve()
      })
      const waiter = { epoch, resolve, cancel }
      this.#reaching.push(waiter)
    })
  }

  #reached(): void {
    const isOver = ({ epoch }: { epoch: Epoch }) => this.epoch >= epoch || this.#role.is === 'closed'
    for (const { resolve, cancel } of this.#reaching.filter(isOver)) {
      cancel()
      resolve()
    }
    this.#reaching = this.#reaching.filter((waiter) => !isOver(waiter))
  }

  /** The room is another server's in a higher term: what was home here steps down. */
  superseded(by: Successor): void {
    if (this.home === undefined || this.home.epoch >= by.epoch) return
    this.home.successor = by
    this.home.fenced([])
  }

  /** All of it is in the own store now. */
  whole(epoch: Epoch): void {
    if (this.home?.epoch === epoch) this.#isWhole = true
  }

  /** What the own store has may be less than what was acked: whose the room is, is asked anew. */
  doubt(): void {
    this.home?.fenced([])
  }

  /**
   * This server leaves: hands the room it is home of to another one. That one takes it out of this store like that of a dead
   * server; the fence is where the one stops and the other begins, so nothing has to be agreed on.
   */
  async handOver(): Promise<void> {
    const { directory, bus, clock, self, note } = this.#context
    for (let tries = 0; tries < HAND_OVER_TRIES && this.home !== undefined; tries += 1) {
      const placed = await directory.place(this.id, { leaving: true })
      if (typeof placed === 'string' || placed.home.id === self) return // nobody can take it
      bus.know(placed.home)
      if (this.home !== undefined) this.home.successor = { id: placed.home.id, epoch: placed.epoch }
      bus.send(placed.home.id, { t: 'take', room: this.id, epoch: placed.epoch })
      note('handing over', { room: this.id, to: placed.home.id, epoch: placed.epoch })
      await new Promise<void>((resolve) => {
        const cancel = clock.after(HAND_OVER_TRY_MS, resolve)
        this.#onStepDown = () => {
          cancel()
          resolve()
        }
      })
    }
  }

  #settle(refusal: Refusal | undefined): void {
    for (const { resolve, cancel } of this.#waiting.splice(0)) {
      cancel()
      resolve(refusal)
    }
  }

  /**
   * Enters with a cursor that is set. `welcome` is told the people, the new one included, before any entry goes out.
   * The others here hear of him at once; the home tells those elsewhere.
   */
  enter(member: Member, welcome: (people: { members: User[]; count: number }) => void): void {
    if (this.#feed === undefined) throw new Error('entered a room that is not ready')
    const { user } = member
    this.#people.enter(user)
    this.#members.add(member)
    this.#emptySince = undefined
    welcome(this.#people.page(user))
    this.#feed.follow(member)
  }

  exit(member: Member): void {
    if (!this.#members.delete(member)) return
    this.#feed?.unfollow(member)
    if (this.#members.size === 0) this.#emptySince = this.#context.clock.now()
    this.#people.exit(member.user)
  }

  /** Answered exactly once. */
  send(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    switch (this.#role.is) {
      case 'home':
        this.#role.home.accept(send, answer)
        break
      case 'relay':
        this.#role.relay.send(send, answer)
        break
      case 'refused':
        answer({ ok: false, code: 'no_such_room' })
        break
      default:
        answer({
          ok: false,
          code: 'busy',
          retryMs: retryAfter(this.#context.clock.now() - this.#soughtSince),
        })
    }
  }

  /** Encoded entries next to a seq, ascending; undefined when the log cannot be reached now. */
  async read(side: { after: Seq } | { before: Seq }, limit: number): Promise<Page | undefined> {
    if (this.#role.is === 'relay') return this.#role.relay.read(side, limit)
    if (this.#role.is !== 'home') return undefined
    return this.readOwn(side, limit)
  }

  /** The same from the own store, which holds the room. */
  async readOwn(side: { after: Seq } | { before: Seq }, limit: number): Promise<Page> {
    const entries = await this.#context.store.read(this.id, side, limit + 1) // one more tells whether it is all
    return pageOf(entries, limit, 'after' in side ? 'first' : 'last')
  }

  typing(user: User): void {
    if (this.#role.is === 'home') this.#role.home.typing(user)
    else if (this.#role.is === 'relay') this.#role.relay.tell({ t: 'typing', room: this.id, user })
  }

  /** Whether nobody needed it for a while. */
  isIdle(now: number): boolean {
    if (this.#members.size > 0 || this.#waiting.length > 0 || this.home?.hasEdges === true) return false
    if (this.#role.is === 'refused') return true
    return this.#emptySince !== undefined && now - this.#emptySince >= IDLE_MS
  }

  close(): void {
    this.#leaveRole({ unfollow: true })
    this.#role = { is: 'closed' }
    this.#seekAgain?.()
    this.#people.close()
    this.#feed?.close()
    this.#settle(refuse('busy'))
    this.#onStepDown?.()
    this.#reached()
  }

  #leaveRole(options: { unfollow: boolean }): void {
    if (this.#role.is === 'home') this.#role.home.close()
    if (this.#role.is === 'relay') this.#role.relay.close(options)
  }

  /** Finds the home: the own store, or what the balancer says. Goes on until it has one; one search at a time. */
  async #seek(known: Known): Promise<void> {
    if (this.#isSeeking) {
      this.#seekNext = known
      return
    }
    this.#isSeeking = true
    try {
      const again = await this.#seekOnce(known)
      if (again) this.#seekLater(known.unreachable)
    } catch (cause) {
      this.#context.note('room not opened', { room: this.id, cause })
      this.#seekLater(undefined)
    } finally {
      this.#isSeeking = false
    }
    const next = this.#seekNext
    this.#seekNext = undefined
    if (next !== undefined) void this.#seek(next)
  }

  /** @returns whether it has to be tried again */
  async #seekOnce({ held, unreachable }: Known): Promise<boolean> {
    const { store, directory, self, bus } = this.#context
    if (held !== undefined) {
      await this.#context.confirmed?.()
      const taken = await store.take(this.id, held.epoch)
      if (taken !== 'fenced') {
        this.#isWhole = taken.isWhole
        this.#becomeHome(held.epoch, taken.log, taken.head)
        return false
      }
    }
    const placed = await directory.place(this.id, unreachable === undefined ? {} : { unreachable })
    if (this.#role.is === 'closed') return false
    if (placed === 'unavailable') return true
    if (placed === 'no_such_room') {
      this.#refuse()
      return false
    }
    if (placed.epoch < this.epoch) return true // an answer from before the term this server already knows of
    if (placed.home.id !== self) {
      bus.know(placed.home)
      this.#becomeRelay(placed.home.id, placed.epoch)
      return false
    }
    if (this.home?.epoch === placed.epoch) return false
    const taken = await store.take(this.id, placed.epoch, storeRefs(placed.from))
    if (taken === 'fenced') return true
    this.#isWhole = taken.isWhole
    this.#becomeHome(placed.epoch, taken.log, taken.head)
    for (const { id } of placed.from) bus.send(id, { t: 'taken', room: this.id, epoch: placed.epoch })
    if (placed.from.length > 0 && taken.isWhole)
      directory.taken({ room: this.id, epoch: placed.epoch, head: taken.head })
    return false
  }

  /** Looks for the home again: at once the first time, then later and later. */
  #seekLater(unreachable: ServerId | undefined): void {
    if (this.#role.is === 'closed' || this.#seekAgain !== undefined) return
    const longest = Math.min(SEEK_RETRY_MAX_MS, SEEK_RETRY_MS * 2 ** this.#seeks)
    const ms = this.#seeks === 0 ? 0 : longest * (0.5 + 0.5 * this.#context.random())
    this.#seeks += 1
    this.#seekAgain = this.#context.clock.after(ms, () => {
      this.#seekAgain = undefined
      void this.#seek(unreachable === undefined ? {} : { unreachable })
    })
  }

  #refuse(): void {
    this.#leaveRole({ unfollow: false })
    const refusal = refuse('no_such_room')
    this.#role = { is: 'refused', refusal }
    this.#settle(refusal)
  }

  #becomeHome(epoch: Epoch, log: LogId, head: Seq): void {
    if (this.#role.is === 'closed') return
    const { self, clock, bus, committer, note } = this.#context
    this.#leaveRole({ unfollow: true })
    this.#seeks = 0
    const feed = this.#feedOf(log, head, async (after, limit) => (await this.readOwn({ after }, limit)).lines)
    feed.skipTo(head) // as an edge this server may have been behind
    const home = new Home({
      room: this.id,
      epoch,
      self,
      clock,
      bus,
      feed,
      committer,
      events: {
        members: (update) => this.#people.hear(update),
        typing: (user) => this.#hearTyping(user),
        fenced: () => {
          note('fenced', { room: this.id, epoch })
          if (this.home === home) this.#stepDown(home.successor)
        },
      },
    })
    this.#role = { is: 'home', home }
    note('home', { room: this.id, epoch, head })
    this.#people.reportAll()
    this.#settle(undefined)
    this.#reached()
  }

  #becomeRelay(homeId: ServerId, epoch: Epoch): void {
    if (this.#role.is === 'closed') return
    const current = this.relay
    if (current?.home === homeId && current.epoch === epoch) return
    const { clock, bus, nextRequest, note } = this.#context
    this.#leaveRole({ unfollow: true })
    const relay: Relay = new Relay({
      room: this.id,
      home: homeId,
      epoch,
      clock,
      bus,
      nextRequest,
      position: () => (this.#feed === undefined ? undefined : { log: this.#feed.log, head: this.#feed.head }),
      events: {
        following: (log, head) => {
          this.#seeks = 0
          this.#feedOf(log, head, async (after, limit) => {
            const page = await relay.read({ after }, limit)
            if (page === undefined) throw new Error('the home did not answer')
            return page.lines
          })
          this.#settle(undefined)
        },
        entries: (lines) => {
          this.#feed?.push(lines)
          this.#feed?.flush()
        },
        members: (update) => this.#people.hear(update),
        typing: (user) => this.#hearTyping(user),
        peopleWanted: () => this.#people.reportAll(),
        lost: (why, to) => {
          if (this.relay !== relay) return
          note('home lost', { room: this.id, home: homeId, why })
          if (to !== undefined && this.#goesTo(to)) return
          // The relay goes on trying meanwhile: the balancer may name the same home again.
          this.#seekLater(why === 'unreachable' ? homeId : undefined)
        },
      },
    })
    this.#role = { is: 'relay', relay }
    note('relay', { room: this.id, home: homeId, epoch })
    this.#reached()
  }

  /** Not the home any more. */
  #stepDown(successor: Successor | undefined): void {
    this.#leaveRole({ unfollow: true })
    this.#role = { is: 'seeking' }
    this.#soughtSince = this.#context.clock.now()
    this.#onStepDown?.()
    if (successor === undefined || !this.#goesTo(successor)) this.#seekLater(undefined)
  }

  /** Follows the next home at once: asking the balancer first would be most of the time the room stands still. */
  #goesTo({ id, epoch }: Successor): boolean {
    if (id === this.#context.self || epoch <= this.epoch || !this.#context.bus.isUp(id)) return false
    this.#becomeRelay(id, epoch)
    return true
  }

  /** The feed over this log, kept when the log is the same. */
  #feedOf(log: LogId, head: Seq, read: (after: Seq, limit: number) => Promise<Buffer[]>): Feed {
    if (this.#feed === undefined) {
      const { clock, feedCounters } = this.#context
      this.#feed = new Feed({ clock, counters: feedCounters, log, head, read })
    } else {
      this.#feed.readFrom(read)
      if (this.#feed.log !== log) this.#feed.reset(log, head)
    }
    return this.#feed
  }

  #hearTyping(user: User): void {
    for (const member of this.#members) if (member.user.id !== user.id) member.typing(this.id, user)
  }
}

function storeRefs(from: readonly { id: string; dataDir?: string | undefined }[]): StoreRef[] {
  return from.map(({ id, dataDir = '' }) => ({ id, dataDir }))
}
