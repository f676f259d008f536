/** How many slots of time an expiry is cut into; the memory of a server's assignments. */
const SLOTS = 20

/**
 * What was sent to a server and is not yet in its reports: clients, or rooms.
 *
 * A report that grew by g has seen g of them arrive: the oldest g are done with, and `reported + count` stays what
 * it was, without a jump. One that does not arrive expires. The simpler rules (forget all at each report, or all
 * that are older than the last report but one) make a server look empty at the moment it reports, before those it was
 * sent have arrived; as servers report at different moments, each in turn would get a burst of all newcomers.
 */
export class Assignments {
  readonly #slotMs: number
  readonly #expiryMs: number
  /** Oldest first; at most SLOTS + 2. */
  readonly #slots: { from: number; count: number }[] = []
  #count = 0

  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs
    this.#slotMs = expiryMs / SLOTS
  }

  add(now: number): void {
    const from = Math.floor(now / this.#slotMs) * this.#slotMs // the same for all servers: they expire together
    const last = this.#slots.at(-1)
    if (last?.from === from) last.count += 1
    else this.#slots.push({ from, count: 1 })
    this.#count += 1
  }

  /** Those neither arrived nor expired. */
  count(now: number): number {
    let oldest = this.#slots[0]
    while (oldest !== undefined && now - oldest.from >= this.#expiryMs + this.#slotMs) {
      this.#count -= oldest.count
      this.#slots.shift()
      oldest = this.#slots[0]
    }
    return this.#count
  }

  /** A report shows so many more than the one before. */
  arrived(growth: number): void {
    let left = growth
    while (left > 0) {
      const oldest = this.#slots[0]
      if (oldest === undefined) return
      const done = Math.min(left, oldest.count)
      oldest.count -= done
      this.#count -= done
      left -= done
      if (oldest.count === 0) this.#slots.shift()
    }
  }

  clear(): void {
    this.#slots.length = 0
    this.#count = 0
  }
}
