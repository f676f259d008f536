import { encodeEntry, type LogId, type RoomId, type Seq, type User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { CarriedSend, Successor } from '@flotilla/protocol/link.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Cancel, Clock } from '../clock.ts'
import { entryOfDraft } from '../store/entries.ts'
import type { Draft, Epoch, Outcome } from '../store/store.ts'
import type { Accepted, Committer, Committing, SendOutcome } from './committer.ts'
import type { Feed, FeedFollower } from './feed.ts'
import type { MembersUpdate } from './members-view.ts'
import { Presence } from './presence.ts'
import { SOON_MS } from './retry.ts'
import type { Slice } from './ring.ts'

/**
 * One room at its home: takes sends in, has them committed, and only then acks them and hands them to the followers. Edges
 * follow it like clients do: a cursor each. What it may write is judged by the fence in the store, not here.
 */

/** Between two words on a room's people. */
const MEMBERS_MS = 50
/** The same for a room of more than `presenceNames`, where a page and a count go out. */
const MEMBERS_LARGE_MS = 2_000
/** How long the people of an edge that is gone stay, and how long a new home waits for its edges to report. */
export const GRACE_MS = 5_000
/** How long somebody who went may turn up elsewhere without having left. */
const LINGER_MS = 200
const BUSY_RETRY_MS = 250
/** A store that has the older part of the room is not available: that takes longer. */
const UNSURE_RETRY_MS = 2_000

export interface HomeEvents {
  /** The people changed; for the clients of this server. */
  members(update: MembersUpdate): void
  typing(user: User): void
  /** Another server is the room's home in a higher epoch: nothing more will be taken here. */
  fenced(): void
}

interface EdgeFollower extends FeedFollower {
  readonly server: ServerId
}

export class Home implements Committing {
  readonly room: RoomId
  readonly epoch: Epoch
  readonly #self: ServerId
  readonly #clock: Clock
  readonly #bus: Bus
  readonly #feed: Feed
  readonly #committer: Committer
  readonly #events: HomeEvents
  readonly #presence = new Presence(GRACE_MS, LINGER_MS)
  readonly #edges = new Map<ServerId, EdgeFollower>()
  readonly #openedAt: number
  #serving = true
  #membersVersion = 0
  #wasLarge = false
  #wasSettled = false
  #membersLater: Cancel | undefined
  #expiry: Cancel | undefined
  readonly #settling: Cancel
  /** Whom the room was handed to, or who said that it has it: told to the edges when this home is fenced. */
  successor: Successor | undefined

  constructor(options: {
    room: RoomId
    epoch: Epoch
    self: ServerId
    clock: Clock
    bus: Bus
    feed: Feed
    committer: Committer
    events: HomeEvents
  }) {
    this.room = options.room
    this.epoch = options.epoch
    this.#self = options.self
    this.#clock = options.clock
    this.#bus = options.bus
    this.#feed = options.feed
    this.#committer = options.committer
    this.#events = options.events
    this.#openedAt = options.clock.now()
    this.#settling = this.#clock.after(GRACE_MS, () => this.#scheduleMembers())
  }

  get hasEdges(): boolean {
    return this.#edges.size > 0
  }

  edges(): Iterable<ServerId> {
    return this.#edges.keys()
  }

  /** Takes a send into the next commit; `answer` is called once, after it is durable or refused. */
  accept(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    const draft: Draft = { ...send, ts: this.#clock.now() }
    if (!this.#serving || !this.#committer.add(this, { draft, answer })) {
      answer({ ok: false, code: 'busy', retryMs: this.#serving ? BUSY_RETRY_MS : SOON_MS })
    }
  }

  get restMs(): number {
    return this.#feed.restMs
  }

  committed(drafts: readonly Accepted[], outcomes: readonly Outcome[]): void {
    const lines: Buffer[] = []
    for (const [i, { draft, answer }] of drafts.entries()) {
      const outcome = outcomes[i]
      switch (outcome?.is) {
        case 'new':
          lines.push(Buffer.from(encodeEntry(entryOfDraft(this.room, draft, outcome.seq, outcome.ts))))
          answer({ ok: true, seq: outcome.seq, ts: outcome.ts })
          break
        case 'repeat':
          answer({ ok: true, seq: outcome.seq, ts: outcome.ts })
          break
        case 'conflict':
          answer({ ok: false, code: 'conflict' })
          break
        case 'unsure':
          answer({ ok: false, code: 'busy', retryMs: UNSURE_RETRY_MS })
          break
        default:
          answer({ ok: false, code: 'gap', retryMs: 0 })
      }
    }
    if (lines.length === 0) return
    this.#feed.push(lines)
    this.#feed.flush({ audience: this.#presence.size })
  }

  refused(drafts: readonly Accepted[], cause: 'full' | 'lost'): void {
    const retryMs = cause === 'full' ? 2_000 : BUSY_RETRY_MS
    for (const { answer } of drafts) answer({ ok: false, code: 'busy', retryMs })
  }

  fenced(drafts: readonly Accepted[]): void {
    for (const { answer } of drafts) answer({ ok: false, code: 'busy', retryMs: SOON_MS })
    if (!this.#serving) return
    this.#serving = false
    const to = this.successor === undefined ? {} : { to: this.successor }
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'not-home', room: this.room, ...to })
    this.#events.fenced()
  }

  /** An edge follows from `cursor`, or moves its cursor there; without one it wants only what comes. */
  follow(edge: ServerId, cursor: Seq | undefined, log: LogId | undefined): void {
    const { head } = this.#feed
    this.#bus.send(edge, { t: 'following', room: this.room, epoch: this.epoch, log: this.#feed.log, head })
    const known = this.#edges.get(edge)
    if (known !== undefined) this.#feed.unfollow(known)
    const isOurs = cursor !== undefined && cursor <= head && (log === undefined || log === this.#feed.log)
    const follower = this.#edgeFollower(edge, isOurs ? cursor : head)
    this.#edges.set(edge, follower)
    this.#feed.follow(follower)
    this.#sendMembers(edge)
  }

  unfollow(edge: ServerId): void {
    this.#dropFollower(edge)
    this.#presence.edgeLeft(edge)
    this.#scheduleMembers()
  }

  edgeDown(edge: ServerId): void {
    if (!this.#dropFollower(edge)) return
    this.#presence.edgeGone(edge, this.#clock.now())
    this.#scheduleExpiry()
  }

  edgeDrained(edge: ServerId): void {
    const follower = this.#edges.get(edge)
    if (follower !== undefined) this.#feed.pumpOne(follower)
  }

  #dropFollower(edge: ServerId): boolean {
    const follower = this.#edges.get(edge)
    if (follower === undefined) return false
    this.#feed.unfollow(follower)
    return this.#edges.delete(edge)
  }

  #edgeFollower(server: ServerId, cursor: Seq): EdgeFollower {
    const { room, epoch } = this
    const bus = this.#bus
    const feed = this.#feed
    return {
      server,
      cursor,
      unsentBytes: () => bus.unsentBytes(server),
      write({ from, to, lines }: Slice) {
        bus.send(server, { t: 'entries', room, epoch, log: feed.log, from, to }, lines)
      },
      reset(log: LogId) {
        bus.send(server, { t: 'following', room, epoch, log, head: feed.head })
      },
    }
  }

  /** What an edge says of its people. An edge that does not follow (any more) is not believed. */
  hearPeople(edge: ServerId, report: { v: number; full: boolean; join: User[]; leave: string[] }): void {
    if (edge !== this.#self && !this.#edges.has(edge)) return
    if (!this.#presence.report(edge, report)) this.#bus.send(edge, { t: 'people?', room: this.room })
    this.#scheduleMembers()
  }

  /** A page of everybody here, and how many they are. */
  get people(): { join: User[]; count: number } {
    return { join: this.#presence.page(LIMITS.presenceNames), count: this.#presence.count }
  }

  /** What version an edge's people are at: what was lost is asked for. */
  peopleAt(edge: ServerId, v: number): void {
    if (this.#edges.has(edge) && !this.#presence.isAt(edge, v)) {
      this.#bus.send(edge, { t: 'people?', room: this.room })
    }
  }

  /** Of the last word on the room's people. */
  get membersVersion(): number {
    return this.#membersVersion
  }

  typing(user: User): void {
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'typed', room: this.room, user })
    this.#events.typing(user)
  }

  /** Until every edge had its time to report, nobody is missing only because he was not named. */
  get #isSettled(): boolean {
    return this.#clock.now() - this.#openedAt >= GRACE_MS
  }

  #scheduleMembers(): void {
    const ms = this.#presence.count > LIMITS.presenceNames ? MEMBERS_LARGE_MS : MEMBERS_MS
    this.#membersLater ??= this.#clock.after(ms, () => {
      this.#membersLater = undefined
      this.#publishMembers()
    })
  }

  #publishMembers(): void {
    if (!this.#serving) return
    const { join, leave } = this.#presence.takeChanges(this.#clock.now())
    if (this.#presence.hasChanges) this.#scheduleMembers()
    const { count } = this.#presence
    const isLarge = count > LIMITS.presenceNames || this.#wasLarge
    this.#wasLarge = count > LIMITS.presenceNames
    const settled = this.#isSettled
    const full = isLarge || settled !== this.#wasSettled
    if (!full && join.length === 0 && leave.length === 0) return
    this.#wasSettled = settled
    const update = full ? { full, settled, leave: [], ...this.people } : { full, settled, join, leave, count }
    this.#membersVersion += 1
    for (const edge of this.#edges.keys()) {
      this.#bus.send(edge, { t: 'members', room: this.room, v: this.#membersVersion, ...update })
    }
    this.#events.members(update)
  }

  #sendMembers(edge: ServerId): void {
    this.#bus.send(edge, {
      t: 'members',
      room: this.room,
      v: this.#membersVersion,
      full: true,
      settled: this.#isSettled,
      leave: [],
      ...this.people,
    })
  }

  #scheduleExpiry(): void {
    this.#expiry?.()
    const next = this.#presence.expire(this.#clock.now())
    this.#scheduleMembers()
    this.#expiry =
      next === undefined
        ? undefined
        : this.#clock.after(Math.max(1, next - this.#clock.now()), () => this.#scheduleExpiry())
  }

  /** Steps down: takes nothing more, says nothing more. What is being committed is still answered. */
  close(): void {
    this.#serving = false
    this.#settling()
    this.#membersLater?.()
    this.#expiry?.()
    for (const edge of [...this.#edges.keys()]) this.#dropFollower(edge)
  }
}
