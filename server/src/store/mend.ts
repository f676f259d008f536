import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { Damage, entryCrc } from './checksum.ts'
import { checkRow, COPIED, type CopiedRow } from './copied-row.ts'
import { renewed } from './lineage.ts'
import type { Range } from './ranges.ts'
import { RoomTable, type RoomRow } from './room-table.ts'

const CHUNK = 1_000
/** What stands in the place of an entry that is lost: an entry of the type `system` with this event. */
const LOST_EVENT = JSON.stringify({ event: 'damaged' })

/**
 * Makes a file serve again after damage was met in entries of `rooms`: what is not as it was written gives way to an entry that
 * says so, and those rooms get another log id, since their seqs may not stand for anything else under the old one. Also
 * looks at the row of every room.
 * @throws Damage where that is not enough: the file has to be replaced by a backup
 */
export function mend(db: Database, rooms: readonly RoomId[]): void {
  const table = new RoomTable(db)
  table.all()
  for (const room of rooms) {
    const row = table.get(room)
    if (row !== undefined) mendRoom(db, table, row)
  }
}

function mendRoom(db: Database, table: RoomTable, row: RoomRow): void {
  const bad = badRows(db, row.room, row.key)
  // Copies of its record (RoomRecord) are not served as entries: the log is what it was.
  const badCopies = badRows(db, row.room, -row.key)
  if (bad.length === 0 && badCopies.length === 0) return
  const replace = db.prepare(
    `UPDATE messages SET type = 'system', username = '', message = NULL, sender = 'system', send_id = ?, rest = ?, crc = ?
     WHERE id = ?`,
  )
  const timeOf = db.prepare('SELECT ts FROM messages WHERE id = ?').pluck()
  const kept = [0, ...bad.map(({ seq }) => seq)].map((seq, i): Range => [
    seq + 1,
    (bad[i]?.seq ?? row.head + 1) - 1,
  ])
  db.transaction(() => {
    for (const { id, seq } of [...bad, ...badCopies]) {
      const ts = timeOf.get(id) as number
      const sendId = `damaged-${seq}`
      const crc = entryCrc(row.room, seq, ts, 'system', 'system', sendId, '', null, LOST_EVENT)
      replace.run(sendId, LOST_EVENT, crc, id)
    }
    if (bad.length > 0) table.update({ ...row, ...renewed(row, randomUUID(), kept), isDoubted: true })
  }).immediate()
}

function badRows(db: Database, room: RoomId, key: number): { id: number; seq: Seq }[] {
  const read = db
    .prepare(`SELECT id, ${COPIED} FROM messages WHERE room_key = ? AND seq > ? ORDER BY seq LIMIT ${CHUNK}`)
    .raw()
  const bad: { id: number; seq: Seq }[] = []
  let at = 0
  for (;;) {
    const rows = read.all(key, at) as [id: number, ...CopiedRow][]
    for (const [id, ...entry] of rows) {
      if (!isSound(room, entry)) bad.push({ id, seq: entry[0] })
      at = entry[0]
    }
    if (rows.length < CHUNK) return bad
  }
}

function isSound(room: RoomId, row: CopiedRow): boolean {
  try {
    checkRow(room, row)
    return true
  } catch (cause) {
    if (cause instanceof Damage) return false
    throw cause
  }
}
