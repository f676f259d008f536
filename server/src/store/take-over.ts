import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { SCHEMA_VERSION, schemaVersion } from './migrations.ts'
import { CHAT_FILE, connect, meaningOf, oneLine } from './sqlite-file.ts'
import type { RoomRow, SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, type Epoch, type StoreRef, type Taken } from './store.ts'

/** Entries copied in one transaction: about 3 ms, which an append may have to wait. */
const CHUNK = 250
/**
 * The last home holds its write lock for a millisecond at a time, unless it was paused just then. Appends here wait for a try, so
 * each is short.
 */
const LOCK_TRY_MS = 20
const LOCK_TRIES = 100

/** The places between steps, by the names tests cut them off at. */
export type Step = 'chunk copied' | 'level' | 'locked there' | 'fenced there' | 'rest copied'

/**
 * Takes a room out of the files of those who were its home before, dead, paused or running: copies what is there, raises the
 * fence in each of them (from then on none of them can append, nor finish a take-over of its own), copies what came meanwhile
 * from the one that has most, and only then makes the room ours. A store that holds all of the room has the highest head: a copy
 * that was cut off ends where it was cut off. Until the last step our own row says that the room is elsewhere, so a crash
 * anywhere leaves a state from which the same call goes on.
 *
 * The caller drives it and may do other work between steps.
 * @throws SourceUnavailable; and SQLite's errors, which are of our own file then.
 */
export function* takeOver(
  writer: SqliteWriter,
  self: string,
  room: RoomId,
  epoch: Epoch,
  from: readonly StoreRef[],
): Generator<Step, Taken | 'fenced'> {
  const ours = writer.row(room)
  if (ours !== undefined && ours.epoch > epoch) return 'fenced'
  if (ours !== undefined && ours.movedTo === null) {
    // Here already: the call is a repeat, or the caller was told of a home before us.
    const taken = writer.take(room, epoch)
    return taken === 'elsewhere' ? 'fenced' : taken
  }
  const sources: Source[] = []
  try {
    for (const ref of from) sources.push(new Source(ref, room))
    const known = new Set([self, ...from.map(({ id }) => id)])
    const standsAgainst = (row: RoomRow) => fences(row, epoch, self, known)
    const found = sources.map((source) => ({ source, row: source.row() }))
    if (found.some(({ row }) => row !== undefined && standsAgainst(row))) return 'fenced'
    const early = withMost(
      found.flatMap(({ source, row }) => (row === undefined ? [] : [{ source, ...row }])),
    )
    const copy = new Copy(writer.db, room, from[0]!.id)
    if (early !== undefined && early.head > 0) {
      copy.begin(early.log)
      while (copyChunk(early.source, copy)) yield 'chunk copied'
    }
    yield 'level'

    const fenced: (Fenced & { source: Source })[] = []
    for (const source of sources) {
      let last = source.fence(epoch, self, standsAgainst)
      for (let tries = 1; last === 'busy'; tries += 1) {
        if (tries === LOCK_TRIES) throw new SourceUnavailable(`${source.path} is kept locked by its server`)
        yield 'locked there'
        last = source.fence(epoch, self, standsAgainst)
      }
      if (last === 'fenced') return 'fenced'
      fenced.push({ source, ...last })
      yield 'fenced there'
    }

    const most = withMost(fenced)!
    const ownRow = writer.row(room)
    if (ownRow === undefined || ownRow.head <= most.head) {
      copy.begin(most.log)
      while (copyChunk(most.source, copy)) yield 'chunk copied'
      yield 'rest copied'
      return copy.finish(epoch, most.head)
    }
    // Everybody else was cut off on the way from here: what we had is still the whole.
    copy.begin(ownRow.log)
    return copy.finish(epoch, ownRow.head)
  } finally {
    for (const source of sources) source.close()
  }
}

/** The one with the highest head; of several, the first. */
function withMost<T extends { head: Seq }>(all: readonly T[]): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || one.head > best.head ? one : best),
    undefined,
  )
}

/** @returns whether there may be more */
function copyChunk(from: Source, to: Copy): boolean {
  const rows = from.read(to.head)
  if (rows.length > 0) to.add(rows)
  return rows.length === CHUNK
}

/** Whether a row in another store stands against `self` taking the room in `epoch`; `known`: the stores that are asked. */
function fences(theirs: RoomRow, epoch: Epoch, self: string, known: ReadonlySet<string>): boolean {
  if (theirs.epoch > epoch) return true
  // Our own epoch again: only we ourselves can have raised that fence, on a way that was cut off.
  if (theirs.epoch === epoch) return theirs.movedTo !== self
  // Moved to a store nobody named: the content may be there.
  return theirs.movedTo !== null && !known.has(theirs.movedTo)
}

interface Fenced {
  log: LogId
  head: Seq
}

const COPIED = 'seq, username, message, timestamp, sender, send_id, type, ts, rest'
type CopiedRow = [seq: Seq, ...rest: (string | number | null)[]]
const TS_AT = 7

/** One room in the file of its last home. Everything that fails here is SourceUnavailable. */
class Source {
  readonly #db: Database
  readonly path: string
  readonly #room: RoomId

