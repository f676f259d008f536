import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { copyBehind } from './copy-behind.ts'
import { COPY_CHUNK } from './room-copy.ts'
import { meaningOf } from './sqlite-file.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, type Epoch } from './store.ts'

/** A room whose source cannot be read, and a file that cannot take more, are tried again so much later. */
const RETRY_MS = 2_000
/** Pauses are as long as the chunk before took, and at least this: half of the thread's time is for appends. */
const MIN_PAUSE_MS = 2
const MAX_PAUSE_MS = 50

/** Brings the missing parts of rooms here, a chunk of each in turn, while the thread does its other work. */
export class BehindCopier {
  readonly #writer: SqliteWriter
  readonly #stored: (rows: number) => void
  readonly #onWhole: (room: { room: RoomId; epoch: Epoch; head: Seq }) => void
  readonly #onFailed: (room: RoomId, message: string) => void
  readonly #onLost: (cause: unknown) => void
  readonly #onRenewed: (room: RoomId) => void
  readonly #rooms = new Set<RoomId>()
  readonly #retryAt = new Map<RoomId, number>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: {
    writer: SqliteWriter
    /** So many rows were stored. */
    stored: (rows: number) => void
    onWhole: (room: { room: RoomId; epoch: Epoch; head: Seq }) => void
    /** A chunk could not be copied; said once, and again only after some could. It is tried again in any case. */
    onFailed: (room: RoomId, message: string) => void
    /** Our own file failed. */
    onLost: (cause: unknown) => void
    /** An entry was lost where it was: the room goes on in another log. */
    onRenewed: (room: RoomId) => void
  }) {
    this.#writer = options.writer
    this.#stored = options.stored
    this.#onWhole = options.onWhole
    this.#onFailed = options.onFailed
    this.#onLost = options.onLost
    this.#onRenewed = options.onRenewed
  }

  /** Goes on where the last run stopped. */
  start(): void {
    for (const room of this.#writer.rooms.notWhole()) this.#rooms.add(room)
    this.#later(MIN_PAUSE_MS)
  }

  add(room: RoomId): void {
    this.#rooms.add(room)
    this.#later(MIN_PAUSE_MS)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #later(ms: number): void {
    if (this.#isStopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#next()
    }, ms)
  }

  #next(): void {
    const startedAt = performance.now()
    const room = [...this.#rooms].find((one) => (this.#retryAt.get(one) ?? 0) <= startedAt)
    try {
      if (room !== undefined) this.#copy(room)
      else if (!this.#writer.clearBuried(COPY_CHUNK)) {
        if (this.#rooms.size > 0) this.#later(RETRY_MS)
        return
      } else this.#stored(COPY_CHUNK)
    } catch (cause) {
      const isSource = cause instanceof SourceUnavailable
      if (!isSource && meaningOf(cause) === 'lost') return this.#onLost(cause)
      if (room === undefined) return this.#later(RETRY_MS)
      if (!this.#retryAt.has(room)) this.#onFailed(room, (cause as Error).message)
      this.#retryAt.set(room, startedAt + RETRY_MS)
    }
    const tookMs = performance.now() - startedAt
    this.#later(Math.min(Math.max(tookMs, MIN_PAUSE_MS), MAX_PAUSE_MS))
  }

  #copy(room: RoomId): void {
    const progress = copyBehind(this.#writer, room, () => this.#onRenewed(room))
    this.#stored(COPY_CHUNK)
    this.#rooms.delete(room)
    this.#retryAt.delete(room)
    if (progress === 'more')
      this.#rooms.add(room) // behind the others
    else if (progress !== 'over') this.#onWhole(progress.whole)
  }
}
