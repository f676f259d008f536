import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { COPIED, isSound, type CopiedRow } from './copied-row.ts'
import { inCommon, type Lineage } from './lineage.ts'
import { markIn, raiseMark } from './mark.ts'
import { SCHEMA_VERSION, schemaVersion } from './migrations.ts'
import { difference, intersection, rangeAt, without, type Range } from './ranges.ts'
import { RoomRecord } from './room-record.ts'
import { EMPTY_ROW, extentOf, RoomTable, type RoomRow } from './room-table.ts'
import { CHAT_FILE, connect, meaningOf, oneLine } from './sqlite-file.ts'
import { SourceDamaged, SourceUnavailable, type Epoch, type StoreRef } from './store.ts'

/** The last home holds its write lock for a millisecond at a time: a try that fails is made again later. */
const LOCK_TRY_MS = 5

/** An entry as it is found by its sender's id. */
export interface Known {
  seq: Seq
  ts: number
  type: string
  text: string | null
  rest: string | null
}

/** One room in another server's file. Everything that fails here is SourceUnavailable. */
export class Source {
  readonly ref: StoreRef
  readonly path: string
  readonly #room: RoomId
  readonly #db: Database
  readonly #rooms: RoomTable
  readonly #record: RoomRecord
  readonly #sql: ReturnType<typeof prepare>

  constructor(ref: StoreRef, room: RoomId) {
    this.ref = ref
    this.#room = room
    this.path = join(ref.dataDir, CHAT_FILE)
    if (!existsSync(this.path)) throw new SourceUnavailable(`${this.path} is not there`)
    let opened: Database | undefined
    try {
      opened = this.#ask(() => connect(this.path, { mustExist: true, busyMs: LOCK_TRY_MS }))
      const db = opened
      const version = this.#ask(() => schemaVersion(db))
      if (version !== SCHEMA_VERSION) {
        throw new SourceUnavailable(`${this.path} has schema ${version}, not ${SCHEMA_VERSION}`)
      }
      this.#db = db
      this.#rooms = this.#ask(() => new RoomTable(db))
      this.#record = this.#ask(() => new RoomRecord(db))
      this.#sql = this.#ask(() => prepare(db))
    } catch (cause) {
      opened?.close()
      throw cause
    }
  }

  row(): RoomRow | undefined {
    return this.#askOnce(() => this.#rooms.get(this.#room))
  }

  /**
   * The unbroken run of entries of that log that begins at `at`, ascending in any case; empty if `at` is not here. It ends before
   * one that is not what was written. @throws SourceDamaged: that is `at`
   */
  run(log: Lineage, at: Seq, way: 'up' | 'down', limit: number): CopiedRow[] {
    return this.#askOnce(() => {
      const row = this.#rooms.get(this.#room)
      const range = rangeAt(this.#has(row, log), at)
      if (row === undefined || range === undefined) return []
      const step = way === 'up' ? 1 : -1
      const rows = this.#sql[way].all(row.key, at, range[way === 'up' ? 1 : 0], limit) as CopiedRow[]
      let length = 0
      while (length < rows.length && rows[length]![0] === at + step * length) length += 1
      const bad = rows.findIndex((row) => !isSound(this.#room, row))
      if (bad === 0)
        throw new SourceDamaged(`${this.path}: seq ${at} of ${this.#room} is not what was written`)
      const run = rows.slice(0, bad < 0 ? length : Math.min(bad, length))
      return way === 'up' ? run : run.reverse()
    })
  }

  /** Looks for a send among the entries of that log. `searched`: those that are here. */
  find(log: Lineage, sender: string, sendId: string): { known: Known | undefined; searched: Range[] } {
    return this.#askOnce(() => {
      const row = this.#rooms.get(this.#room)
      const searched = this.#has(row, log)
      const found = row && (this.#sql.known.get(row.key, sender, sendId) as Known | undefined)
      const isOfLog = found !== undefined && rangeAt(searched, found.seq) !== undefined
      return { known: isOfLog ? found : undefined, searched }
    })
  }

