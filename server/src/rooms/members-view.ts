import type { User, UserId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'

/**
 * What an edge knows of a room's people: what the home last said, as its clients were told it. Every change for clients is
 * the difference between two of these, so that a home that restarts or moves shows nobody leaving who did not.
 */

export interface MembersUpdate {
  full: boolean
  /** Whether the home has heard of every edge; if not, nobody is gone for not being named. */
  settled: boolean
  join: readonly User[]
  leave: readonly User[]
  count: number
}

export interface MembersDifference {
  join: User[]
  leave: User[]
  count: number
}

/** People remembered as shown to somebody while there were too many to name. */
const MAX_NAMED = 10 * LIMITS.presenceNames

export class MembersView {
  readonly #named = new Map<UserId, User>()
  /** Those of `#named` whom the home has not named yet; none for most of the time. */
  #early: Set<UserId> | undefined
  /** While there are too many to name: some of them. `#named` is then whom clients may still show. */
  #page: readonly User[] | undefined
  #count = 0
  /** Everybody of `#named` as JSON, without the brackets. Who comes is added: many come at once, and each is told of all. */
  #encoded: string | undefined

  /** How many are here, on all servers. */
  get count(): number {
    return this.#count
  }

  /** Whether everybody is named here, and not only a page of them. */
  get isSmall(): boolean {
    return this.#page === undefined && this.#count <= LIMITS.presenceNames
  }

  /** Somebody came to this server, before the home knows. */
  enter(user: User): MembersDifference | undefined {
    const isNamed = this.#named.has(user.id)
    // What `apply` would come to: it is done for everybody who comes.
    if (!isNamed && this.isSmall && this.#count < LIMITS.presenceNames) {
      this.#named.set(user.id, user)
      this.#noteEarly(user)
      if (this.#encoded !== undefined) this.#encoded += `,${JSON.stringify(user)}`
      this.#count = Math.min(Math.max(this.#count + 1, this.#named.size), LIMITS.presenceNames)
      return { join: [user], leave: [], count: this.#count }
    }
    const isEarly = !isNamed || this.#early?.has(user.id) === true
    const count = isNamed ? this.#count : this.#count + 1
    const change = this.apply({ full: false, settled: true, join: [user], leave: [], count })
    if (isEarly) this.#noteEarly(user)
    return change
  }

  /** Somebody left this server. Whom the home never named, it will not call gone either. */
  exit(user: User): MembersDifference | undefined {
    if (this.#early?.delete(user.id) !== true) return undefined
    const count = this.#count - 1
    return this.apply({ full: false, settled: true, join: [], leave: [user], count })
  }

  /**
   * What the home says. `own`: people of this server who are here whatever a full list says.
   * @returns what clients have to be told, or undefined if nothing changed for them
   */
  apply(update: MembersUpdate, own: readonly User[] = []): MembersDifference | undefined {
    const wasLarge = this.#page !== undefined
    // Where everybody is named, the names say how many there are, whatever a home knows that was not told of all yet.
    const counted = update.settled || this.isSmall ? update.count : Math.max(update.count, this.#count)
    if (counted > LIMITS.presenceNames || (wasLarge && !update.full)) return this.#applyCount(update, counted)
    this.#page = undefined
    const here = new Map([...update.join, ...own].map((user) => [user.id, user]))
    // After a time of mere counts nobody knows who was told of whom: then everybody is named.
    const join = [...here.values()].filter((user) => wasLarge || !this.#named.has(user.id))
    let leave: User[]
    if (!update.full) leave = update.leave.filter((user) => this.#named.has(user.id))
    else if (update.settled) leave = [...this.#named.values()].filter((user) => !here.has(user.id))
    else leave = []
    if (join.length > 0 || leave.length > 0) this.#encoded = undefined
    this.#forgetEarly([...update.join, ...leave])
    for (const user of leave) this.#named.delete(user.id)
    for (const user of join) this.#named.set(user.id, user)
    // With those whom the home has not counted yet it may be more than are named; until it says so, nobody knows.
    const count = Math.min(Math.max(counted, this.#named.size), LIMITS.presenceNames)
    if (join.length === 0 && leave.length === 0 && count === this.#count) return undefined
    this.#count = count
    return { join, leave, count }
  }

  #noteEarly(user: User): void {
    this.#early ??= new Set()
    this.#early.add(user.id)
  }

  #forgetEarly(users: readonly User[]): void {
    for (const user of users) this.#early?.delete(user.id)
    if (this.#early?.size === 0) this.#early = undefined
  }

  #applyCount({ full, join }: MembersUpdate, count: number): MembersDifference | undefined {
    if (full) this.#page = [...join]
    if (count === this.#count) return undefined
    this.#count = count
    return { join: [], leave: [], count }
  }

  /** A page of people, the asker among them, as a JSON array, and how many there are. */
  page(asker: User): { members: string; count: number } {
    if (this.isSmall && this.#named.has(asker.id) && this.#named.size <= LIMITS.presenceNames) {
      this.#encoded ??= encode(this.#named.values())
      return { members: `[${this.#encoded}]`, count: Math.max(this.#count, this.#named.size) }
    }
    const members = new Map([[asker.id, asker]])
    for (const user of this.#page ?? this.#named.values()) {
      if (members.size >= LIMITS.presenceNames) break
      members.set(user.id, user)
    }
    if (this.#page !== undefined && this.#named.size < MAX_NAMED) {
      this.#encoded = undefined
      for (const user of members.values()) this.#named.set(user.id, user)
    }
    return { members: `[${encode(members.values())}]`, count: Math.max(this.#count, members.size) }
  }
}

function encode(users: Iterable<User>): string {
  return JSON.stringify([...users]).slice(1, -1)
}
