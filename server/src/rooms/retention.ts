import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Store, Swept } from '../store/store.ts'

/** Rooms that keep what is said in them for a time only: what is older is forgotten, in the store and then in memory. */

/** All rooms are looked at this often, be they open or not. */
const EVERY_MS = 10 * 60 * 1_000

export class Retention {
  readonly #store: Pick<Store, 'sweep'>
  /** Nothing below this seq is told any more. */
  readonly #raised: (room: RoomId, floor: Seq) => void
  readonly #note: (event: string, detail: Record<string, unknown>) => void
  #sweptAt = -Infinity
  #isRunning = false

  constructor(options: {
    store: Pick<Store, 'sweep'>
    raised: (room: RoomId, floor: Seq) => void
    note: (event: string, detail: Record<string, unknown>) => void
  }) {
    this.#store = options.store
    this.#raised = options.raised
    this.#note = options.note
  }

  /** A room keeps things for another time now: all are looked at with the next call of `look`. */
  hurry(): void {
    this.#sweptAt = -Infinity
  }

  /** Called now and then. @param now ms since 1970 */
  async look(now: number): Promise<void> {
    if (this.#isRunning || now - this.#sweptAt < EVERY_MS) return
    this.#isRunning = true
    this.#sweptAt = now
    let swept: Swept[] = []
    try {
      swept = await this.#store.sweep(now)
    } catch (cause) {
      this.#note('old messages not forgotten', { cause })
    } finally {
      this.#isRunning = false
    }
    for (const { room, floor } of swept) this.#raised(room, floor)
  }
}