  /** Whether this sender has entries of that log here. */
  has(log: Lineage, sender: string): boolean {
    return this.#askOnce(() => {
      const row = this.#rooms.get(this.#room)
      if (row === undefined || this.#has(row, log).length === 0) return false
      return this.#sql.sent.get(row.key, sender) !== undefined
    })
  }

  /** The room's record: see RoomRecord. */
  record(): CopiedRow[] {
    return this.#askOnce(() => {
      const row = this.#rooms.get(this.#room)
      return row === undefined ? [] : this.#record.rows(row)
    })
  }

  /** Seqs of the entries of that log that are here. */
  #has(row: RoomRow | undefined, log: Lineage): Range[] {
    return row === undefined ? [] : intersection(extentOf(row), inCommon(row, log))
  }

  /** From here on no epoch below `epoch` can append there; the row is read behind that, and is as it was before. */
  fence(epoch: Epoch, self: string, standsAgainst: (row: RoomRow) => boolean): RoomRow | 'fenced' | 'busy' {
    return this.#ask(() => {
      // Read first: a server that runs commits, and then writes its mark.
      const mark = Math.max(markIn(this.ref.dataDir), this.ref.watermark ?? 0)
      try {
        const fenced = this.#db.transaction(() => this.#fence(epoch, self, standsAgainst, mark)).immediate()
        if (fenced !== 'fenced') raiseMark(this.ref.dataDir, this.#sql.lastId.get() as number)
        return fenced
      } catch (cause) {
        if (meaningOf(cause) === 'busy') return 'busy'
        throw cause
      }
    })
  }

  #fence(
    epoch: Epoch,
    self: string,
    standsAgainst: (row: RoomRow) => boolean,
    mark: number,
  ): RoomRow | 'fenced' {
    const theirs = this.#rooms.get(this.#room)
    if (theirs !== undefined && standsAgainst(theirs)) return 'fenced'
    const lastCommit = (this.#sql.lastId.get() as number | undefined) ?? 0
    // What it lost may have been acked: under the old log its seqs would be given a second time. Its own server gives
    // the rooms other logs when it is started.
    if (mark > lastCommit)
      throw new SourceUnavailable(`${this.path} has lost commits: ${lastCommit} of ${mark}`)
    // Counted like a commit of theirs: a file that lost this fence is found to be older than it was.
    const commitNo = lastCommit + 1
    if (this.#sql.raiseLastId.run(commitNo).changes === 0) this.#sql.insertLastId.run(commitNo)
    if (theirs === undefined) {
      // Never used there, but whoever was told to be its home there might start now.
      return this.#rooms.insert({ ...EMPTY_ROW, room: this.#room, log: '', epoch, movedTo: self })
    }
    const fenced = { ...theirs, epoch, movedTo: self }
    this.#rooms.update(fenced)
    return theirs
  }

  /**
   * Deletes some of what is below the floor of `home`, the row of the store that serves the room, and not of record; from `from` on.
   * Nothing happens where the room is served from, or is another one below that than the home's.
   * @returns where to go on from, undefined at the end; 'busy': it is locked now
   */
  forget(home: RoomRow, from: Seq, limit: number): Seq | undefined | 'busy' {
    return this.#ask(() => {
      try {
        return this.#db.transaction(() => this.#forget(home, from, limit)).immediate()
      } catch (cause) {
        if (meaningOf(cause) === 'busy') return 'busy'
        throw cause
      }
    })
  }

  #forget(home: RoomRow, from: Seq, limit: number): Seq | undefined {
    const row = this.#rooms.get(this.#room)
    if (row === undefined || row.movedTo === null || row.epoch > home.epoch) return undefined
    const below = intersection(extentOf(row), [[1, home.floor - 1]])
    if (difference(below, inCommon(row, home)).length > 0) return undefined
    const floor = Math.min(home.floor, row.head + 1)
    if (row.floor < floor) {
      const ranges = row.missing === null ? [] : without(row.missing.ranges, 1, floor - 1)
      const missing = row.missing === null || ranges.length === 0 ? null : { ...row.missing, ranges }
      this.#rooms.update({ ...row, floor, missing })
      this.#record.keepCopies(row.key, floor)
    }
    return this.#rooms.deleteBelow(row.key, from, floor, limit)
  }

  close(): void {
    try {
      this.#db.close()
    } catch {
      // What was asked of it is done; the other server's file is its own business.
    }
  }

  /** In a transaction: all of it sees one state of a file that is being written. */
  #askOnce<T>(work: () => T): T {
    return this.#ask(() => this.#db.transaction(work)())
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

function prepare(db: Database) {
  const select = `SELECT ${COPIED} FROM messages WHERE room_key = ?`
  return {
    up: db.prepare(`${select} AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?`).raw(),
    down: db.prepare(`${select} AND seq <= ? AND seq >= ? ORDER BY seq DESC LIMIT ?`).raw(),
    known: db.prepare(
      'SELECT seq, ts, type, message AS text, rest FROM messages WHERE room_key = ? AND sender = ? AND send_id = ?',
    ),
    sent: db.prepare('SELECT 1 FROM messages WHERE room_key = ? AND sender = ? LIMIT 1').pluck(),
    lastId: db.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'messages'`).pluck(),
    raiseLastId: db.prepare(`UPDATE sqlite_sequence SET seq = ? WHERE name = 'messages'`),
    insertLastId: db.prepare(`INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?)`),
  }
}
