import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'

/** Lines of one kind that are logged in one go after a quiet time, and per second from then on. */
const BURST = 100
const PER_SECOND = 10
/** How many were left out is told this often. */
const TELL_MS = 1_000

interface Kind {
  left: number
  countedAt: number
  /** Left out since that was told last. */
  leftOut: number
}

/**
 * For log lines that a stranger can cause, as often as he likes: a line costs more than what it tells of, and the file is rotated, so
 * that many of them push out those that matter. Of each kind some are written; of the rest, how many there were.
 */
export class SparingLog {
  readonly #log: Logger
  readonly #clock: Clock
  /** By message: these are texts of this program, so there are few. */
  readonly #kinds = new Map<string, Kind>()
  #toldAt: number

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
    this.#toldAt = clock.now()
  }

  info(detail: object, message: string): void {
    const now = this.#clock.now()
    let kind = this.#kinds.get(message)
    if (kind === undefined) {
      kind = { left: BURST, countedAt: now, leftOut: 0 }
      this.#kinds.set(message, kind)
    }
    const sinceMs = Math.max(0, now - kind.countedAt) // somebody may set the clock back
    kind.countedAt = now
    kind.left = Math.min(BURST, kind.left + (PER_SECOND * sinceMs) / 1_000)
    if (kind.left < 1) {
      kind.leftOut += 1
      return
    }
    kind.left -= 1
    this.#log.info(detail, message)
  }

  /** Says how many lines were left out, once a second at most. To be called now and then. */
  tellRest(): void {
    const now = this.#clock.now()
    if (Math.abs(now - this.#toldAt) < TELL_MS) return
    this.#toldAt = now
    for (const [message, kind] of this.#kinds) {
      if (kind.leftOut === 0) continue
      this.#log.warn({ message, leftOut: kind.leftOut }, 'more of these than are logged')
      kind.leftOut = 0
    }
  }
}
