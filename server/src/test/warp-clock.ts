import { setTimeout as pause } from 'node:timers/promises'
import type { Cancel, Clock } from '../clock.ts'

interface Timer {
  at: number
  run: () => void
  real: NodeJS.Timeout
}

/** The real time, and a test may let more of it pass than there was, or none but what it lets pass. */
export class WarpClock implements Clock {
  #ahead = 0
  /** Since when, in real time, only `pass` moves it. */
  #heldAt: number | undefined
  readonly #timers = new Set<Timer>()

  now(): number {
    return (this.#heldAt ?? Date.now()) + this.#ahead
  }

  after(ms: number, run: () => void): Cancel {
    const timer: Timer = { at: this.now() + ms, run, real: setTimeout(() => this.#due(timer), ms) }
    this.#timers.add(timer)
    return () => this.#drop(timer)
  }

  soon(run: () => void): void {
    setImmediate(run)
  }

  /** From here on however long anything takes is no time: for what must happen within some. */
  hold(): void {
    this.#heldAt ??= Date.now()
  }

  release(): void {
    if (this.#heldAt === undefined) return
    this.#ahead -= Date.now() - this.#heldAt
    this.#heldAt = undefined
    for (const timer of this.#timers) {
      clearTimeout(timer.real)
      timer.real = setTimeout(() => this.#due(timer), timer.at - this.now())
    }
  }

  /** Lets `ms` pass in small steps; between two of them sockets are read and written. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.#ahead += Math.min(stepMs, left)
      const due = [...this.#timers].filter(({ at }) => at <= this.now()).sort((a, b) => a.at - b.at)
      for (const timer of due) if (this.#timers.has(timer)) this.#fire(timer)
      await pause(2)
    }
  }

  #due(timer: Timer): void {
    if (this.#heldAt === undefined) this.#fire(timer)
  }

  #fire(timer: Timer): void {
    this.#drop(timer)
    timer.run()
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.real)
    this.#timers.delete(timer)
  }
}
