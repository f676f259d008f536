import type { Act } from '@flotilla/protocol/acts.ts'
import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import {
  encodeEntry,
  type LogId,
  type RoomId,
  type RoomView,
  type Seq,
  type SystemEntry,
  type User,
} from '@flotilla/protocol/frames.ts'
import type { CarriedSend, PlainRoom, Successor } from '@flotilla/protocol/link.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { entryOfDraft } from '../store/entries.ts'
import type { Draft, Epoch, Outcome } from '../store/store.ts'
import type { Accepted, Committer, Committing, SendOutcome } from './committer.ts'
import type { Feed, FeedFollower } from './feed.ts'
import { HomePeople, type PeopleReport } from './home-people.ts'
import type { Done, HouseRules, SystemDraft } from './house-rules.ts'
import type { MembersUpdate } from './members-view.ts'
import { SOON_MS } from './retry.ts'
import type { Slice } from './ring.ts'

/**
 * One room at its home: takes sends in, has them committed, and only then acks them and hands them to the followers. Edges
 * follow it like clients do: a cursor each. Who may say what is judged here, by what the log says; whether this server may write at
 * all is judged by the fence in the store.
 */

const BUSY_RETRY_MS = 250
/** A store that has the older part of the room is not available: that takes longer. */
const UNSURE_RETRY_MS = 2_000

export interface HomeEvents {
  /** The people changed; for the clients of this server. */
  members(update: MembersUpdate): void
  typing(user: User): void
  /** Something happened to the room; before anything that comes after it goes out. */
  happened(entry: SystemEntry): void
  /** Another server is the room's home in a higher epoch: nothing more will be taken here. */
  fenced(): void
}

interface EdgeFollower extends FeedFollower {
  readonly server: ServerId
}

export class Home implements Committing {
  readonly room: RoomId
  readonly epoch: Epoch
  readonly rules: HouseRules
  readonly #self: ServerId
  readonly #clock: Clock
  readonly #bus: Bus
  readonly #feed: Feed
  readonly #committer: Committer
  readonly #events: HomeEvents
  readonly #people: HomePeople
  readonly #edges = new Map<ServerId, EdgeFollower>()
  #serving = true
  #isClosed = false
  /** Whom the room was handed to, or who said that it has it: told to the edges when this home is fenced. */
  successor: Successor | undefined

  constructor(options: {
    room: RoomId
    epoch: Epoch
    rules: HouseRules
    self: ServerId
    clock: Clock
    bus: Bus
    feed: Feed
    committer: Committer
    events: HomeEvents
  }) {
    this.room = options.room
    this.epoch = options.epoch
    this.rules = options.rules
    this.#self = options.self
    this.#clock = options.clock
    this.#bus = options.bus
    this.#feed = options.feed
    this.#committer = options.committer
    this.#events = options.events
    const { room, clock, bus, events } = options
    const edges = () => this.#edges.keys()
    this.#people = new HomePeople({ room, clock, bus, edges, changed: (update) => events.members(update) })
  }

  get hasEdges(): boolean {
    return this.#edges.size > 0
  }

  edges(): Iterable<ServerId> {
    return this.#edges.keys()
  }

