import type { LogId, RoomId, Seq, SystemEntry, User, UserId } from '@flotilla/protocol/frames.ts'
import type { Refusal } from '@flotilla/protocol/errors.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { CarriedSend, MoveMessage, Successor } from '@flotilla/protocol/link.ts'
import type { ServerId } from '../bus/bus.ts'
import type { Epoch, HeldRoom, Taken } from '../store/store.ts'
import { Attendance } from './attendance.ts'
import { Audience, type Member } from './audience.ts'
import type { SendOutcome } from './committer.ts'
import { Entrance, systemEntry, type Admitted } from './entrance.ts'
import { Feed } from './feed.ts'
import { HomeSearch, type Found } from './home-search.ts'
import { Home } from './home.ts'
import { HouseRules } from './house-rules.ts'
import { pageOf, type Side } from './page.ts'
import { Relay, type Page } from './relay.ts'
import { Role } from './role.ts'
import type { RoomContext } from './room-context.ts'
import type { Telling } from './telling.ts'

/**
 * A room as this server's clients see it, whether it is homed here or elsewhere. The feed and the followers stay when the
 * role changes: a room that moves is the same cursors over the same log, read from another place.
 */

/** For how long a room without anybody stays open, so that the next one finds its ring. */
const IDLE_MS = 60_000

export class Room {
  readonly id: RoomId
  readonly #context: RoomContext
  readonly #members: Audience
  readonly #people: Attendance
  readonly #entrance: Entrance
  readonly #role: Role
  #feed: Feed | undefined
  #isWhole = true
  /** The term in which the home that leaves wants this server to be the next one. */
  #offered: Epoch = 0
  #emptySince: number | undefined
  readonly #search: HomeSearch

