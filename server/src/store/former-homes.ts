import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { COPY_CHUNK } from './room-copy.ts'
import { Source } from './source.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable } from './store.ts'

/** Beyond it all are forgotten at once, and looked at again. */
const ROOMS_REMEMBERED = 10_000

/**
 * The stores a room was taken from keep what they had of it, served to nobody. What the room forgets later goes there, too: its home
 * deletes it in their files. Where one cannot be written to now, it is tried again with each sweep.
 */
export class FormerHomes {
  readonly #writer: SqliteWriter
  /** Where all is done, by floor and stores; in memory, so that a start looks at each once. */
  readonly #done = new Map<RoomId, string>()

  constructor(writer: SqliteWriter) {
    this.#writer = writer
  }

  /** Has the former homes of a room that is served from here forget what it has forgotten, a little at each step. */
  *forget(room: RoomId): Generator<void> {
    const row = this.#writer.row(room)
    if (row === undefined || row.movedTo !== null || row.floor === 1 || row.formers.length === 0) return
    const state = JSON.stringify([row.floor, row.formers])
    if (this.#done.get(room) === state) return
    let isDone = true
    for (const ref of row.formers) {
      let source: Source | undefined
      try {
        source = new Source(ref, room)
        for (let at: Seq | undefined = 1; at !== undefined;) {
          const next: Seq | undefined | 'busy' = source.forget(row, at, COPY_CHUNK)
          yield
          if (next === 'busy') isDone = false
          at = next === 'busy' ? undefined : next
        }
      } catch (cause) {
        if (!(cause instanceof SourceUnavailable)) throw cause
        isDone = false
      } finally {
        source?.close()
      }
    }
    if (!isDone) return
    if (this.#done.size >= ROOMS_REMEMBERED) this.#done.clear()
    this.#done.set(room, state)
  }
}
