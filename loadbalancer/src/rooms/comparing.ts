import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Logger } from '../log.ts'
import type { RoomActs } from './room-acts.ts'

/** Rooms that wait for it; any more are compared when somebody looks at them. */
const MAX_WAITING = 100_000

/** Compares the lists with what homes say, room after room, so that a lost directory lists private rooms again. */
export class Comparing {
  readonly #acts: Pick<RoomActs, 'compare'>
  readonly #log: Logger
  readonly #waiting = new Set<RoomId>()
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(acts: Pick<RoomActs, 'compare'>, log: Logger) {
    this.#acts = acts
    this.#log = log
  }

  add(rooms: readonly RoomId[]): void {
    for (const room of rooms) if (this.#waiting.size < MAX_WAITING) this.#waiting.add(room)
    if (this.#waiting.size > 0) this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (const room of this.#waiting) {
      if (this.#isStopped) break
      this.#waiting.delete(room)
      try {
        if (!(await this.#acts.compare(room))) this.#log.warn({ room }, 'a room was not compared')
      } catch (err) {
        this.#log.error({ err, room }, 'a room was not compared')
      }
    }
    this.#running = undefined // in the same turn: what is added later begins anew
  }
}
