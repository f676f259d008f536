/**
 * Who waits for a place where there is none, in the order of coming. Nobody is told that he is next and then passed over: whoever asks is let in
 * only if there are more places than people before him. Who does not ask again for a while has gone, and the others move up.
 * Decisions only; what is asked with is anything that the same person asks with again.
 */

/** When to ask again, in ms: the further behind, the later, so that a long line does not ask all the time. */
const LEAST_MS = 2_000
const MOST_MS = 30_000
const PER_PLACE_MS = 20
/** How much later than it was told one may come: twice that, and this. */
const LATE_MS = 3_000
/** Beyond so many, nobody's place is kept. */
const MOST_WAITING = 10_000
/** Those who have gone are looked for this often. */
const SWEEP_MS = 500

interface Waiting {
  key: string
  no: number
  until: number
}

export type Asked = { isIn: true } | { isIn: false; place: number; retryMs: number }

export class WaitingLine {
  /** In the order of coming, and so of their numbers. */
  #order: Waiting[] = []
  readonly #known = new Map<string, Waiting>()
  #lastNo = 0
  #sweptAt = -Infinity

  get length(): number {
    return this.#order.length
  }

  /**
   * @param free places there are now
   * @param before what the same person may have asked with before: its place is his
   * @returns `place` 1 = the next
   */
  ask(key: string, free: number, now: number, before?: string): Asked {
    this.#sweep(now)
    const mine = this.#known.get(key) ?? (before === undefined ? undefined : this.#known.get(before))
    const at = mine === undefined ? this.#order.length : this.#indexOf(mine)
    if (at < free) {
      if (mine !== undefined) this.#leave(mine, at)
      return { isIn: true }
    }
    const place = at + 1
    const retryMs = Math.min(MOST_MS, Math.max(LEAST_MS, place * PER_PLACE_MS))
    const until = now + 2 * retryMs + LATE_MS
    if (mine !== undefined) {
      this.#known.delete(mine.key)
      Object.assign(mine, { key, until })
      this.#known.set(key, mine)
    } else if (this.#order.length < MOST_WAITING) {
      const waiting = { key, no: (this.#lastNo += 1), until }
      this.#order.push(waiting)
      this.#known.set(key, waiting)
    }
    return { isIn: false, place, retryMs }
  }

  #leave({ key }: Waiting, at: number): void {
    this.#order.splice(at, 1)
    this.#known.delete(key)
  }

  #indexOf({ no }: Waiting): number {
    let [from, to] = [0, this.#order.length - 1]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#order[middle] as Waiting).no < no) from = middle + 1
      else to = middle
    }
    return from
  }

  #sweep(now: number): void {
    if (this.#order.length === 0 || now - this.#sweptAt < SWEEP_MS) return
    this.#sweptAt = now
    this.#order = this.#order.filter(({ key, until }) => until > now || !this.#known.delete(key))
  }
}
