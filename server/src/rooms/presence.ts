import type { User, UserId } from '@flotilla/protocol/frames.ts'
import type { ServerId } from '../bus/bus.ts'

/**
 * Who is in a room, at its home: every edge reports its own people, the home merges. A person is here while any edge says
 * so. An edge that is gone keeps its people for a grace, so that a fail-over shows no flicker; then they leave in one event.
 */

export interface PresenceChanges {
  join: User[]
  leave: User[]
}

interface EdgePeople {
  version: number
  people: Map<UserId, User>
  /** When its people leave, ms since 1970; undefined while it is connected. */
  goneAt: number | undefined
}

interface Change {
  user: User
  here: boolean
  seenAt?: number
}

export class Presence {
  readonly #graceMs: number
  readonly #lingerMs: number
  readonly #edges = new Map<ServerId, EdgePeople>()
  /** Everybody here, with the number of edges that say so. */
  readonly #people = new Map<UserId, { user: User; edges: number }>()
  /** What the changes handed out so far add up to. */
  readonly #shown = new Map<UserId, User>()
  /**
   * What was not handed out yet: true = came, false = went, and when that was first looked at. Made when there is something, and let
   * go when it is handed out: an empty one that waits for the next is what makes garbage old.
   */
  #changed: Map<UserId, Change> | undefined

  /**
   * `lingerMs`: who went is handed out only this long after the first look, so that one who went from one server to
   * another is not called gone, in whichever order the two tell it.
   */
  constructor(graceMs: number, lingerMs = 0) {
    this.#graceMs = graceMs
    this.#lingerMs = lingerMs
  }

  /** Whether there is something to hand out, now or soon. */
  get hasChanges(): boolean {
    return this.#changed !== undefined && this.#changed.size > 0
  }

  /** How many are here, handed out or not. */
  get size(): number {
    return this.#people.size
  }

  /** How many were handed out as being here. */
  get count(): number {
    return this.#shown.size
  }

  /** Up to `limit` of those who were handed out as being here, who came first first: what all changes so far add up to. */
  page(limit: number): User[] {
    const users: User[] = []
    for (const user of this.#shown.values()) {
      if (users.length === limit) break
      users.push(user)
    }
    return users
  }

  /**
   * An edge's report. `full`: these are all its people. Otherwise what changed since version - 1.
   * @returns false if a report before this one was missed: ask the edge for all of its people
   */
  report(
    edge: ServerId,
    report: { v: number; full: boolean; join: readonly User[]; leave: readonly UserId[] },
  ): boolean {
    let known = this.#edges.get(edge)
    if (!report.full) {
      if (known === undefined || known.goneAt !== undefined || report.v > known.version + 1) return false
      if (report.v <= known.version) return true
    }
    if (known === undefined) {
      known = { version: 0, people: new Map(), goneAt: undefined }
      this.#edges.set(edge, known)
    }
    // Two full reports may overtake each other; after a break the numbers of another run begin anew.
    if (known.goneAt === undefined && report.v < known.version) return true
    known.version = report.v
    if (known.goneAt !== undefined) known = this.#comeBack(edge, known)
    if (report.full) {
      const now = new Set(report.join.map((user) => user.id))
      for (const id of [...known.people.keys()]) if (!now.has(id)) this.#remove(known, id)
    }
    for (const user of report.join) this.#add(known, user)
    for (const id of report.leave) this.#remove(known, id)
    return true
  }

  /** Whether everything the edge has said up to version `v` was heard. */
  isAt(edge: ServerId, v: number): boolean {
    return (this.#edges.get(edge)?.version ?? 0) >= v
  }

  /**
   * The edge is there again, perhaps as a new run that has nobody yet. Its people have until the end of their grace to
   * come back, too, there or anywhere.
   */
  #comeBack(edge: ServerId, known: EdgePeople): EdgePeople {
    this.#edges.set(`${edge} until ${known.goneAt}`, known)
    const anew: EdgePeople = { version: known.version, people: new Map(), goneAt: undefined }
    this.#edges.set(edge, anew)
    return anew
  }

  /** The edge cannot be reached: its people stay until the grace is over. */
  edgeGone(edge: ServerId, now: number): void {
    const known = this.#edges.get(edge)
    if (known !== undefined) known.goneAt ??= now + this.#graceMs
  }

  /** The edge follows the room no longer: its people left at once. */
  edgeLeft(edge: ServerId): void {
    const known = this.#edges.get(edge)
    if (known === undefined) return
    for (const id of [...known.people.keys()]) this.#remove(known, id)
    this.#edges.delete(edge)
  }

  /** Lets go the people of edges whose grace is over. @returns when to call again, ms since 1970 */
  expire(now: number): number | undefined {
    let next: number | undefined
    for (const [edge, { goneAt }] of this.#edges) {
      if (goneAt === undefined) continue
      if (goneAt <= now) this.edgeLeft(edge)
      else next = Math.min(next ?? goneAt, goneAt)
    }
    return next
  }

  /** What changed since the last call; who came and went in between is in neither. */
  takeChanges(now = 0): PresenceChanges {
    const changes: PresenceChanges = { join: [], leave: [] }
    if (this.#changed === undefined) return changes
    const all = this.#changed
    this.#changed = undefined
    for (const [id, change] of all) {
      change.seenAt ??= now
      if (!change.here && now - change.seenAt < this.#lingerMs) (this.#changed ??= new Map()).set(id, change)
      else if (change.here) {
        this.#shown.set(id, change.user)
        changes.join.push(change.user)
      } else {
        this.#shown.delete(id)
        changes.leave.push(change.user)
      }
    }
    return changes
  }

  #add(edge: EdgePeople, user: User): void {
    if (edge.people.has(user.id)) return
    edge.people.set(user.id, user)
    const known = this.#people.get(user.id)
    if (known !== undefined) known.edges += 1
    else {
      this.#people.set(user.id, { user, edges: 1 })
      this.#note(user, true)
    }
  }

  #remove(edge: EdgePeople, id: UserId): void {
    if (!edge.people.delete(id)) return
    const known = this.#people.get(id)
    if (known === undefined) return
    known.edges -= 1
    if (known.edges > 0) return
    this.#people.delete(id)
    this.#note(known.user, false)
  }

  #note(user: User, here: boolean): void {
    if (this.#shown.has(user.id) === here) this.#changed?.delete(user.id)
    else if (this.#changed?.has(user.id) !== true) (this.#changed ??= new Map()).set(user.id, { user, here })
  }
}
