import type { ErrorCode } from '../errors.ts'
import type { Joined, LogId, Seq } from '../frames.ts'
import { resendDelay } from './backoff.ts'
import { Timer, type Clock } from './clock.ts'
import type { Line } from './line.ts'

/** A join on one line. */
export interface Join {
  /** Of the last request. */
  ref: number
  log: LogId | undefined
  /** Up to where its server knew the log when it answered. */
  head: Seq
  state: 'asked' | 'joined' | 'refused'
  code?: ErrorCode
}

/** The joins of one room, one on each line of its client. During a move there are two lines. */
export class RoomJoins {
  readonly #all = new Map<Line, Join>()
  readonly #random: () => number
  readonly #request: (line: Line) => number
  readonly #again: Timer
  /** Refusals in a row. */
  #tries = 0

  /** `request` sends a `join` on a line, and tells its ref. */
  constructor(ports: { clock: Clock; random: () => number; request: (line: Line) => number }) {
    this.#random = ports.random
    this.#request = ports.request
    this.#again = new Timer(ports.clock, () => this.#due())
  }

  get lines(): Line[] {
    return [...this.#all.keys()]
  }

  on(line: Line): Join | undefined {
    return this.#all.get(line)
  }

  /** Asks there to join, for the first time or again. */
  ask(line: Line): void {
    this.#all.set(line, { ref: this.#request(line), log: undefined, head: 0, state: 'asked' })
  }

  /** The line is gone. @returns whether it was the last one */
  drop(line: Line): boolean {
    this.#all.delete(line)
    if (this.#all.size === 0) this.#again.clear()
    return this.#all.size === 0
  }

  joined(join: Join, { log, head }: Joined): void {
    join.log = log
    join.head = head
    join.state = 'joined'
    this.#tries = 0
  }

  /** Refused, but not finally: asked again where no answer has come. */
  askAgain(retryMs: number | undefined): void {
    this.#again.set(resendDelay(this.#tries++, this.#random, retryMs))
  }

  #due(): void {
    for (const [line, { state }] of this.#all) if (state === 'asked') this.ask(line)
  }

  /** It is joined on one line: on the other one of a move it may still have to be asked for again. */
  calm(): void {
    if ([...this.#all.values()].every(({ state }) => state !== 'asked')) this.#again.clear()
  }

  /** The first line with an answer. */
  get answered(): [Line, Join] | undefined {
    return [...this.#all].find(([, { state }]) => state !== 'asked')
  }
}
