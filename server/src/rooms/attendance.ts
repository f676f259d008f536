import type { User, UserId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Cancel, Clock } from '../clock.ts'
import { GatheredPresence } from './gathered.ts'
import { MembersView, type MembersDifference, type MembersUpdate } from './members-view.ts'
import type { Telling } from './telling.ts'

/**
 * The people of one room at one server: who is here with how many sessions, what the home is told of them, and what the clients
 * here are told of everybody.
 */

/** What the home is told: all of this server's people (`full`), or what changed from version `v - 1` to `v`. */
export interface PeopleReport {
  v: number
  full: boolean
  join: User[]
  leave: UserId[]
}

/** Changes of this time go to the home together. */
const REPORT_MS = 20
/** Who left before the home named him is gone for those here after this long, unless he is back: the home lets others linger. */
const LINGER_MS = 250
/** So many changes are passed on as they come, and one more every second; when there are more than that, or in all rooms … */
const SAID_AT_ONCE = 10
/** … those of this time are told together, or of more while the process is busy: when a hundred come back to a room of a hundred, each would be told of each. */
const GATHER_MS = 1_000

export class Attendance {
  readonly #clock: Clock
  readonly #tell: (report: PeopleReport) => void
  readonly #announce: (change: MembersDifference) => void
  readonly #release: (changes: GatheredPresence) => void
  readonly #telling: Telling
  readonly #own = new Map<UserId, { user: User; sessions: number }>()
  readonly #view = new MembersView()
  #version = 0
  #changed: Map<UserId, User | undefined> | undefined
  #reportLater: Cancel | undefined
  readonly #lingering = new Map<UserId, Cancel>()
  /** Changes that may still be told as they come. */
  #free = SAID_AT_ONCE
  #countedAt: number
  #gathered: GatheredPresence | undefined
  #releaseLater: Cancel | undefined

  constructor(options: {
    clock: Clock
    /** To the room's home, whichever that is now. */
    tell: (report: PeopleReport) => void
    /** To the clients here, now. */
    announce: (change: MembersDifference) => void
    /** To the clients here: what was gathered. */
    release: (changes: GatheredPresence) => void
    /** Shared by all rooms of the server. */
    telling: Telling
  }) {
    this.#clock = options.clock
    this.#tell = options.tell
    this.#announce = options.announce
    this.#release = options.release
    this.#telling = options.telling
    this.#countedAt = options.clock.now()
  }

  /** Version of the last report. */
  get version(): number {
    return this.#version
  }

  /** Changes that the clients here were not told of yet. */
  get untold(): number {
    return this.#gathered?.length ?? 0
  }

  /** A session of `user` enters: those here hear of him at once, the home soon. */
  enter(user: User): void {
    const own = this.#own.get(user.id)
    if (own !== undefined) {
      own.sessions += 1
      return
    }
    this.#lingering.get(user.id)?.()
    this.#lingering.delete(user.id)
    this.#own.set(user.id, { user, sessions: 1 })
    this.#note(user.id, user)
    if (!this.#view.isSmall) return
    const change = this.#view.enter(user)
    // Who comes first has nobody here who could be told, and knows himself.
    if (this.#own.size > 1) this.#say(change)
  }

  /** A session of `user` leaves; with his last one here he leaves this server. */
  exit(user: User): void {
    const own = this.#own.get(user.id)
    if (own === undefined) return
    own.sessions -= 1
    if (own.sessions > 0) return
    this.#own.delete(user.id)
    this.#note(user.id, undefined)
    const cancel = this.#clock.after(LINGER_MS, () => {
      this.#lingering.delete(user.id)
      this.#say(this.#view.exit(user))
    })
    this.#lingering.set(user.id, cancel)
  }

  /** How many are in the room, on all servers. */
  get count(): number {
    return this.#view.count
  }

  /** A page of people, the asker among them, as a JSON array, and how many there are. */
  page(asker: User): { members: string; count: number } {
    return this.#view.page(asker)
  }

  /** What the home says of everybody. */
  hear(update: MembersUpdate): void {
    // The home may not have heard yet of who just came here.
    const own = update.full && update.count <= LIMITS.presenceNames ? this.#users() : []
    // Who left another server and is here now did not leave the room, in whichever order the home hears of it.
    const leave = update.leave.filter((user) => !this.#own.has(user.id))
    this.#say(this.#view.apply({ ...update, leave }, own))
  }

  /** Tells the home of everybody here: it is a new one, or missed something. */
  reportAll(): void {
    this.#takeChanges()
    this.#report({ full: true, join: this.#users(), leave: [] })
  }

  close(): void {
    this.#reportLater?.()
    this.#releaseLater?.()
    for (const cancel of this.#lingering.values()) cancel()
    this.#lingering.clear()
  }

  #note(id: UserId, user: User | undefined): void {
    this.#changed ??= new Map()
    this.#changed.set(id, user)
    this.#reportLater ??= this.#clock.after(REPORT_MS, () => {
      const join: User[] = []
      const leave: UserId[] = []
      for (const [changed, here] of this.#takeChanges()) {
        if (here === undefined) leave.push(changed)
        else join.push(here)
      }
      this.#report({ full: false, join, leave })
    })
  }

  #takeChanges(): Iterable<[UserId, User | undefined]> {
    this.#reportLater?.()
    this.#reportLater = undefined
    const changed = this.#changed
    this.#changed = undefined
    return changed ?? []
  }

  #report(report: Omit<PeopleReport, 'v'>): void {
    this.#version += 1
    this.#tell({ v: this.#version, ...report })
  }

  #say(change: MembersDifference | undefined): void {
    if (change === undefined) return
    const now = this.#clock.now()
    this.#free = Math.min(SAID_AT_ONCE, this.#free + Math.max(0, now - this.#countedAt) / 1_000)
    this.#countedAt = now
    if (this.#releaseLater === undefined && this.#free >= 1 && this.#telling.take(this.#own.size, now)) {
      this.#free -= 1
      this.#announce(change)
      return
    }
    this.#gathered ??= new GatheredPresence()
    this.#gathered.push(change)
    if (this.#releaseLater !== undefined) return
    const ms = this.#telling.later(this.#own.size, now, GATHER_MS)
    this.#releaseLater = this.#clock.after(ms, () => {
      const gathered = this.#gathered
      this.#releaseLater = undefined
      this.#gathered = undefined
      if (gathered !== undefined) this.#release(gathered)
    })
  }

  #users(): User[] {
    return [...this.#own.values()].map(({ user }) => user)
  }
}
