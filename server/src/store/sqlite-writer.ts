import { randomUUID } from 'node:crypto'
import type { Database, RunResult } from 'better-sqlite3'
import type { LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { CONFLICT, DRAFT_CELLS, FENCED, GAP, NEW, REPEAT, type Cell } from './sqlite-messages.ts'
import type { Epoch, HeldRoom, Taken } from './store.ts'

export interface RoomRow {
  key: number
  log: LogId
  epoch: Epoch
  movedTo: string | null
  head: Seq
  lastTs: number
}

/** Rooms whose row is remembered; beyond it all are forgotten at once, and read again as they are used. */
const ROOMS_REMEMBERED = 50_000

/** The one connection that writes a server's chat file. Plain and synchronous; its worker wraps it. */
export class SqliteWriter {
  readonly db: Database
  readonly #sql: ReturnType<typeof prepare>
  /**
   * Rows as of the last commit to the room. Within one epoch nobody but this object adds entries, so `head` is right or the epoch
   * is over; which of the two is checked on each commit.
   */
  readonly #rooms = new Map<RoomId, RoomRow>()
  readonly #timestamp = timestamps()
  /** Id of the last row of `messages`: it rises with each commit that stores, and outlives deletions. */
  #commitNo: number

  constructor(db: Database) {
    this.db = db
    this.#sql = prepare(db)
    this.#commitNo = (this.#sql.lastId.get() as number | undefined) ?? 0
  }

  /** One transaction, one fsync for all. `cells` as packed by packBatch; answers what unpackCommitted reads. */
  append(cells: readonly Cell[]): number[] {
    // What is remembered of a room was true at the last commit; another process may have fenced it since. Only the
    // update inside the transaction tells, after the inserts: then all is undone and done again from the rows as they are.
    return this.#transact(() => this.#appendAll(cells)) ?? this.#transact(() => this.#appendAll(cells))!
  }

  /** As Store.take without `from`; 'elsewhere': the content has moved away (or never came), so `from` is needed. */
  take(room: RoomId, epoch: Epoch): Taken | 'fenced' | 'elsewhere' {
    return this.#transact(() => {
      const row = this.row(room)
      if (row === undefined) return this.#insertRoom(room, epoch)
      if (row.epoch > epoch) return 'fenced'
      if (row.movedTo !== null) return 'elsewhere'
      if (row.epoch !== epoch) this.#sql.raise.run(epoch, row.key)
      return { log: row.log, head: row.head }
    })
  }

  held(): HeldRoom[] {
    return this.#sql.held.all() as HeldRoom[]
  }

  /** The room's row as it is in the file now, inside whatever transaction is open. */
  row(room: RoomId): RoomRow | undefined {
    return this.#sql.row.get(room) as RoomRow | undefined
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

  #insertRoom(room: RoomId, epoch: Epoch): Taken {
    const log = randomUUID()
    this.#sql.insertRoom.run(room, log, epoch)
    return { log, head: 0 }
  }

  /** Runs `work` in a transaction that holds the write lock from its start; undefined from `work` undoes it. */
  #transact<T>(work: () => T): T {
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
    this.#commitNo = lastId
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
    const isGap = after !== null && this.#sql.sent.get(row.key, sender, after) === undefined
    let inserted: RunResult | undefined
    if (!isGap) {
      const seq = row.head + 1
      const ts = Math.max(cells[at + 4] as number, row.lastTs)
      const time = this.#timestamp(ts)
      // The unique index finds repeats at the price of the insert that is due anyway.
      inserted = this.#sql.insert.run(cells[at + 2], text, time, row.key, seq, sender, sendId, type, ts, rest)
      if (inserted.changes === 1) {
        row.head = seq
        row.lastTs = ts
        answer.push(NEW, seq, ts)
        return Number(inserted.lastInsertRowid)
      }
    }
    const known = this.#sql.known.get(row.key, sender, sendId) as Known | undefined
    if (known === undefined) answer.push(GAP, 0, 0)
    else if (known.type !== type || known.text !== text || known.rest !== rest) answer.push(CONFLICT, 0, 0)
    else answer.push(REPEAT, known.seq, known.ts)
    return 0
  }
}

interface Known {
  seq: Seq
  ts: number
  type: string
  text: string | null
  rest: string | null
}

/** What has to match for a row to be this home's: the fence. */
const IS_HOME = 'key = ? AND epoch = ? AND moved_to IS NULL'
const IS_SEND = 'room_key = ? AND sender = ? AND send_id = ?'

function prepare(db: Database) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    row: db.prepare(
      'SELECT key, log, epoch, moved_to AS movedTo, head, last_ts AS lastTs FROM rooms WHERE room = ?',
    ),
    insertRoom: db.prepare(
      'INSERT INTO rooms (room, log, epoch, moved_to, head, last_ts) VALUES (?, ?, ?, NULL, 0, 0)',
    ),
    raise: db.prepare('UPDATE rooms SET epoch = ? WHERE key = ?'),
    advance: db.prepare(`UPDATE rooms SET head = ?, last_ts = ? WHERE ${IS_HOME}`),
    isHome: db.prepare(`SELECT 1 FROM rooms WHERE ${IS_HOME}`).pluck(),
    held: db.prepare('SELECT room, epoch, head, log FROM rooms WHERE moved_to IS NULL'),
    sent: db.prepare(`SELECT 1 FROM messages WHERE ${IS_SEND}`).pluck(),
    known: db.prepare(`SELECT seq, ts, type, message AS text, rest FROM messages WHERE ${IS_SEND}`),
    insert: db.prepare(
      `INSERT INTO messages (username, message, timestamp, room_key, seq, sender, send_id, type, ts, rest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_key, sender, send_id) DO NOTHING`,
    ),
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
