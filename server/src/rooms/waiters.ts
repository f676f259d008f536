import type { Cancel, Clock } from '../clock.ts'

interface Waiter<For, Outcome> {
  what: For
  resolve: (outcome: Outcome) => void
  cancel: Cancel
}

/** Promises that wait for the same kind of thing, each for a while at most. */
export class Waiters<For, Outcome> {
  readonly #clock: Clock
  #waiting = new Set<Waiter<For, Outcome>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves with what `settle` says, or after `ms` with `late`. */
  wait(what: For, ms: number, late: Outcome): Promise<Outcome> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => {
        this.#waiting.delete(waiter)
        resolve(late)
      })
      const waiter = { what, resolve, cancel }
      this.#waiting.add(waiter)
    })
  }

  /** Ends the wait of everybody, or of those who wait for something that `isOver`. */
  settle(outcome: Outcome, isOver: (what: For) => boolean = () => true): void {
    for (const waiter of [...this.#waiting]) {
      if (!isOver(waiter.what)) continue
      this.#waiting.delete(waiter)
      waiter.cancel()
      waiter.resolve(outcome)
    }
  }
}
