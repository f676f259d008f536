import { randomUUID } from 'node:crypto'
import type { Database, RunResult } from 'better-sqlite3'
import type { RoomId, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { entryCrc } from './checksum.ts'
import { COPIED, type CopiedRow } from './copied-row.ts'
import { Elsewheres } from './elsewhere.ts'
import { genesisWithout, isGone } from './gone.ts'
import { Judge, pushKnown } from './judge.ts'
import { renewed } from './lineage.ts'
import type { Mark } from './mark.ts'
import { NameEraser } from './name-eraser.ts'
import { RoomRecord } from './room-record.ts'
import { EMPTY_ROW, isErased, RoomTable, type RoomRow } from './room-table.ts'
import { DRAFT_CELLS, FENCED, GAP, NEW, ONLY_IF_THERE, UNSURE, type Cell } from './sqlite-messages.ts'
import type { Epoch, HeldRoom, Taken, Untaken } from './store.ts'

/** A file up to this size is written anew by way of memory. */
const IN_MEMORY_BYTES = 256 * 1024 * 1024
/** Rooms whose row is remembered; beyond it all are forgotten at once, and read again as they are used. */
const ROOMS_REMEMBERED = 50_000

/** The one connection that writes a server's chat file. Plain and synchronous; its worker wraps it. */
export class SqliteWriter {
  readonly db: Database
  readonly rooms: RoomTable
  readonly record: RoomRecord
  readonly names: NameEraser
  /** Where the missing parts of rooms that are not whole are searched. */
  readonly elsewheres = new Elsewheres()
  readonly #judge: Judge
  readonly #mark: Mark | undefined
  readonly #sql: ReturnType<typeof prepare>
  /**
   * Rows as of the last commit to the room. Within one epoch nobody but this object adds entries, so `head` is right or the epoch
   * is over; which of the two is checked on each commit.
   */
  readonly #rooms = new Map<RoomId, RoomRow>()
  readonly #timestamp = timestamps()
  /** Id of the last row of `messages`: it rises with each commit that stores, and outlives deletions. */
  #commitNo: number

  /** `mark`: told of every commit. */
  constructor(db: Database, mark?: Mark) {
    this.db = db
    this.#mark = mark
    this.rooms = new RoomTable(db)
    this.record = new RoomRecord(db)
    this.names = new NameEraser(db, this.record)
    this.#judge = new Judge(db, this.elsewheres)
    this.#sql = prepare(db)
    this.#commitNo = (this.#sql.lastId.get() as number | undefined) ?? 0
  }

  get commitNo(): number {
    return this.#commitNo
  }

  /** One transaction, one fsync for all. `cells` as packed by packBatch; answers what unpackCommitted reads. */
  append(cells: readonly Cell[]): number[] {
    const before = this.#commitNo
    // What is remembered of a room was true at the last commit; another process may have fenced it since. Only the
    // update inside the transaction tells, after the inserts: then all is undone and done again from the rows as they are.
    const answer =
      this.#transact(() => this.#appendAll(cells)) ?? this.#transact(() => this.#appendAll(cells))!
    // Only now: a number that was given in a commit that failed would be missed at the next start, as one that was lost.
    this.#commitNo = answer[0]!
    if (this.#commitNo > before) this.#mark?.write(this.#commitNo)
    return answer
  }

  /** As Store.take without `from`; 'elsewhere': the content has moved away (or never came), so `from` is needed. */
  take(room: RoomId, epoch: Epoch, genesis?: Genesis): Taken | Untaken | 'elsewhere' {
    return this.transact(() => {
      const row = this.rooms.get(room)
      if (row === undefined) {
        const made = { ...EMPTY_ROW, room, log: randomUUID(), movedTo: null, epoch, term: epoch }
        return this.record.taken(this.rooms.insert({ ...made, genesis: genesis ?? null }))
      }
      if (row.epoch > epoch) return isErased(row) ? 'erased' : 'fenced'
      if (row.movedTo !== null) return 'elsewhere'
      const isNew = row.genesis === null && genesis !== undefined
      const taken = { ...row, epoch, term: epoch, isDoubted: false, genesis: row.genesis ?? genesis ?? null }
      if (row.epoch !== epoch || row.isDoubted || isNew) {
        this.rooms.update(taken)
        this.forget(room)
      }
      return this.record.taken(taken)
    })
  }

  held(): HeldRoom[] {
    return this.rooms.held()
  }

  /** As Store.renewLogs. */
  renewLogs(above: number): number {
    this.#commitNo = this.transact(() => {
      for (const row of this.rooms.all()) {
        this.rooms.update({ ...row, ...(row.log !== '' && renewed(row, randomUUID())), isDoubted: true })
      }
      const commitNo = Math.max((this.#sql.lastId.get() as number | undefined) ?? 0, above)
      this.#raiseLastId(commitNo)
      this.#rooms.clear()
      return commitNo
    })
    return this.#commitNo
  }

  /** The room's row as it is in the file now, inside whatever transaction is open. */
  row(room: RoomId): RoomRow | undefined {
    return this.rooms.get(room)
  }

  /** What is remembered of a room is not so any more: its row was changed. */
  forget(room: RoomId): void {
    this.#rooms.delete(room)
  }

  /** Rows of a room, or of its record: see RoomRecord. Inside a transaction of the caller's. */
  insertCopied({ room, key }: Pick<RoomRow, 'room' | 'key'>, rows: readonly CopiedRow[], as = key): void {
    for (const row of rows) this.#sql.insertCopied.run(as, ...row)
    this.names.eraseAfterCopy(room, key, rows)
  }

  /** Takes a name out of what is here of a room that is served elsewhere. */
  forgetName(room: RoomId, userId: UserId): void {
    this.transact(() => {
      const row = this.row(room)
      if (row === undefined || row.movedTo === null || isErased(row)) return
      this.names.erase(room, row.key, userId)
      if (row.genesis !== null) this.rooms.update({ ...row, genesis: genesisWithout(row.genesis, userId) })
    })
    this.forget(room)
  }

  /** Frames of the WAL that are not in the database file yet. */
  waitingFrames(): number {
    const [state] = this.db.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }]
    return Math.max(state.log - state.checkpointed, 0)
  }

  /** Brings what it can of the WAL into the database file; when that was all, the next commit starts the WAL over. */
  checkpoint(): void {
    this.db.pragma('wal_checkpoint(PASSIVE)')
  }

  /** The same when it is all of it, and nothing is left in the WAL. @returns false while somebody reads from it */
  emptyWal(): boolean {
    const busyMs = this.db.pragma('busy_timeout', { simple: true }) as number
    this.db.pragma('busy_timeout = 0') // or appends would wait
    try {
      const [state] = this.db.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }]
      return state.busy === 0
    } finally {
      this.db.pragma(`busy_timeout = ${busyMs}`)
    }
  }

  /** Size of the file. */
  bytes(): number {
    const [pages, size] = ['page_count', 'page_size'].map(
      (name) => this.db.pragma(name, { simple: true }) as number,
    )
    return pages! * size!
  }

  /** Writes the file anew, without unused parts. */
  compact(): void {
    // What goes out of use on the way is not only quicker in memory, but a large file may have no place there.
    this.db.pragma(`temp_store = ${this.bytes() <= IN_MEMORY_BYTES ? 'MEMORY' : 'FILE'}`)
    this.db.exec('VACUUM')
  }

  /** Deletes some of what other content took the place of. @returns whether there was any */
  clearBuried(limit: number): boolean {
    this.names.forget() // its key may be given again
    return this.transact(() => this.rooms.clearBuried(limit))
  }

  close(): void {
    this.elsewheres.closeAll()
    this.#mark?.close()
    this.db.close()
  }

  /** Runs `work` in a transaction that holds the write lock from its start. */
  transact<T>(work: () => T): T {
    this.#sql.begin.run()
    try {
      const result = work()
      this.#sql.commit.run()
      return result
    } catch (cause) {
      this.#undo()
      throw cause
    }
  }

  /** As transact, and counted like a commit: a file that lost this is found to be older than it was. */
  transactCounted<T>(work: () => T): T {
    let commitNo = 0
    const result = this.transact(() => {
      commitNo = ((this.#sql.lastId.get() as number | undefined) ?? 0) + 1
      this.#raiseLastId(commitNo)
      return work()
    })
    this.#commitNo = commitNo
    this.#mark?.write(commitNo)
    return result
  }

  #raiseLastId(commitNo: number): void {
    if (this.#sql.raiseLastId.run(commitNo).changes === 0) this.#sql.insertLastId.run(commitNo)
  }

  /** As transact; undefined from `work` undoes it. */
  #transact<T>(work: () => T | undefined): T | undefined {
    this.#sql.begin.run()
    try {
      const result = work()
      if (result === undefined) this.#undo()
      else this.#sql.commit.run()
      return result
    } catch (cause) {
      this.#undo()
      throw cause
    }
  }

  #undo(): void {
    this.#rooms.clear()
    this.names.forget()
    // SQLite has already undone it by itself after some errors, a full disk among them.
    if (this.db.inTransaction) this.#sql.rollback.run()
  }

  /** @returns undefined if what is remembered of a room proved stale: nothing of this may be committed. */
  #appendAll(cells: readonly Cell[]): number[] | undefined {
    const answer: number[] = [0]
    let lastId = this.#commitNo
    let at = 0
    while (at < cells.length) {
      const room = cells[at] as RoomId
      const epoch = cells[at + 1] as Epoch
      const end = at + 3 + (cells[at + 2] as number) * DRAFT_CELLS
      at += 3
      const row = this.#writable(room, epoch)
      if (row === undefined) {
        answer.push(FENCED)
        at = end
        continue
      }
      const headBefore = row.head
      answer.push((end - at) / DRAFT_CELLS)
      for (; at < end; at += DRAFT_CELLS) {
        lastId = Math.max(this.#appendOne(row, cells, at, answer), lastId)
      }
      const isStill =
        row.head > headBefore
          ? this.#sql.advance.run(row.head, row.lastTs, row.key, epoch).changes === 1
          : this.#sql.isHome.get(row.key, epoch) !== undefined
      if (!isStill) return undefined
    }
    answer[0] = lastId
    return answer
  }

  /** The room's row if `epoch` may write it, remembered where possible. */
  #writable(room: RoomId, epoch: Epoch): RoomRow | undefined {
    let row = this.#rooms.get(room)
    if (row === undefined || row.epoch !== epoch) {
      row = this.row(room)
      if (row === undefined || row.epoch !== epoch || row.movedTo !== null) return undefined
      if (this.#rooms.size >= ROOMS_REMEMBERED) this.#rooms.clear()
      this.#rooms.set(room, row)
    }
    return row
  }

  /** Pushes the outcome of one draft; returns the id of its row, or 0 if it made none. */
  #appendOne(row: RoomRow, cells: readonly Cell[], at: number, answer: number[]): number {
    const sendId = cells[at] as string
    const sender = cells[at + 1] as string
    const type = cells[at + 3] as string
    const text = cells[at + 5] as string | null
    const rest = cells[at + 6] as string | null
    const after = cells[at + 7] as string | null
    const check = cells[at + 8] as string | null
    if (row.missing !== null) {
      const outcome = this.#judge.elsewhere(row, sender, sendId, check === ONLY_IF_THERE ? null : after)
      if (outcome === UNSURE || outcome === GAP) {
        answer.push(outcome, 0, 0)
        return 0
      }
      if (outcome !== NEW) {
        pushKnown(answer, outcome, type, text, rest, check)
        return 0
      }
    }
    const isGap =
      row.missing === null && after !== null && this.#sql.sent.get(row.key, sender, after) === undefined
    const refusal = check === null ? NEW : this.#judge.refusal(row, check, sender, rest)
    let inserted: RunResult | undefined
    if (!isGap && refusal === NEW) {
      const seq = row.head + 1
      const ts = Math.max(cells[at + 4] as number, row.lastTs)
      const time = this.#timestamp(ts)
      // The unique index finds repeats at the price of the insert that is due anyway.
      const name = cells[at + 2] as string
      const crc = entryCrc(row.room, seq, ts, type, sender, sendId, name, text, rest)
      inserted = this.#sql.insert.run(name, text, time, row.key, seq, sender, sendId, type, ts, rest, crc)
      if (inserted.changes === 1) {
        row.head = seq
        row.lastTs = ts
        answer.push(NEW, seq, ts)
        if (type === 'system' && isGone(type, rest)) this.#eraseName(row, sender)
        return Number(inserted.lastInsertRowid)
      }
    }
    const known = this.#judge.known(row.key, sender, sendId)
    if (known === undefined) answer.push(isGap && check !== ONLY_IF_THERE ? GAP : refusal, 0, 0)
    else pushKnown(answer, known, type, text, rest, check)
    return 0
  }

  #eraseName(row: RoomRow, userId: string): void {
    // Who is fenced by now finds that out below, and undoes it; to write its row from memory would lift the fence.
    if (this.#sql.isHome.get(row.key, row.epoch) === undefined) return
    this.names.erase(row.room, row.key, userId)
    if (row.genesis === null) return
    row.genesis = genesisWithout(row.genesis, userId)
    this.rooms.update(row)
  }
}

