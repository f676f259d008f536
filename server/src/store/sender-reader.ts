import type { Database } from 'better-sqlite3'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { checkRow, COPIED, entryRow, type CopiedRow } from './copied-row.ts'
import type { Elsewheres } from './elsewhere.ts'
import { partsOf } from './room-table.ts'
import type { EntryRow } from './sqlite-messages.ts'

/** `cells` of what one sender said, by room. */
export interface SentRows {
  rooms: { room: RoomId; rows: EntryRow[] }[]
  next: string | undefined
  isWhole: boolean
}

interface HeldRow {
  key: number
  room: RoomId
  log: string
  was: string | null
  missing: string | null
}

/** Finds what one sender has in the rooms that are served from here: one look into an index for each room. */
export class SenderReader {
  readonly #db: Database
  readonly #sql: ReturnType<typeof prepare>
  readonly #elsewheres: Elsewheres

  constructor(db: Database, elsewheres: Elsewheres) {
    this.#db = db
    this.#sql = prepare(db)
    this.#elsewheres = elsewheres
  }

  /** As Store.roomsOf. @throws SourceUnavailable */
  roomsOf(userId: string): RoomId[] {
    return this.#db.transaction(() =>
      (this.#sql.held.all(-1) as HeldRow[])
        .filter((row) => this.#sql.sent.get(row.key, userId) !== undefined || this.#isElsewhere(row, userId))
        .map(({ room }) => room),
    )()
  }

  #isElsewhere({ room, log, was, missing }: HeldRow, userId: string): boolean {
    if (missing === null) return false
    const parts = partsOf({ was, missing })
    return this.#elsewheres.of(room, { log, was: parts.was }, parts.missing!).has(userId)
  }

  /** As Store.entriesOf. @throws Damage */
  entriesOf(userId: string, after: string | undefined, limit: number): SentRows {
    const [key, sendId] = after === undefined ? [-1, ''] : (JSON.parse(after) as [number, string])
    return this.#db.transaction(() => {
      const found: SentRows = { rooms: [], next: undefined, isWhole: true }
      let left = limit
      for (const row of this.#sql.held.all(key) as HeldRow[]) {
        if (row.missing !== null) found.isWhole = false
        const rows = this.#sql.page.all(
          row.key,
          userId,
          row.key === key ? sendId : '',
          left + 1,
        ) as CopiedRow[]
        const page = rows.slice(0, left)
        for (const one of page) checkRow(row.room, one)
        if (page.length > 0) found.rooms.push({ room: row.room, rows: page.map(entryRow) })
        left -= page.length
        if (rows.length > page.length) {
          found.next = JSON.stringify([row.key, page.at(-1)?.[5] ?? (row.key === key ? sendId : '')])
          break
        }
      }
      return found
    })()
  }
}

function prepare(db: Database) {
  return {
    held: db.prepare(
      'SELECT key, room, log, was, missing FROM rooms WHERE moved_to IS NULL AND key >= ? ORDER BY key',
    ),
    sent: db.prepare('SELECT 1 FROM messages WHERE room_key = ? AND sender = ? LIMIT 1').pluck(),
    page: db
      .prepare(
        `SELECT ${COPIED} FROM messages WHERE room_key = ? AND sender = ? AND send_id > ? ORDER BY send_id LIMIT ?`,
      )
      .raw(),
  }
}
