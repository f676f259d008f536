import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Cancel, Clock } from '../clock.ts'
import type { MembersUpdate } from './members-view.ts'
import { Presence } from './presence.ts'

/**
 * The people of one room, at its home: hears from each edge who is there, and tells all edges who is in the room. What changed
 * goes out now and then, not with each coming and going; of a large room a page and a count.
 */

/** Between two words on a room's people. */
const MEMBERS_MS = 50
/** The same for a room of more than `presenceNames`, where a page and a count go out. */
const MEMBERS_LARGE_MS = 2_000
/** How long the people of an edge that is gone stay, and how long a new home waits for its edges to report. */
const GRACE_MS = 5_000
/** How long somebody who went may turn up elsewhere without having left. */
const LINGER_MS = 200

export interface HomePeopleOptions {
  room: RoomId
  clock: Clock
  bus: Bus
  /** Who follows the room now. */
  edges: () => Iterable<ServerId>
  /** The people changed; for the clients of this server. */
  changed: (update: MembersUpdate) => void
}

/** An edge's word on its own people. */
export interface PeopleReport {
  v: number
  full: boolean
  join: User[]
  leave: string[]
}

export class HomePeople {
  readonly #room: RoomId
  readonly #clock: Clock
  readonly #bus: Bus
  readonly #edges: HomePeopleOptions['edges']
  readonly #changed: HomePeopleOptions['changed']
  readonly #presence = new Presence(GRACE_MS, LINGER_MS)
  readonly #openedAt: number
  #version = 0
  #wasLarge = false
  #wasSettled = false
  #isClosed = false
  readonly #settling: Cancel
  #later: Cancel | undefined
  #expiry: Cancel | undefined

  constructor({ room, clock, bus, edges, changed }: HomePeopleOptions) {
    this.#room = room
    this.#clock = clock
    this.#bus = bus
    this.#edges = edges
    this.#changed = changed
    this.#openedAt = clock.now()
    this.#settling = clock.after(GRACE_MS, () => this.#schedule())
  }

  /** How many are here, told to the edges or not. */
  get size(): number {
    return this.#presence.size
  }

  /** Of the last word on them. */
  get version(): number {
    return this.#version
  }

  /** A page of everybody here, and how many they are. */
  get page(): { join: User[]; count: number } {
    return { join: this.#presence.page(LIMITS.presenceNames), count: this.#presence.count }
  }

  /** What an edge says of its people. */
  hear(edge: ServerId, report: PeopleReport): void {
    if (!this.#presence.report(edge, report)) this.#ask(edge)
    this.#schedule()
  }

  /** What version an edge's people are at: what was lost is asked for. */
  at(edge: ServerId, v: number): void {
    if (!this.#presence.isAt(edge, v)) this.#ask(edge)
  }

  #ask(edge: ServerId): void {
    this.#bus.send(edge, { t: 'people?', room: this.#room })
  }

  /** The edge follows the room no longer: its people left at once. */
  left(edge: ServerId): void {
    this.#presence.edgeLeft(edge)
    this.#schedule()
  }

  /** The edge cannot be reached: its people stay for the grace. */
  gone(edge: ServerId): void {
    this.#presence.edgeGone(edge, this.#clock.now())
    this.#expire()
  }

  #expire(): void {
    this.#expiry?.()
    const next = this.#presence.expire(this.#clock.now())
    this.#schedule()
    this.#expiry =
      next === undefined
        ? undefined
        : this.#clock.after(Math.max(1, next - this.#clock.now()), () => this.#expire())
  }

  /** All that the edges were told so far, to one of them. */
  tell(edge: ServerId): void {
    this.#bus.send(edge, {
      t: 'members',
      room: this.#room,
      v: this.#version,
      full: true,
      settled: this.#isSettled,
      leave: [],
      ...this.page,
    })
  }

  /** Until every edge had its time to report, nobody is missing only because he was not named. */
  get #isSettled(): boolean {
    return this.#clock.now() - this.#openedAt >= GRACE_MS
  }

  #schedule(): void {
    if (this.#isClosed) return
    const ms = this.#presence.count > LIMITS.presenceNames ? MEMBERS_LARGE_MS : MEMBERS_MS
    this.#later ??= this.#clock.after(ms, () => {
      this.#later = undefined
      this.#publish()
    })
  }

  #publish(): void {
    const { join, leave } = this.#presence.takeChanges(this.#clock.now())
    if (this.#presence.hasChanges) this.#schedule()
    const { count } = this.#presence
    const isLarge = count > LIMITS.presenceNames || this.#wasLarge
    this.#wasLarge = count > LIMITS.presenceNames
    const settled = this.#isSettled
    const full = isLarge || settled !== this.#wasSettled
    if (!full && join.length === 0 && leave.length === 0) return
    this.#wasSettled = settled
    const update = full ? { full, settled, leave: [], ...this.page } : { full, settled, join, leave, count }
    this.#version += 1
    for (const edge of this.#edges()) {
      this.#bus.send(edge, { t: 'members', room: this.#room, v: this.#version, ...update })
    }
    this.#changed(update)
  }

  /** Says nothing more. */
  close(): void {
    this.#isClosed = true
    this.#settling()
    this.#later?.()
    this.#expiry?.()
  }
}