/** What has to match for a row to be this home's: the fence. */
const IS_HOME = 'key = ? AND epoch = ? AND moved_to IS NULL'
const IS_SEND = 'room_key = ? AND sender = ? AND send_id = ?'

function prepare(db: Database) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    advance: db.prepare(`UPDATE rooms SET head = ?, last_ts = ? WHERE ${IS_HOME}`),
    isHome: db.prepare(`SELECT 1 FROM rooms WHERE ${IS_HOME}`).pluck(),
    sent: db.prepare(`SELECT 1 FROM messages WHERE ${IS_SEND}`).pluck(),
    insert: db.prepare(
      `INSERT INTO messages (username, message, timestamp, room_key, seq, sender, send_id, type, ts, rest, crc)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_key, sender, send_id) DO NOTHING`,
    ),
    insertCopied: db.prepare(
      `INSERT INTO messages (room_key, ${COPIED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    raiseLastId: db.prepare(`UPDATE sqlite_sequence SET seq = ? WHERE name = 'messages'`),
    insertLastId: db.prepare(`INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?)`),
    lastId: db.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'messages'`).pluck(),
  }
}

/** `ts` the way SQLite's CURRENT_TIMESTAMP writes it, with milliseconds. The drafts of a commit mostly share one. */
function timestamps(): (ts: number) => string {
  let lastTs = -1
  let last = ''
  return (ts) => {
    if (ts !== lastTs) {
      lastTs = ts
      last = new Date(ts).toISOString().replace('T', ' ').replace('Z', '')
    }
    return last
  }
}
