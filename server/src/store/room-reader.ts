import type { Database } from 'better-sqlite3'
import type { LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { Damage } from './checksum.ts'
import { checkRow, COPIED, entryRow, type CopiedRow } from './copied-row.ts'
import { Elsewheres } from './elsewhere.ts'
import type { Lineage } from './lineage.ts'
import { namelessRow } from './name-eraser.ts'
import { rangeAt } from './ranges.ts'
import { RoomRecord } from './room-record.ts'
import { partsOf, type Missing } from './room-table.ts'

import { SenderReader } from './sender-reader.ts'
import type { EntryRow } from './sqlite-messages.ts'
import { SourceUnavailable } from './store.ts'

type Side = 'after' | 'before'

/** Reads a server's chat file, and where not all of a room is in it, the files that have the rest. */
export class RoomReader {
  readonly #db: Database
  readonly #sql: ReturnType<typeof prepare>
  readonly #record: RoomRecord
  readonly #elsewheres = new Elsewheres()
  /** Reads by sender. */
  readonly senders: SenderReader

  constructor(db: Database) {
    this.#db = db
    this.#sql = prepare(db)
    this.#record = new RoomRecord(db)
    this.senders = new SenderReader(db, this.#elsewheres)
  }

  /** As Store.read. @throws Damage, SourceUnavailable */
  read(room: RoomId, side: Side, seq: Seq, limit: number): EntryRow[] {
    const found = this.#own(room, side, seq, limit)
    // Nearly always all of it is here: a full page that joins on.
    const rows =
      found.length === limit && joinsOn(found, side, seq) ? found : this.#careful(room, side, seq, limit)
    for (const row of rows) checkRow(room, row)
    return rows.map(entryRow)
  }

  /** As Store.audit. @throws Damage */
  audit(room: RoomId, before: Seq, limit: number): EntryRow[] {
    const row = this.#sql.row.get(room) as { key: number } | undefined
    return row === undefined ? [] : this.#record.page({ room, key: row.key }, before, limit).map(entryRow)
  }

  #own(room: RoomId, side: Side, seq: Seq, limit: number): CopiedRow[] {
    const rows = this.#sql[side].all({ room, seq, limit }) as CopiedRow[]
    return side === 'after' ? rows : rows.reverse()
  }

  /** In one transaction, so that the head, what is missing and the entries are of one moment. */
  #careful(room: RoomId, side: Side, seq: Seq, limit: number): CopiedRow[] {
    return this.#db.transaction(() => {
      const row = this.#sql.row.get(room) as
        | {
            key: number
            head: Seq
            floor: Seq
            log: LogId
            was: string | null
            missing: string | null
            movedTo: string | null
          }
        | undefined
      if (row === undefined || limit <= 0) return []
      const { head, floor } = row
      const from =
        side === 'after' ? Math.max(seq + 1, floor) : Math.max(Math.min(seq - 1, head) - limit + 1, floor)
      const to = side === 'after' ? Math.min(from + limit - 1, head) : Math.min(seq - 1, head)
      if (row.missing === null) {
        this.#elsewheres.close(room) // whole by now
        const rows = this.#stretch(room, from, to)
        // While a room is being copied its row may be ahead of its entries: nobody reads it then but out of curiosity.
        if (rows.length !== Math.max(to - from + 1, 0) && row.movedTo === null) {
          throw new Damage(`entries are gone: of ${room} there are ${rows.length} from ${from} to ${to}`)
        }
        return rows
      }
      const isHere = row.movedTo === null
      const { was, missing } = partsOf(row)
      return this.#pieced(room, row.key, { log: row.log, was }, missing!, from, to, isHere)
    })()
  }

  /** Without the names of those who are gone: where the rows come from they may still stand. */
  #nameless(key: number, rows: CopiedRow[]): CopiedRow[] {
    const gone = this.#record.gone(key)
    return gone.reduce((left, userId) => left.map((one) => namelessRow(one, userId)), rows)
  }

  /** `from … to` of a room that is not whole, ascending. */
  #pieced(
    room: RoomId,
    key: number,
    log: Lineage,
    missing: Missing,
    from: Seq,
    to: Seq,
    isHere: boolean,
  ): CopiedRow[] {
    const rows: CopiedRow[] = []
    for (let at = from; at <= to; at = from + rows.length) {
      const gap = rangeAt(missing.ranges, at)
      if (gap !== undefined) {
        const end = Math.min(gap[1], to)
        const theirs = this.#elsewheres.of(room, log, missing).run(at, 'up', end - at + 1)
        rows.push(...this.#nameless(key, theirs))
        continue
      }
      const next = missing.ranges.find(([start]) => start > at)
      const end = next === undefined ? to : Math.min(next[0] - 1, to)
      const own = this.#stretch(room, at, end)
      if (own.length !== end - at + 1) {
        if (!isHere) throw new SourceUnavailable(`${room} is not here as a whole`)
        throw new Damage(`entries are gone: ${room} from ${at} to ${end}`)
      }
      rows.push(...own)
    }
    return rows
  }

  /** Only what joins on to `from`. */
  #stretch(room: RoomId, from: Seq, to: Seq): CopiedRow[] {
    const rows = this.#own(room, 'after', from - 1, Math.max(to - from + 1, 0))
    const end = rows.findIndex(([seq], i) => seq !== from + i)
    return end < 0 ? rows : rows.slice(0, end)
  }

  close(): void {
    this.#elsewheres.closeAll()
    this.#db.close()
  }
}

/** Whether the rows, ascending, are those next to `seq`, none left out. */
function joinsOn(rows: readonly CopiedRow[], side: Side, seq: Seq): boolean {
  const first = side === 'after' ? Math.max(seq, 0) + 1 : seq - rows.length
  return rows.every(([at], i) => at === first + i)
}

function prepare(db: Database) {
  const select = `SELECT ${COPIED} FROM messages WHERE room_key = (SELECT key FROM rooms WHERE room = :room)`
  const above = 'seq >= (SELECT floor FROM rooms WHERE room = :room)'
  return {
    row: db.prepare(
      'SELECT key, head, floor, log, was, missing, moved_to AS movedTo FROM rooms WHERE room = ?',
    ),
    after: db.prepare(`${select} AND seq > :seq AND ${above} ORDER BY seq LIMIT :limit`).raw(),
    before: db.prepare(`${select} AND seq < :seq AND ${above} ORDER BY seq DESC LIMIT :limit`).raw(),
  }
}
