import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { LOST_EVENT } from '@flotilla/protocol/acts.ts'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { Damage, entryCrc } from './checksum.ts'
import { COPIED, isSound, type CopiedRow } from './copied-row.ts'
import { Elsewhere } from './elsewhere.ts'
import { renewed } from './lineage.ts'
import { namelessRow } from './name-eraser.ts'
import type { Range } from './ranges.ts'
import { RoomRecord } from './room-record.ts'
import { RoomTable, type RoomRow } from './room-table.ts'
import { meaningOf } from './sqlite-file.ts'
import { SourceUnavailable } from './store.ts'

/**
 * Makes a file serve again after damage was met in entries of it. What is not as it was written is looked for in the other stores
 * that have had the room, entry by entry, and put back as it was. What nobody has gives way to an entry that says so (`LOST_EVENT`)
 * and of what type the lost one was: what happened to the room cannot be read as nothing, see `Roster`. Then the room gets another
 * log id, since such a seq may not stand for anything else under the old one.
 */

const CHUNK = 1_000
/** Where the type of a damaged entry reads as one of these it was no act: one that did was not made out of `system` by chance. */
const TALK = new Set(['message', 'edit', 'delete', 'react'])

interface BadRow {
  id: number
  seq: Seq
}

/**
 * Mends the entries of `rooms`. Also looks at the row of every room.
 * @throws Damage, SQLite's errors: that is not enough, the file has to be replaced by a backup
 */
export function mend(db: Database, rooms: readonly RoomId[]): void {
  const table = new RoomTable(db)
  table.all()
  let isReindexed = false
  for (const room of rooms) {
    const row = table.get(room)
    if (row === undefined) continue
    const bad = badRows(db, room, row.key)
    // Copies of its record (RoomRecord) are not served as entries: the log is what it was.
    const badCopies = badRows(db, room, -row.key)
    if (bad.length === 0 && badCopies.length === 0) continue
    if (!isReindexed) reindex(db)
    isReindexed = true
    const found = soundOnes(db, row, [...bad, ...badCopies])
    db.transaction(() => {
      const lost = [...bad, ...badCopies].filter(({ id, seq }) => !putBack(db, row, id, found.get(seq)))
      const lostSeqs = bad.filter((one) => lost.includes(one)).map(({ seq }) => seq)
      for (const { id } of lost) replace(db, row, id)
      if (lostSeqs.length > 0) {
        table.update({ ...row, ...renewed(row, randomUUID(), between(lostSeqs, row.head)), isDoubted: true })
      }
    }).immediate()
  }
}

/** The indexes say what was written: to change a row that says something else now would fail. */
function reindex(db: Database): void {
  try {
    db.exec('REINDEX messages')
  } catch (cause) {
    if (meaningOf(cause) !== 'lost') throw cause // no space for it, say
    throw new Damage(`its entries cannot be put in order: ${(cause as Error).message}`)
  }
}

/** Entries of these seqs as other stores have them, by seq. */
function soundOnes(db: Database, row: RoomRow, bad: readonly BadRow[]): Map<Seq, CopiedRow> {
  const from = [...(row.missing?.from ?? []), ...row.formers]
  const elsewhere = new Elsewhere(row.room, row, { ranges: [], from })
  const gone = new RoomRecord(db).gone(row.key)
  const found = new Map<Seq, CopiedRow>()
  try {
    for (const { seq } of bad) {
      const [other] = attempt(() => elsewhere.run(seq, 'up', 1)) ?? []
      // One without a sum nobody can vouch for.
      if (other !== undefined && other[9] !== null) found.set(seq, gone.reduce(namelessRow, other))
    }
  } finally {
    elsewhere.close()
  }
  return found
}

/** @returns undefined if no store that can be read has it */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof SourceUnavailable) return undefined
    throw cause
  }
}

/** @returns whether it could be */
function putBack(db: Database, { room }: RoomRow, id: number, found: CopiedRow | undefined): boolean {
  if (found === undefined) return false
  const [seq, username, text, time, sender, sendId, type, ts, rest] = found
  const crc = entryCrc(room, seq, ts, type, sender, sendId, username, text, rest)
  db.prepare(
    `UPDATE messages SET username = ?, message = ?, timestamp = ?, sender = ?, send_id = ?, type = ?, ts = ?, rest = ?, crc = ?
     WHERE id = ?`,
  ).run(username, text, time, sender, sendId, type, ts, rest, crc, id)
  return true
}

function replace(db: Database, row: RoomRow, id: number): void {
  const { key, seq, type, time } = db
    .prepare('SELECT room_key AS key, seq, type, timestamp AS time FROM messages WHERE id = ?')
    .get(id) as { key: number; seq: Seq; type: string; time: string }
  // Its own may be what is damaged, and what is forgotten is found by time, which never falls: so that of its neighbour.
  const timeBeside = (side: string) =>
    db.prepare(`SELECT ts FROM messages WHERE room_key = ? AND seq ${side} LIMIT 1`).pluck().get(key, seq)
  const ts = (timeBeside('< ? ORDER BY seq DESC') ?? timeBeside('> ? ORDER BY seq') ?? row.lastTs) as number
  putBack(db, row, id, lostRow(row.room, seq, { ts, time, was: TALK.has(type) ? type : 'system' }))
}

/** What stands where an entry is lost. `time`: `ts` as it is written; `was`: its type. */
export function lostRow(
  room: RoomId,
  seq: Seq,
  { ts, time, was }: { ts: number; time: string; was: string },
): CopiedRow {
  const rest = JSON.stringify({ event: LOST_EVENT, data: { was } })
  const sendId = `${LOST_EVENT}-${seq}`
  const crc = entryCrc(room, seq, ts, 'system', 'system', sendId, '', null, rest)
  return [seq, '', null, time, 'system', sendId, 'system', ts, rest, crc]
}

/** Whether an entry stands for one that is lost. */
export function isLost([, , , , , , type, , rest]: CopiedRow): boolean {
  return type === 'system' && rest !== null && (JSON.parse(rest) as { event?: unknown }).event === LOST_EVENT
}

/** All but these seqs. */
function between(seqs: readonly Seq[], head: Seq): Range[] {
  return [0, ...seqs].map((seq, i): Range => [seq + 1, (seqs[i] ?? head + 1) - 1])
}

function badRows(db: Database, room: RoomId, key: number): BadRow[] {
  const read = db
    .prepare(`SELECT id, ${COPIED} FROM messages WHERE room_key = ? AND seq > ? ORDER BY seq LIMIT ${CHUNK}`)
    .raw()
  const bad: BadRow[] = []
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
