import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Store } from '../store/store.ts'

/** Rooms that keep what is said in them for a time only: what is older is forgotten, in the store and in memory. */

const DAY_MS = 24 * 60 * 60 * 1_000
/** A room is looked at this often, and at once when its time is changed. */
const EVERY_MS = 10 * 60 * 1_000

/** A room at its home, as far as this needs to know it. */
export interface Keeping {
  readonly id: RoomId
  /** Undefined: for ever, or this server is not its home. */
  readonly retentionDays: number | undefined
  /** Nothing below this seq is told any more. */
  raiseFloor(floor: Seq): void
}

export class Retention {
  readonly #store: Store
  readonly #note: (event: string, detail: Record<string, unknown>) => void
  /** When each room was looked at, and for how many days it kept things then. */
  readonly #looked = new Map<RoomId, { at: number; days: number }>()
  #isRunning = false

  constructor(store: Store, note: (event: string, detail: Record<string, unknown>) => void) {
    this.#store = store
    this.#note = note
  }

  /** Rooms that are not open, and have to be looked at. */
  due(now: number): RoomId[] {
    return [...this.#looked].filter(([, { at }]) => now - at >= EVERY_MS).map(([id]) => id)
  }

  /** One room after the other. @param now ms since 1970 */
  async look(rooms: readonly Keeping[], now: number): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (const room of rooms) await this.#lookAt(room, now)
    } finally {
      this.#isRunning = false
    }
  }

  async #lookAt(room: Keeping, now: number): Promise<void> {
    const { id, retentionDays: days } = room
    if (days === undefined) {
      this.#looked.delete(id)
      return
    }
    const last = this.#looked.get(id)
    if (last !== undefined && last.days === days && now - last.at < EVERY_MS) return
    this.#looked.set(id, { at: now, days })
    try {
      const floor = await this.#store.forget(id, now - days * DAY_MS)
      if (floor !== 'fenced') room.raiseFloor(floor)
    } catch (cause) {
      this.#note('old messages not forgotten', { room: id, cause })
    }
  }
}