  /** Begins to look for the room's home. `held`: this server's own store has it. */
  constructor(id: RoomId, context: RoomContext, held: HeldRoom | undefined, telling: Telling) {
    this.id = id
    this.#context = context
    this.#emptySince = context.clock.now()
    this.#role = new Role(id, context.clock)
    this.#search = new HomeSearch({
      ...context,
      room: id,
      role: () => ({ epoch: this.epoch, isHome: this.home !== undefined }),
      found: (found) => this.#found(found),
    })
    this.#members = new Audience(id)
    this.#people = new Attendance({
      clock: context.clock,
      telling,
      tell: (report) => {
        this.home?.hearPeople(context.self, report)
        this.relay?.tell({ t: 'people', room: id, ...report })
      },
      announce: (change) => this.#members.announce(change),
      release: (changes) => this.#members.release(changes),
    })
    this.#entrance = new Entrance(
      () => this.#members,
      (member) => this.exit(member),
      context.clock,
    )
    this.#search.begin(held)
  }

  get home(): Home | undefined {
    return this.#role.home
  }
  get relay(): Relay | undefined {
    return this.#role.relay
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
    return this.#role.refusal !== undefined
  }

  /** Whether it can be joined now: who would wait for `ready` need not. */
  get isReady(): boolean {
    return this.#feed !== undefined && !this.isRefused
  }

  /** Resolves when the room can be joined, or with why not. */
  async ready(): Promise<Refusal | undefined> {
    if (this.#role.refusal !== undefined) return this.#role.refusal
    return this.#feed === undefined ? this.#role.untilJoinable() : undefined
  }

  /** May he be told what is said here? A promise: the home, elsewhere, is asked. */
  admit(user: User): Admitted | Refusal | Promise<Admitted | Refusal> {
    const { home, relay, refusal } = this.#role
    if (home !== undefined) return home.enter(user)
    if (refusal !== undefined) return refusal
    const admitted = this.#entrance.admit(user, this.#feed?.head ?? 0)
    return admitted ?? relay?.enter(user) ?? this.#role.busy()
  }

  /** Whether he may still, who was let in a moment ago. */
  stillAdmits(user: User, admitted: Admitted): boolean {
    return this.home?.enter(user).ok ?? this.#entrance.isGood(user, admitted)
  }

  /** Term of the role this server has in the room; 0 while it has none. */
  get epoch(): Epoch {
    return this.#role.epoch
  }

  /** The home leaves, and this server is the next one. */
  take({ epoch, people }: Extract<MoveMessage, { t: 'take' }>): Promise<void> {
    this.#offered = epoch
    // Who moves here at once is to see everybody, and not only himself until the other edges have come.
    if (this.#role.isSeeking && people !== undefined) {
      this.#people.hear({ full: true, settled: false, leave: [], ...people })
    }
    return this.reach(epoch)
  }

  /**
   * Somebody knows the room to be in a term of at least `epoch`: resolves when this server's role is of it, too, or after a
   * while. What it was home of in a lower term, it finds itself fenced from.
   */
  async reach(epoch: Epoch): Promise<void> {
    if (this.epoch >= epoch || this.#role.isClosed) return
    this.#search.later()
    await this.#role.until(epoch)
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
    this.#search.doubt()
    this.home?.fenced([])
  }

  /** Resolves when this server is its home no more, or after `ms`. */
  steppedDown(ms: number): Promise<void> {
    return this.#role.untilSteppedDown(ms)
  }

  /**
   * Enters with a cursor that is set. `welcome` is told the people, a JSON array with the new one in it, before any entry goes out.
   * The others here hear of him at once; the home tells those elsewhere.
   */
  enter(member: Member, welcome: (people: { members: string; count: number }) => void): void {
    if (this.#feed === undefined) throw new Error('entered a room that is not ready')
    const { user } = member
    this.#people.enter(user)
    this.#members.add(member, this.#people.untold)
    this.#emptySince = undefined
    welcome(this.#people.page(user))
    this.#feed.follow(member)
  }

  exit(member: Member): void {
    if (!this.#members.remove(member)) return
    this.#feed?.unfollow(member)
    if (this.#members.size === 0) this.#emptySince = this.#context.clock.now()
    this.#people.exit(member.user)
  }

  /** Answered exactly once. */
  send(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    this.#role.send(send, answer)
  }

  /** Encoded entries next to a seq, ascending; undefined when the log cannot be reached now. `user`: who wants to read them. */
  async read(side: Side, limit: number, user?: UserId): Promise<Page | undefined> {
    const { home, relay } = this.#role
    if (home === undefined && relay === undefined) return undefined
    const recent = this.#feed?.recent(side, limit, home !== undefined)
    if (recent !== undefined) return recent
    return relay === undefined ? this.readOwn(side, limit) : relay.read(side, limit, user)
  }

  /** The same from the own store, which holds the room. */
  async readOwn(side: Side, limit: number): Promise<Page> {
    const entries = await this.#context.store.read(this.id, side, limit + 1) // one more tells whether it is all
    return pageOf(entries, limit, 'after' in side ? 'first' : 'last')
  }

  typing(user: User): void {
    this.#role.typing(user)
  }

  /** Whether nobody needed it for a while. */
  isIdle(now: number): boolean {
    if (this.#members.size > 0 || this.#role.isAwaited || this.home?.hasEdges === true) return false
    if (this.isRefused) return true
    return this.#emptySince !== undefined && now - this.#emptySince >= IDLE_MS
  }

  close(): void {
    this.#role.close()
    this.#search.close()
    this.#people.close()
    this.#feed?.close()
  }

  #found(found: Found): void {
    if (found.is === 'no_such_room') this.#refuse()
    else if (found.is === 'elsewhere') this.#becomeRelay(found.home, found.epoch)
    else {
      if (found.isMoved) this.#context.moved?.(found.epoch === this.#offered ? 'received' : 'taken_over')
      this.#becomeHome(found.epoch, found.taken)
    }
  }

  #refuse(): void {
    this.#role.refuse()
    this.#entrance.erased()
  }

  #becomeHome(epoch: Epoch, { log, head, isWhole, floor, genesis, chronicle }: Taken): void {
    if (this.#role.isClosed) return
    const { self, clock, bus, committer, note, moved } = this.#context
    this.#role.leave({ unfollow: true })
    this.#isWhole = isWhole
    const rules = new HouseRules(genesis, chronicle)
    if (this.#feed !== undefined && this.#feed.log !== log) this.#entrance.begins(head)
    // As an edge this server may not have heard yet of what sent people out: before they are shown anything more.
    const known = this.#feed?.head ?? 0
    for (const entry of chronicle) {
      if (entry.type === 'system' && entry.seq > known) this.#happened(entry)
    }
    this.#entrance.becomes(rules.plain)
    if (!rules.isOpen) this.#entrance.review((user) => rules.mayEnter(user, clock.now()))
    const feed = this.#feedOf(log, head, async (after, limit) => (await this.readOwn({ after }, limit)).lines)
    feed.skipTo(head) // as an edge this server may have been behind
    feed.raiseFloor(floor)
    const home = new Home({
      room: this.id,
      epoch,
      rules,
      self,
      clock,
      bus,
      feed,
      committer,
      events: {
        members: (update) => this.#people.hear(update),
        typing: (user) => this.#members.typing(user),
        happened: (entry) => this.#happened(entry),
        fenced: () => {
          note('fenced', { room: this.id, epoch })
          moved?.(this.#role.isHandedOver ? 'handed_over' : 'lost')
          if (this.home === home) this.#stepDown(home.successor)
        },
      },
    })
    this.#role.becomeHome(home)
    note('home', { room: this.id, epoch, head })
    this.#people.reportAll()
  }

  #becomeRelay(homeId: ServerId, epoch: Epoch): void {
    if (this.#role.isClosed) return
    const current = this.relay
    if (current?.home === homeId && current.epoch === epoch) return
    const { clock, bus, nextRequest, note } = this.#context
    this.#role.leave({ unfollow: true })
    const relay: Relay = new Relay({
      room: this.id,
      home: homeId,
      epoch,
      clock,
      bus,
      nextRequest,
      audience: () => this.#people.count,
      position: () => (this.#feed === undefined ? undefined : { log: this.#feed.log, head: this.#feed.head }),
      events: {
        following: (log, head, plain) => {
          this.#search.succeeded()
          const isOther = this.#feed !== undefined && this.#feed.log !== log
          this.#entrance.becomes(plain)
          if (isOther) this.#entrance.begins(head)
          if (isOther && plain === undefined) this.#judgeAgain()
          this.#feedOf(log, head, async (after, limit) => {
            const page = await relay.read({ after }, limit)
            if (page === undefined) throw new Error('the home did not answer')
            return page.lines
          })
          this.#role.joinable()
        },
        entries: (lines) => {
          for (const line of lines) {
            const entry = systemEntry(line)
            if (entry !== undefined) this.#happened(entry)
          }
          this.#feed?.push(lines)
          this.#feed?.flush({ audience: this.#people.count, areGathered: true })
        },
        members: (update) => this.#people.hear(update),
        typing: (user) => this.#members.typing(user),
        peopleWanted: () => this.#people.reportAll(),
        lost: (why, to) => {
          if (this.relay !== relay) return
          note('home lost', { room: this.id, home: homeId, why })
          if (to !== undefined && this.#goesTo(to)) return
          // The relay goes on trying meanwhile: the balancer may name the same home again.
          this.#search.later(why === 'unreachable' ? homeId : undefined)
        },
        floor: (floor) => {
          // Among what was never here may be what sent people out.
          if (this.#feed?.raiseFloor(floor) === 'missed some') this.#judgeAgain()
        },
        erased: () => {
          if (this.relay === relay) this.#refuse()
        },
      },
    })
    this.#role.becomeRelay(relay)
    note('relay', { room: this.id, home: homeId, epoch })
  }

  /** To be told before what comes after it goes out. */
  #happened(entry: SystemEntry): void {
    this.#entrance.happened(entry)
    if (entry.event === 'gone') this.#feed?.forget() // his name is another one now in all that he said
  }

  /** Nothing below this seq is told any more. */
  raiseFloor(floor: Seq): void {
    this.home?.raiseFloor(floor)
  }

  /** The room is deleted, for good. */
  erased(): void {
    this.home?.erased()
    this.#refuse()
  }

  #judgeAgain(): void {
    this.#entrance.askAgain((user) => this.relay?.enter(user))
  }

  /** Not the home any more. */
  #stepDown(successor: Successor | undefined): void {
    this.#entrance.becomes(this.home?.rules.plain)
    this.#role.seek()
    if (successor === undefined || !this.#goesTo(successor)) this.#search.later()
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
      const {
        clock,
        feedCounters: counters,
        highWaterBytes = LIMITS.highWaterBytes,
        pressure,
      } = this.#context
      this.#feed = new Feed({ clock, counters, highWaterBytes, pressure, log, head, read })
    } else {
      this.#feed.readFrom(read)
      if (this.#feed.log !== log) this.#feed.reset(log, head)
    }
    return this.#feed
  }
}
