import type { User, UserId } from './frames.ts'
import { forgetEnded } from './timed-people.ts'

/** Bounds of what is remembered; a link beyond them is refused, a removal beyond them ends the oldest links. */
export const LINK_LIMITS = { links: 50, removed: 10_000 } as const

export interface LinkRow {
  /** SHA-256 of its secret. */
  hash: string
  until: number
  /** How often it can still be used; absent = as often as one likes. */
  uses?: number
  by: User
}

interface Link extends LinkRow {
  turn: number
}

/**
 * The links to a private room, by its log, and whom each lets in. Who was sent out knows the links there were: they are good for
 * him no more until he has come in again, by an invitation or by a link that was made later. So of removals only those are
 * remembered that are later than a link there still is.
 */
export class Links {
  /** In the order in which they were made. */
  readonly #links = new Map<string, Link>()
  /** The turn at which each was sent out last, ascending. */
  readonly #removed = new Map<UserId, number>()
  /** Counts both: entries of one millisecond have an order, too, and those that are not in the log yet have no seq. */
  #turn = 0

  /** Is as `other` from here. */
  copy(other: Links): void {
    this.#links.clear()
    this.#removed.clear()
    for (const [hash, link] of other.#links) this.#links.set(hash, link)
    for (const [id, turn] of other.#removed) this.#removed.set(id, turn)
    this.#turn = other.#turn
  }

  /** @param ts of the entry that says so */
  make(row: LinkRow, ts: number): void {
    forgetEnded(this.#links, ts, LINK_LIMITS.links)
    this.#links.delete(row.hash)
    this.#links.set(row.hash, { ...row, turn: this.#next() })
    this.#forgetRemovals()
  }

  end(hash: string): void {
    this.#links.delete(hash)
    this.#forgetRemovals()
  }

  /** Somebody came in by it. */
  use(hash: string): void {
    const link = this.#links.get(hash)
    if (link?.uses !== undefined) this.#links.set(hash, { ...link, uses: link.uses - 1 })
  }

  /** Somebody was sent out of the room. */
  sentOut(id: UserId): void {
    if (this.#links.size === 0) return
    this.#removed.delete(id)
    this.#removed.set(id, this.#next())
    if (this.#removed.size <= LINK_LIMITS.removed) return
    // For whom it would be forgotten the links he knows must not be good again.
    const [oldest = 0] = this.#removed.values()
    for (const [hash, { turn }] of this.#links) if (turn < oldest) this.#links.delete(hash)
    this.#forgetRemovals()
  }

  /** He is in the room again, or no more at all. */
  forget(id: UserId): void {
    this.#removed.delete(id)
  }

  #next(): number {
    this.#turn += 1
    return this.#turn
  }

  #forgetRemovals(): void {
    const [oldest] = this.#links.values()
    for (const [id, turn] of this.#removed) {
      if (oldest !== undefined && turn > oldest.turn) return
      this.#removed.delete(id)
    }
  }

  /** Also one that has ended. */
  has(hash: string): boolean {
    return this.#links.has(hash)
  }

  /** Whether he can come in by it. */
  opensTo(hash: string, id: UserId, now: number): boolean {
    const link = this.#links.get(hash)
    return link !== undefined && isLive(link, now) && link.turn > (this.#removed.get(id) ?? 0)
  }

  /** Those by which somebody can come in. */
  live(now: number): LinkRow[] {
    const links = [...this.#links.values()].filter((link) => isLive(link, now))
    return links.map(({ turn: _turn, ...row }) => row)
  }

  isFull(now: number): boolean {
    const { links: limit } = LINK_LIMITS
    const lasting = [...this.#links.values()].filter(({ until }) => until > now)
    return this.#links.size >= limit && lasting.length >= limit
  }
}

function isLive({ until, uses }: LinkRow, now: number): boolean {
  return until > now && (uses === undefined || uses > 0)
}
