import type { Database } from 'better-sqlite3'
import type { RoomId, UserId } from '@flotilla/protocol/frames.ts'
import { entryCrc } from './checksum.ts'
import { checkRow, COPIED, type CopiedRow } from './copied-row.ts'
import { GONE_NAME, isGone, restWithout } from './gone.ts'
import type { RoomRecord } from './room-record.ts'

/** Beyond it all are forgotten at once. */
const ROOMS_REMEMBERED = 1_000

type NamedRow = [id: number, ...CopiedRow]

/** Takes the names of those who are gone out of a room's rows, copies of its record included. Within the caller's transaction. */
export class NameEraser {
  readonly #sql: ReturnType<typeof prepare>
  readonly #record: RoomRecord
  /** Who is gone, of rooms that are being copied: their record is not read again with each of many parts. */
  readonly #gone = new Map<number, Set<UserId>>()

  constructor(db: Database, record: RoomRecord) {
    this.#sql = prepare(db)
    this.#record = record
  }

  /** Of one who is gone: out of all that is here of the room. The longer he was there, the longer it takes: 5 us for each entry. */
  erase(room: RoomId, key: number, userId: UserId): void {
    this.#gone.get(key)?.add(userId)
    for (const rows of [key, -key].map((one) => this.#sql.sentBy.all(one, userId) as NamedRow[])) {
      for (const row of rows) this.#write(room, row, GONE_NAME, row[9])
    }
    for (const row of this.#sql.record.all(key, -key, userId, JSON.stringify(userId)) as NamedRow[]) {
      const [, , username, , , sender, , , , rest] = row
      const without = restWithout(rest, sender, userId)
      if (without !== rest) this.#write(room, row, username, without)
    }
  }

  /** After rows came from elsewhere: of all who are gone by what is here now. */
  eraseAfterCopy(room: RoomId, key: number, rows: readonly CopiedRow[]): void {
    let known = this.#gone.get(key)
    if (known === undefined) {
      if (this.#gone.size >= ROOMS_REMEMBERED) this.#gone.clear()
      this.#gone.set(key, (known = new Set(this.#record.gone(key))))
    }
    const gone = rows.filter(([, , , , , , type, , rest]) => isGone(type, rest)).map((row) => row[4])
    for (const userId of known) if (rows.some((row) => namelessRow(row, userId) !== row)) gone.push(userId)
    for (const userId of new Set(gone)) {
      known.add(userId)
      this.erase(room, key, userId)
    }
  }

  /** Entries that were here are not: what is remembered of who is gone may not be so. */
  forget(): void {
    this.#gone.clear()
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
         WHERE room_key IN (?, ?) AND type IN ('system', 'delete') AND +type = 'system' AND (sender = ? OR instr(rest, ?) > 0)`,
      )
      .raw(),
    rename: db.prepare('UPDATE messages SET username = ?, rest = ?, crc = ? WHERE id = ?'),
  }
}
