import { setTimeout as wait } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { COPY_CHUNK } from './room-copy.ts'
import { isErased, tombstone } from './room-table.ts'
import { busy, meaningOf } from './sqlite-file.ts'
import type { SqliteWriter } from './sqlite-writer.ts'

/**
 * Rooms that are deleted, so that nothing of them is left in the files. First the room gives way to a tombstone, in one commit;
 * then its entries are deleted a little at a time, and what is deleted is overwritten (`secure_delete`). SQLite leaves copies
 * of a few entries in unused parts of pages nevertheless, where it had to divide or join pages: so the file is written anew
 * (VACUUM). Last, the WAL is emptied. What was cut off is gone on with at the next start.
 */

/** A file up to this size is written anew while appends wait: 7 ms for each MiB. A larger one at the next start. */
export const COMPACT_UP_TO_BYTES = 64 * 1024 * 1024
/** After a run such a multiple of what writing anew took is for others, so that who deletes room after room does not stop them. */
const REST = 9
/** The WAL cannot be emptied while somebody reads from it. */
const READER_TRIES = 100
const READER_WAIT_MS = 50

export class Erasures {
  readonly #writer: SqliteWriter
  readonly #stored: (rows: number) => void
  readonly #compactUpToBytes: number
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  readonly #stopped = new AbortController()
  #restUntil = 0

  constructor(options: {
    writer: SqliteWriter
    compactUpToBytes: number
    /** So many rows were stored. */
    stored: (rows: number) => void
  }) {
    this.#writer = options.writer
    this.#stored = options.stored
    this.#compactUpToBytes = options.compactUpToBytes
  }

  /** As Store.erase. From the first moment on the room is not here any more. */
  async erase(room: RoomId): Promise<void> {
    entomb(this.#writer, room)
    await this.resume()
  }

  /** Clears what is left of all rooms that were deleted; several calls share one run. */
  resume(): Promise<void> {
    // The run that goes on may be past what was just deleted, so it takes another one; but one for all who come meanwhile.
    this.#next ??= this.#running
      .catch(() => undefined) // who asked for it hears of it
      .then(() => {
        this.#next = undefined
        return (this.#running = this.#clear())
      })
    return this.#next
  }

  /** Resolves when nothing runs any more; what is left is for the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#next?.catch(() => undefined)
    await this.#running.catch(() => undefined)
  }

  async #clear(): Promise<void> {
    const writer = this.#writer
    await this.#wait(this.#restUntil - performance.now())
    // What is deleted meanwhile is for the next run.
    const rooms = writer.rooms.slack()
    if (rooms.length === 0) return
    while (writer.clearBuried(COPY_CHUNK)) {
      this.#stored(COPY_CHUNK)
      await new Promise(setImmediate) // what came in meanwhile, appends above all, goes first
      this.#check()
    }
    const isCompact = writer.bytes() <= this.#compactUpToBytes
    if (isCompact) this.#compact()
    for (let tries = 1; !writer.emptyWal(); tries += 1) {
      if (tries === READER_TRIES) throw busy('somebody reads it all the time: its WAL cannot be emptied')
      await this.#wait(READER_WAIT_MS)
    }
    if (isCompact) writer.transact(() => writer.rooms.clearSlack(rooms))
  }

  #compact(): void {
    const startedAt = performance.now()
    this.#writer.compact()
    const endedAt = performance.now()
    this.#restUntil = endedAt + REST * (endedAt - startedAt)
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await wait(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
    this.#check()
  }

  #check(): void {
    if (this.#stopped.signal.aborted) throw busy('it is being closed')
  }
}

/**
 * The same before the file is used: it may take as long as it takes. Where there is no space for it, or somebody has the file
 * locked, it waits for the next start: nobody is kept from his other rooms by it.
 */
export function clearAtStart(writer: SqliteWriter, compactUpToBytes: number): void {
  const rooms = writer.rooms.slack()
  if (rooms.length === 0 || writer.bytes() <= compactUpToBytes) return
  try {
    while (writer.clearBuried(COPY_CHUNK * 10));
    writer.compact()
    if (writer.emptyWal()) writer.transact(() => writer.rooms.clearSlack(rooms))
  } catch (cause) {
    if (meaningOf(cause) === 'lost') throw cause
  }
}

/** Puts a tombstone in the room's place. What it held is cleared by a run, here or at the next start. */
export function entomb(writer: SqliteWriter, room: RoomId): void {
  writer.transactCounted(() => {
    const row = writer.rooms.get(room)
    if (row !== undefined && isErased(row)) return
    if (row !== undefined) writer.rooms.bury(row)
    writer.rooms.insert(tombstone(room, row !== undefined))
  })
  writer.forget(room)
  writer.elsewheres.close(room)
}
