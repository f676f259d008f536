import type { User, UserId } from './frames.ts'

export interface Timed {
  user: User
  /** Milliseconds since 1970, or Infinity. */
  until: number
}

/**
 * People for whom something holds until some time, by the log of their room: who is banned, who is muted. At its limit it
 * forgets those for whom it is over.
 */
export class TimedPeople {
  readonly #limit: number
  readonly #rows = new Map<UserId, Timed>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Is as `other` from here. */
  copy(other: TimedPeople): void {
    this.#rows.clear()
    for (const [id, row] of other.#rows) this.#rows.set(id, row)
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0
  }

  /** @param ts of the entry that says so */
  add(user: User, until: number, ts: number): void {
    forgetEnded(this.#rows, ts, this.#limit)
    this.#rows.set(user.id, { user, until })
  }

  drop(id: UserId): void {
    this.#rows.delete(id)
  }

  renamed(user: User): void {
    const row = this.#rows.get(user.id)
    if (row !== undefined) this.#rows.set(user.id, { ...row, user })
  }

  /** Also of one for whom it is over. */
  get(id: UserId): Timed | undefined {
    return this.#rows.get(id)
  }

  /** Those for whom it holds at `now`. */
  held(now: number): Timed[] {
    return [...this.#rows.values()].filter(({ until }) => until > now)
  }

  isFull(now: number): boolean {
    return this.#rows.size >= this.#limit && this.held(now).length >= this.#limit
  }
}

/** Makes room in a list that is full, by the time of the entry: wherever it is folded, the same ones go. */
export function forgetEnded(rows: Map<string, { until: number }>, ts: number, limit: number): void {
  if (rows.size < limit) return
  for (const [key, { until }] of rows) if (until <= ts) rows.delete(key)
}
