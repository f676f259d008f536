import type { Database } from 'better-sqlite3'
import type { Seq, UserId } from '@flotilla/protocol/frames.ts'
import { checkRow, COPIED, entryRow, type CopiedRow } from './copied-row.ts'
import type { Range } from './ranges.ts'
import type { RoomRow } from './room-table.ts'
import { unpackEntries } from './sqlite-messages.ts'
import type { Taken } from './store.ts'

/**
 * The entries that changed a room itself, and deletions: in an index of their own (`messages_of_record`). Of a room of which a part
 * is still elsewhere they are here nevertheless, as copies under the negative of its key, since who may do what in a room
 * cannot wait for other files. A copy goes when its entry comes.
 */
export class RoomRecord {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: Database) {
    this.#sql = prepare(db)
  }

  /** All of it, ascending. @throws Damage */
  rows({ room, key }: Pick<RoomRow, 'room' | 'key'>): CopiedRow[] {
    const rows = this.#sql.all.all(key, -key) as CopiedRow[]
    for (const row of rows) checkRow(room, row)
    return rows
  }

  /** What the taker of a room is told. @throws Damage */
  taken(row: RoomRow): Taken {
    const { log, head, missing, genesis, floor } = row
    const record = unpackEntries(row.room, this.rows(row).map(entryRow))
    const chronicle = record.filter(({ type }) => type === 'system')
    return { log, head, isWhole: missing === null, floor, chronicle, ...(genesis !== null && { genesis }) }
  }

  /** The last `limit` of it before `seq`, descending. @throws Damage */
  page({ room, key }: Pick<RoomRow, 'room' | 'key'>, before: Seq, limit: number): CopiedRow[] {
    const rows = this.#sql.page.all(key, -key, before, limit) as CopiedRow[]
    for (const row of rows) checkRow(room, row)
    return rows
  }

  /** Ids of those who are gone: `gone` entries are theirs. */
  gone(key: number): UserId[] {
    return this.#sql.gone.all(key, -key) as UserId[]
  }

  /** What its system entries say besides their text, the last first. @throws Damage */
  *restsOf({ room, key }: Pick<RoomRow, 'room' | 'key'>): Generator<string | null> {
    for (const row of this.#sql.last.iterate(key, -key) as Iterable<CopiedRow>) {
      checkRow(room, row)
      const [, , , , , , type, , rest] = row
      if (type === 'system') yield rest
    }
  }

  /** The copy of an entry that is elsewhere, if it is of record. @throws Damage */
  copyOf({ room, key }: Pick<RoomRow, 'room' | 'key'>, seq: Seq): CopiedRow | undefined {
    const row = this.#sql.copy.get(-key, seq) as CopiedRow | undefined
    if (row !== undefined) checkRow(room, row)
    return row
  }

  /** What was missing below `seq` was forgotten: of that the copies stay. */
  keepCopies(key: number, seq: Seq): void {
    this.#sql.keepCopies.run({ key, seq })
  }

  /** The entries themselves have come. */
  dropCopies(key: number, [from, to]: Range): void {
    this.#sql.dropCopies.run(-key, from, to)
  }
}

function prepare(db: Database) {
  const from = `FROM messages INDEXED BY messages_of_record WHERE room_key IN (?, ?) AND type IN ('system', 'delete')`
  const select = `SELECT ${COPIED} ${from}`
  return {
    all: db.prepare(`${select} ORDER BY seq`).raw(),
    // As restOf writes it.
    gone: db.prepare(`SELECT DISTINCT sender ${from} AND substr(rest, 1, 15) = '{"event":"gone"'`).pluck(),
    last: db.prepare(`${select} ORDER BY seq DESC`).raw(),
    page: db.prepare(`${select} AND seq < ? ORDER BY seq DESC LIMIT ?`).raw(),
    copy: db.prepare(`SELECT ${COPIED} FROM messages WHERE room_key = ? AND seq = ?`).raw(),
    keepCopies: db.prepare('UPDATE messages SET room_key = :key WHERE room_key = -:key AND seq < :seq'),
    dropCopies: db.prepare('DELETE FROM messages WHERE room_key = ? AND seq BETWEEN ? AND ?'),
  }
}