  constructor(ref: StoreRef, room: RoomId) {
    this.#room = room
    this.path = join(ref.dataDir, CHAT_FILE)
    if (!existsSync(this.path)) throw new SourceUnavailable(`${this.path} is not there`)
    this.#db = this.#ask(() => connect(this.path, { mustExist: true, busyMs: LOCK_TRY_MS }))
    const version = this.#ask(() => schemaVersion(this.#db))
    if (version !== SCHEMA_VERSION) {
      this.#db.close()
      throw new SourceUnavailable(`${this.path} has schema ${version}, not ${SCHEMA_VERSION}`)
    }
  }

  row(): RoomRow | undefined {
    return this.#ask(
      () =>
        this.#db
          .prepare(
            'SELECT key, log, epoch, moved_to AS movedTo, head, last_ts AS lastTs FROM rooms WHERE room = ?',
          )
          .get(this.#room) as RoomRow | undefined,
    )
  }

  read(after: Seq): CopiedRow[] {
    return this.#ask(
      () =>
        this.#db
          .prepare(
            `SELECT ${COPIED} FROM messages WHERE room_key = (SELECT key FROM rooms WHERE room = ?) AND seq > ?
             ORDER BY seq LIMIT ${CHUNK}`,
          )
          .raw()
          .all(this.#room, after) as CopiedRow[],
    )
  }

  /** From here on no epoch below `epoch` can append there; the head is read behind that. */
  fence(epoch: Epoch, self: string, standsAgainst: (row: RoomRow) => boolean): Fenced | 'fenced' | 'busy' {
    return this.#ask(() => {
      try {
        return this.#db.transaction(() => this.#fence(epoch, self, standsAgainst)).immediate()
      } catch (cause) {
        if (meaningOf(cause) === 'busy') return 'busy'
        throw cause
      }
    })
  }

  #fence(epoch: Epoch, self: string, standsAgainst: (row: RoomRow) => boolean): Fenced | 'fenced' {
    const theirs = this.row()
    if (theirs === undefined) {
      // Never used there, but whoever was told to be its home there might start now.
      const log = randomUUID()
      this.#db
        .prepare('INSERT INTO rooms (room, log, epoch, moved_to, head, last_ts) VALUES (?, ?, ?, ?, 0, 0)')
        .run(this.#room, log, epoch, self)
      return { log, head: 0 }
    }
    if (standsAgainst(theirs)) return 'fenced'
    this.#db.prepare('UPDATE rooms SET epoch = ?, moved_to = ? WHERE key = ?').run(epoch, self, theirs.key)
    return { log: theirs.log, head: theirs.head }
  }

  close(): void {
    this.#ask(() => this.#db.close())
  }

  #ask<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof SourceUnavailable) throw cause
      const message = oneLine(cause instanceof Error ? cause.message : String(cause))
      throw new SourceUnavailable(`${this.path}: ${message}`, { cause })
    }
  }
}

/** The room in our own file while it is being copied: its row says that it is still at `from`. */
class Copy {
  head = 0
  readonly #db: Database
  readonly #room: RoomId
  readonly #fromId: string
  #key = 0

  constructor(db: Database, room: RoomId, fromId: string) {
    this.#db = db
    this.#room = room
    this.#fromId = fromId
  }

  /** Goes on behind what is here of that log; what is here of another one is void. */
  begin(log: LogId): void {
    this.#db
      .transaction(() => {
        const row = this.#db.prepare('SELECT key, log, head FROM rooms WHERE room = ?').get(this.#room) as
          { key: number; log: LogId; head: Seq } | undefined
        if (row === undefined) {
          const made = this.#db
            .prepare(
              'INSERT INTO rooms (room, log, epoch, moved_to, head, last_ts) VALUES (?, ?, 0, ?, 0, 0)',
            )
            .run(this.#room, log, this.#fromId)
          this.#key = Number(made.lastInsertRowid)
          this.head = 0
          return
        }
        this.#key = row.key
        this.head = row.head
        if (row.log === log) return
        this.#db.prepare('DELETE FROM messages WHERE room_key = ?').run(row.key)
        this.#db.prepare('UPDATE rooms SET log = ?, head = 0, last_ts = 0 WHERE key = ?').run(log, row.key)
        this.head = 0
      })
      .immediate()
  }

  add(rows: readonly CopiedRow[]): void {
    this.#db
      .transaction(() => {
        const insert = this.#db.prepare(
          `INSERT INTO messages (room_key, ${COPIED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        for (const row of rows) {
          if (row[0] !== this.head + 1) throw new SourceUnavailable(`its log has no seq ${this.head + 1}`)
          insert.run(this.#key, ...row)
          this.head += 1
        }
        this.#db
          .prepare('UPDATE rooms SET head = ?, last_ts = ? WHERE key = ?')
          .run(this.head, rows.at(-1)![TS_AT], this.#key)
      })
      .immediate()
  }

  finish(epoch: Epoch, head: Seq): Taken | 'fenced' {
    return this.#db
      .transaction((): Taken | 'fenced' => {
        const row = this.#db.prepare('SELECT log, epoch, head FROM rooms WHERE key = ?').get(this.#key) as {
          log: LogId
          epoch: Epoch
          head: Seq
        }
        if (row.epoch > epoch) return 'fenced'
        if (row.head !== head) throw new SourceUnavailable(`its log ends at ${row.head}, not at ${head}`)
        this.#db.prepare('UPDATE rooms SET epoch = ?, moved_to = NULL WHERE key = ?').run(epoch, this.#key)
        return { log: row.log, head }
      })
      .immediate()
  }
}
