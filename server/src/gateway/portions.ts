import type { Clock } from '../clock.ts'

/** However long a turn was. */
const MOST_REST_MS = 50

/**
 * Work of a kind that may be more than one turn of the event loop should take: handshakes and joins, as thousands may come at once;
 * lines of those who send many. It is done in portions, in the order of coming, and what others say goes out in between.
 */
export class Portions {
  readonly #clock: Clock
  readonly #portionMs: number
  readonly #rests: number
  #waiting: { since: number; go: () => void }[] = []
  /** When this turn's portion began; undefined: nothing of it was taken yet. */
  #beganAt: number | undefined

  /** @param rests how many times as long as a portion took there is none after it; 0: there is one in each turn */
  constructor(clock: Clock, portionMs: number, rests = 0) {
    this.#clock = clock
    this.#portionMs = portionMs
    this.#rests = rests
  }

  /** Whether there is time for something now. */
  get hasTime(): boolean {
    if (this.#waiting.length > 0) return false
    if (this.#beganAt === undefined) {
      this.#begin()
      return true
    }
    return this.#isWithin()
  }

  /** Undefined: there is time now. Otherwise resolves when there is. */
  turn(): Promise<void> | undefined {
    if (this.hasTime) return undefined
    return new Promise((go) => this.#waiting.push({ since: this.#clock.now(), go }))
  }

  /** For how long the first of those that wait has waited, in ms; 0 if none does. */
  get lateMs(): number {
    const [first] = this.#waiting
    return first === undefined ? 0 : Math.max(0, this.#clock.now() - first.since)
  }

  #isWithin(): boolean {
    // Somebody may set the clock back.
    return this.#beganAt !== undefined && Math.abs(this.#clock.now() - this.#beganAt) < this.#portionMs
  }

  #begin(): void {
    const beganAt = this.#clock.now()
    this.#beganAt = beganAt
    this.#clock.soon(() => {
      const tookMs = Math.max(this.#portionMs, Math.abs(this.#clock.now() - beganAt))
      const restMs = Math.min(MOST_REST_MS, this.#rests * tookMs)
      if (restMs === 0) this.#next()
      else this.#clock.after(restMs, () => this.#next())
    })
  }

  #next(): void {
    this.#beganAt = undefined
    if (this.#waiting.length === 0) return
    this.#begin()
    const waiting = this.#waiting.values()
    let gone = 0
    const goOn = () => {
      const next = this.#isWithin() ? waiting.next().value : undefined
      if (next === undefined) {
        this.#waiting = this.#waiting.slice(gone)
        return
      }
      gone += 1
      next.go()
      queueMicrotask(goOn) // after what the promise's owner does
    }
    goOn()
  }
}
