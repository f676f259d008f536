import type { Clock } from '../clock.ts'

/** A clock that stands still until it is moved; its timers then fire in order of time. */
export class FakeClock implements Clock {
  #now = 1_000_000
  #count = 0
  readonly #timers = new Map<number, { at: number; fn: () => void }>()

  now(): number {
    return this.#now
  }

  setTimeout(fn: () => void, ms: number): unknown {
    this.#count += 1
    this.#timers.set(this.#count, { at: this.#now + ms, fn })
    return this.#count
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number)
  }

  /** How long until each timer that is set, soonest first. */
  get pending(): number[] {
    return [...this.#timers.values()].map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0]
      if (!due) break
      const [handle, { at, fn }] = due
      this.#timers.delete(handle)
      this.#now = Math.max(this.#now, at)
      fn()
    }
    this.#now = end
  }

  /** To the next timer that is set. @returns false if there is none */
  next(): boolean {
    const [soonest] = this.pending
    if (soonest !== undefined) this.advance(soonest)
    return soonest !== undefined
  }
}
