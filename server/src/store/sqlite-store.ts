import { Worker } from 'node:worker_threads'
import type { Entry, RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { SentRows } from './sender-reader.ts'
import {
  packBatch,
  unpackCommitted,
  unpackEntries,
  type Answer,
  type Ask,
  type EntryRow,
} from './sqlite-messages.ts'
import type { WriterOptions } from './sqlite-worker.ts'
import {
  SourceUnavailable,
  StoreDamaged,
  StoreFull,
  StoreLost,
  StoreUnusable,
  type Batch,
  type Committed,
  type Epoch,
  type HeldRoom,
  type Sent,
  type Store,
  type StoreRef,
  type Swept,
  type Taken,
  type Untaken,
} from './store.ts'

export interface SqliteStoreOptions {
  /** The server's data folder; made if absent. The caller holds its lock: see data-lock.ts. */
  dir: string
  /** This server's id, written where its rooms were taken from. */
  self: string
  /** Called once, when nobody knows any more what is stored: the process should end. Every call rejects by then. */
  onLost?: (cause: StoreLost) => void
  /** Called when all of a room that was taken is here, and the stores it was taken from are not needed for it any more. */
  onWhole?: (room: { room: RoomId; epoch: Epoch; head: Seq }) => void
  /** Called when a room has another log, as an entry of it was damaged where it still was: the next `take` tells which. */
  onRenewed?: (room: RoomId) => void
  /** Called when what is missing of such a room cannot be copied now; it is tried again and again. */
  onCopyFailed?: (room: RoomId, message: string) => void
  /** For tests: entries that are here before a room that was taken is served. */
  tail?: number
  /** For tests: the rest is not copied. */
  isCopyingBehind?: boolean
  /** For tests: a file up to this size is written anew when a room was erased; a larger one at the next start. */
  compactUpToBytes?: number
  /** For tests of a full disk: the file never grows beyond this many pages of 4 KiB. */
  maxPages?: number
}

/** Calls that may wait for an answer; a further one is StoreFull. Callers ask less than that, unless the disk stands still. */
const MAX_WAITING = 10_000

/** A question without its number. */
type Question = Ask extends infer A ? (A extends Ask ? Omit<A, 'id'> : never) : never

interface Waiting {
  resolve: (value: unknown) => void
  reject: (cause: Error) => void
}

/**
 * Opens the store in `dir`.
 * @throws StoreUnusable, StoreDamaged: one line that names the path.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { dir, self, maxPages, tail, isCopyingBehind, compactUpToBytes } = options
  const writer = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    name: 'store-writer',
    workerData: { dir, self, maxPages, tail, isCopyingBehind, compactUpToBytes } satisfies WriterOptions,
  })
  const isRenewed = await new Promise<boolean>((resolve, reject) => {
    writer.once('error', reject)
    writer.once('exit', () => reject(new StoreUnusable(`the thread that opens ${dir} ended`)))
    writer.once('message', (answer: Answer) => {
      writer.off('error', reject)
      if ('event' in answer && answer.event === 'opened') resolve(answer.isRenewed)
      else if ('event' in answer && answer.event === 'damaged') reject(new StoreDamaged(answer.message))
      else reject(new StoreUnusable('message' in answer ? answer.message : 'no answer'))
    })
  })
  return new SqliteStore(options, writer, isRenewed)
}

/**
 * The Store in one SQLite file. All work is done by two threads, so that the event loop never waits for a disk: the writer commits,
 * the reader reads and does checkpoints. Made by openSqliteStore.
 */
export class SqliteStore implements Store {
  /** The file had lost what was once committed to it, so every log got a new id at the opening: see S9. */
  readonly isRenewed: boolean
  /** How often entries were read. */
  reads = 0
  readonly #options: SqliteStoreOptions
  readonly #writer: Worker
  #reader: Worker | undefined
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  /** Why calls are refused, once they are. */
  #refusal: StoreLost | undefined
  /** The threads are gone. */
  #isOver = false
  #closing: Promise<void> | undefined

  constructor(options: SqliteStoreOptions, writer: Worker, isRenewed: boolean) {
    this.isRenewed = isRenewed
    this.#options = options
    this.#writer = writer
    this.#follow(writer)
  }

  async take(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[] = [],
    genesis?: Genesis,
  ): Promise<Taken | Untaken> {
    return (await this.#ask(this.#writer, { ask: 'take', room, epoch, from, genesis })) as Taken | Untaken
  }

  async append(batch: Batch): Promise<Committed> {
    const numbers = await this.#ask(this.#writer, { ask: 'append', cells: packBatch(batch) })
    return unpackCommitted(numbers as number[])
  }

  async read(room: RoomId, side: { after: Seq } | { before: Seq }, limit: number): Promise<Entry[]> {
    this.reads += 1
    const rows = await this.#askReader(
      'after' in side
        ? { ask: 'read', room, side: 'after', seq: side.after, limit }
        : { ask: 'read', room, side: 'before', seq: side.before, limit },
    )
    return unpackEntries(room, rows as EntryRow[])
  }

  async held(): Promise<HeldRoom[]> {
    return (await this.#ask(this.#writer, { ask: 'held' })) as HeldRoom[]
  }

  async audit(room: RoomId, before: Seq | undefined, limit: number): Promise<Entry[]> {
    const till = before ?? Number.MAX_SAFE_INTEGER
    return unpackEntries(
      room,
      (await this.#askReader({ ask: 'audit', room, before: till, limit })) as EntryRow[],
    )
  }

  async erase(room: RoomId): Promise<void> {
    await this.#ask(this.#writer, { ask: 'erase', room })
  }

  async forget(room: RoomId, beforeTs: number): Promise<Seq | 'fenced'> {
    return (await this.#ask(this.#writer, { ask: 'forget', room, beforeTs })) as Seq | 'fenced'
  }

  async sweep(now: number): Promise<Swept[]> {
    return (await this.#ask(this.#writer, { ask: 'sweep', now })) as Swept[]
  }

  async forgetName(userId: UserId): Promise<void> {
    await this.#ask(this.#writer, { ask: 'forget-name', userId })
  }

  async roomsOf(userId: UserId): Promise<RoomId[]> {
    return (await this.#askReader({ ask: 'rooms-of', userId })) as RoomId[]
  }

  async entriesOf(userId: UserId, after: string | undefined, limit: number): Promise<Sent> {
    const found = (await this.#askReader({ ask: 'entries-of', userId, after, limit })) as SentRows
    const entries = found.rooms.flatMap(({ room, rows }) => unpackEntries(room, rows))
    return { entries, isWhole: found.isWhole, ...(found.next !== undefined && { next: found.next }) }
  }

  async renewLogs(above: number): Promise<number> {
    return (await this.#ask(this.#writer, { ask: 'renew-logs', above })) as number
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#refusal ??= new StoreLost('the store is closed')
    try {
      // The writer goes last: the last connection brings the WAL into the file and removes it.
      const readerClosed = this.#reader && this.#post(this.#reader, { ask: 'close' })
      const earlierDone = this.#post(this.#writer, { ask: 'held' })
      await Promise.all([readerClosed, earlierDone])
      await this.#post(this.#writer, { ask: 'close' })
    } catch (cause) {
      if (!(cause instanceof StoreLost)) throw cause // lost: onLost was told
    }
    this.#end(this.#refusal)
  }

  #openReader(): Worker {
    if (this.#reader === undefined) {
      this.#reader = new Worker(new URL('./sqlite-reader.ts', import.meta.url), {
        name: 'store-reader',
        workerData: { dir: this.#options.dir },
      })
      this.#follow(this.#reader)
    }
    return this.#reader
  }

  #follow(worker: Worker): void {
    worker.on('message', (answer: Answer) => this.#hear(answer))
    worker.on('error', (cause: unknown) => this.#lose(`its thread failed: ${String(cause)}`))
    worker.on('exit', () => this.#lose('its thread ended'))
  }

  #ask(worker: Worker, question: Question): Promise<unknown> {
    if (this.#refusal) return Promise.reject(this.#refusal)
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new StoreFull('too many calls wait for the disk'))
    }
    return this.#post(worker, question)
  }

  #askReader(question: Question): Promise<unknown> {
    if (this.#refusal) return Promise.reject(this.#refusal) // or it would be started for nothing
    return this.#ask(this.#openReader(), question)
  }

  #post(worker: Worker, question: Question): Promise<unknown> {
    if (this.#isOver) return Promise.reject(this.#refusal!)
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      worker.postMessage({ ...question, id })
      this.#waiting.set(id, { resolve, reject })
    })
  }

  #hear(answer: Answer): void {
    if ('event' in answer) {
      if (answer.event === 'checkpoint-due') void this.#checkpoint()
      else if (answer.event === 'copy-failed') this.#options.onCopyFailed?.(answer.room, answer.message)
      else if (answer.event === 'renewed') this.#options.onRenewed?.(answer.room)
      else if (answer.event === 'whole') {
        const { room, epoch, head } = answer
        this.#options.onWhole?.({ room, epoch, head })
      }
      return
    }
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    if (!('failed' in answer)) {
      this.#waiting.delete(answer.id)
      waiting.resolve(answer.value)
    } else if (answer.failed === 'lost') {
      this.#lose(answer.message)
    } else {
      this.#waiting.delete(answer.id)
      waiting.reject(
        answer.failed === 'source' ? new SourceUnavailable(answer.message) : new StoreFull(answer.message),
      )
    }
  }

  /**
   * Brings the WAL into the file: the reader nearly all of it, which takes a while and delays no commit; then the writer the
   * few frames committed since, after which it can start the WAL over.
   */
  async #checkpoint(): Promise<void> {
    if (this.#refusal) return
    try {
      await this.#ask(this.#openReader(), { ask: 'checkpoint' }).catch(rethrowLost)
      await this.#ask(this.#writer, { ask: 'checkpoint' }).catch(rethrowLost)
    } catch {
      // Lost: #lose has told everybody.
    }
  }

  #lose(message: string): void {
    if (this.#isOver) return
    const cause = new StoreLost(`the store in ${this.#options.dir} is lost: ${message}`)
    this.#end(cause)
    this.#options.onLost?.(cause)
  }

  #end(cause: StoreLost): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#refusal = cause
    for (const { reject } of this.#waiting.values()) reject(cause)
    this.#waiting.clear()
    void this.#writer.terminate()
    void this.#reader?.terminate()
  }
}

/** A checkpoint that finds no space is no fault: the WAL keeps everything, and the next one tries again. */
function rethrowLost(cause: unknown): void {
  if (cause instanceof StoreLost) throw cause
}
