import type { Database } from 'better-sqlite3'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { entryCrc } from './checksum.ts'
import { checkRow, COPIED, type CopiedRow } from './copied-row.ts'
import { GONE_NAME, isGone, restWithout } from './gone.ts'

type NamedRow = [id: number, ...CopiedRow]

/** Takes the names of those who are gone out of a room's rows, copies of its record included. Within the caller's transaction. */
export class NameEraser {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: Database) {
    this.#sql = prepare(db)
  }

  /** Of one who is gone: out of all that is here of the room. The longer he was there, the longer it takes: 5 us for each entry. */
  erase(room: RoomId, key: number, userId: string): void {
    for (const rows of [key, -key].map((one) => this.#sql.sentBy.all(one, userId) as NamedRow[])) {
      for (const row of rows) this.#write(room, row, GONE_NAME, row[9])
    }
    for (const row of this.#sql.record.all(key, -key) as NamedRow[]) {
      const [, , username, , , sender, , , , rest] = row
      const without = restWithout(rest, sender, userId)
      if (without !== rest) this.#write(room, row, username, without)
    }
  }

  /** After rows came from elsewhere: of all who are gone by what is here now. */
  eraseAfterCopy(room: RoomId, key: number, rows: readonly CopiedRow[]): void {
    const record = (this.#sql.record.all(key, -key) as NamedRow[]).map(([, ...row]) => row)
    const seqs = new Set(rows.map(([seq]) => seq))
    for (const row of record.filter(([, , , , , , type, , rest]) => isGone(type, rest))) {
      const [seq, , , , userId] = row
      if (seqs.has(seq) || rows.some((one) => namelessRow(one, userId) !== one)) this.erase(room, key, userId)
    }
  }

  #write(room: RoomId, row: NamedRow, username: string | null, rest: string | null): void {
    const [id, ...entry] = row
    checkRow(room, entry) // or what is wrong with it would get a sum that is right
    const [seq, , text, , sender, sendId, type, ts] = entry
    const crc = entryCrc(room, seq, ts, type, sender, sendId, username, text, rest)
    this.#sql.rename.run(username, rest, crc, id)
  }
}

/** The row without the name of this user; the same one if it does not name him. */
export function namelessRow(row: CopiedRow, userId: string): CopiedRow {
  const [seq, username, text, time, sender, sendId, type, ts, rest] = row
  const named = sender === userId ? GONE_NAME : username
  const left = type === 'system' ? restWithout(rest, sender, userId) : rest
  return named === username && left === rest
    ? row
    : [seq, named, text, time, sender, sendId, type, ts, left, null]
}

function prepare(db: Database) {
  return {
    sentBy: db
      .prepare(
        `SELECT id, ${COPIED} FROM messages WHERE room_key = ? AND sender = ? AND username <> '${GONE_NAME}'`,
      )
      .raw(),
    record: db
      .prepare(
        `SELECT id, ${COPIED} FROM messages INDEXED BY messages_of_record
         WHERE room_key IN (?, ?) AND type IN ('system', 'delete') AND +type = 'system'`,
      )
      .raw(),
    rename: db.prepare('UPDATE messages SET username = ?, rest = ?, crc = ? WHERE id = ?'),
  }
}
