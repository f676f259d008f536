import { setTimeout as pause } from 'node:timers/promises'
import type { Cancel, Clock } from '../clock.ts'

interface Timer {
  at: number
  run: () => void
  real: NodeJS.Timeout
}

/** The real time, and a test may let more of it pass than there was. */
export class WarpClock implements Clock {
  #ahead = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return Date.now() + this.#ahead
  }

  after(ms: number, run: () => void): Cancel {
    const timer: Timer = { at: this.now() + ms, run, real: setTimeout(() => this.#fire(timer), ms) }
    this.#timers.add(timer)
    return () => this.#drop(timer)
  }

  soon(run: () => void): void {
    setImmediate(run)
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

  #fire(timer: Timer): void {
    this.#drop(timer)
    timer.run()
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.real)
    this.#timers.delete(timer)
  }
}