  /** Takes a send into the next commit; `answer` is called once, after it is durable or refused. */
  accept(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    const ts = this.#clock.now()
    if (send.type !== 'message' || !this.rules.isOpen) this.#acceptJudged(send, ts, answer)
    else if (!this.#add({ draft: { ...send, ts }, answer })) answer(this.#busy())
  }

  #acceptJudged(send: CarriedSend, ts: number, answer: (outcome: SendOutcome) => void): void {
    const refusal = this.rules.maySend(send, ts)
    const accepted: Accepted =
      refusal === undefined
        ? { draft: { ...send, ts, ...this.#ruleFor(send) }, answer }
        : // What he repeats may have been taken before he was forbidden to say more: then it is acked.
          { draft: { ...send, ts, onlyIfThere: true }, answer, refusal }
    if (!this.#add(accepted)) answer(this.#busy())
    else if (refusal === undefined) this.rules.said(send, ts)
  }

  /** What an edit, a deletion or a reaction is held to by the store, which knows what it is about. */
  #ruleFor({ type, user }: CarriedSend): Pick<Draft, 'rule'> {
    if (type === 'message') return {}
    return {
      rule: type === 'react' || (type === 'delete' && this.rules.mayDeleteOthers(user)) ? 'exists' : 'author',
    }
  }

  #add(accepted: Accepted): boolean {
    return this.#serving && this.#committer.add(this, accepted)
  }

  #busy(): Refusal {
    return refuse('busy', undefined, this.#serving ? BUSY_RETRY_MS : SOON_MS)
  }

  /**
   * Something is asked to happen to the room: resolves when that is durable, or with why not. `id`: the asker's own; asked
   * again under it, it happens once.
   */
  act(id: string, by: User, act: Act): Promise<Refusal | { ok: true; done: Done }> {
    const judged = this.rules.judge(id, by, act, this.#clock.now())
    if ('ok' in judged) return Promise.resolve(judged)
    if ('done' in judged) return Promise.resolve({ ok: true, done: judged.done })
    const { draft } = judged
    const { event, data } = draft
    return new Promise((resolve) => {
      const answer = (outcome: SendOutcome) => {
        const done = outcome.ok ? { seq: outcome.seq, ts: outcome.ts, event, data } : undefined
        resolve(done === undefined ? (outcome as Refusal) : { ok: true, done })
      }
      if (this.#add({ draft, answer })) return
      this.rules.dropped(draft)
      resolve(this.#busy())
    })
  }

  get restMs(): number {
    return this.#feed.restMs
  }

  committed(drafts: readonly Accepted[], outcomes: readonly Outcome[]): void {
    const lines: Buffer[] = []
    for (const [i, accepted] of drafts.entries()) {
      const { draft, answer } = accepted
      const outcome = outcomes[i]
      if (outcome?.is !== 'new') this.#notTaken(draft)
      switch (outcome?.is) {
        case 'new': {
          const entry = entryOfDraft(this.room, draft, outcome.seq, outcome.ts)
          lines.push(Buffer.from(encodeEntry(entry)))
          if (entry.type === 'system') this.#happened(draft, entry)
          answer({ ok: true, seq: outcome.seq, ts: outcome.ts })
          break
        }
        case 'repeat':
          answer({ ok: true, seq: outcome.seq, ts: outcome.ts })
          break
        case 'absent':
          answer(this.#absent(accepted))
          break
        case 'forbidden':
          answer(refuse('forbidden', 'Only who wrote a message may change it.'))
          break
        case 'conflict':
          answer(refuse('conflict'))
          break
        case 'unsure':
          answer(refuse('busy', undefined, UNSURE_RETRY_MS))
          break
        default:
          answer(refuse('gap', undefined, 0))
      }
    }
    // Once it is not the home any more, the feed follows another one, or goes on in another term, and gets them from there.
    if (lines.length === 0 || this.#isClosed) return
    this.#feed.push(lines)
    this.#feed.flush({ audience: this.#people.size })
  }

  #happened(draft: Draft, entry: SystemEntry): void {
    this.rules.committed(draft as SystemDraft, entry.seq, entry.ts)
    this.#events.happened(entry)
  }

  #notTaken(draft: Draft): void {
    if (draft.type === 'system') this.rules.dropped(draft as SystemDraft)
    else if (!this.rules.isOpen) this.rules.unsaid(draft)
  }

  /** It was refused, or is about a message that is not there. */
  #absent({ draft, refusal }: Accepted): Refusal {
    if (refusal === undefined) return refuse('no_such_message')
    // What forbade it may not have been committed.
    const isForbidden = this.rules.maySend(draft, this.#clock.now()) !== undefined
    return isForbidden ? refusal : this.#busy()
  }

  refused(drafts: readonly Accepted[], cause: 'full' | 'lost'): void {
    const retryMs = cause === 'full' ? 2_000 : BUSY_RETRY_MS
    for (const { draft } of drafts) this.#notTaken(draft)
    for (const { answer } of drafts) answer(refuse('busy', undefined, retryMs))
  }

  fenced(drafts: readonly Accepted[]): void {
    for (const { draft } of drafts) this.#notTaken(draft)
    for (const { answer } of drafts) answer(refuse('busy', undefined, SOON_MS))
    if (!this.#serving) return
    this.#stopServing()
    const to = this.successor === undefined ? {} : { to: this.successor }
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'not-home', room: this.room, ...to })
    this.#events.fenced()
  }

  /** An edge follows from `cursor`, or moves its cursor there; without one it wants only what comes. */
  follow(edge: ServerId, cursor: Seq | undefined, log: LogId | undefined): void {
    const { head } = this.#feed
    this.#bus.send(edge, { t: 'following', ...this.#following, log: this.#feed.log, head })
    const known = this.#edges.get(edge)
    if (known !== undefined) this.#feed.unfollow(known)
    const isOurs = cursor !== undefined && cursor <= head && (log === undefined || log === this.#feed.log)
    const follower = this.#edgeFollower(edge, isOurs ? cursor : head)
    this.#edges.set(edge, follower)
    this.#feed.follow(follower)
    this.#people.tell(edge)
  }

  unfollow(edge: ServerId): void {
    this.#dropFollower(edge)
    this.#people.left(edge)
  }

  edgeDown(edge: ServerId): void {
    if (this.#dropFollower(edge)) this.#people.gone(edge)
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
    const following = () => this.#following
    return {
      server,
      cursor,
      unsentBytes: () => bus.unsentBytes(server),
      write({ from, to, lines }: Slice) {
        bus.send(server, { t: 'entries', room, epoch, log: feed.log, from, to }, lines)
      },
      reset(log: LogId) {
        bus.send(server, { t: 'following', ...following(), log, head: feed.head })
      },
    }
  }

  get #following(): { room: RoomId; epoch: Epoch; plain?: PlainRoom; floor?: Seq } {
    const { plain } = this.rules
    const { floor } = this.#feed
    return {
      room: this.room,
      epoch: this.epoch,
      ...(plain === undefined ? {} : { plain }),
      ...(floor === 1 ? {} : { floor }),
    }
  }

  /** What was before this seq is forgotten: its followers hear it. */
  raiseFloor(floor: Seq): void {
    if (floor <= this.#feed.floor) return
    this.#feed.raiseFloor(floor)
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'floor', room: this.room, floor })
  }

  /** The room is deleted: its edges hear it from here, not from the balancer. */
  erased(): void {
    this.#stopServing()
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'erased', room: this.room })
  }

  /** May he be told what is said here? */
  enter(user: User): Refusal | { ok: true; at: Seq; view: RoomView } {
    if (!this.#serving) return this.#busy()
    const refusal = this.rules.mayEnter(user, this.#clock.now())
    return refusal ?? { ok: true, at: this.#feed.head, view: this.rules.roster.viewFor(user.id) }
  }

  /** What an edge says of its people. An edge that does not follow (any more) is not believed. */
  hearPeople(edge: ServerId, report: PeopleReport): void {
    if (edge === this.#self || this.#edges.has(edge)) this.#people.hear(edge, report)
  }

  /** What version an edge's people are at: what was lost is asked for. */
  peopleAt(edge: ServerId, v: number): void {
    if (this.#edges.has(edge)) this.#people.at(edge, v)
  }

  /** A page of everybody here, and how many they are. */
  get people(): { join: User[]; count: number } {
    return this.#people.page
  }

  /** Of the last word on the room's people. */
  get membersVersion(): number {
    return this.#people.version
  }

  typing(user: User): void {
    if (!this.rules.isOpen && this.rules.roster.maySend(user, this.#clock.now()) !== undefined) return
    for (const edge of this.#edges.keys()) this.#bus.send(edge, { t: 'typed', room: this.room, user })
    this.#events.typing(user)
  }

  #stopServing(): void {
    this.#serving = false
    this.#people.close()
  }

  /** Steps down: takes nothing more, says nothing more. What is being committed is still answered, what waits is refused. */
  close(): void {
    this.#stopServing()
    this.#isClosed = true
    this.#committer.withdraw(this)
    for (const edge of [...this.#edges.keys()]) this.#dropFollower(edge)
  }
}
