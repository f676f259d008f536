import { crc32 } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { Damage } from './checksum.ts'
import { checkRow, COPIED, type CopiedRow } from './copied-row.ts'
import type { Ancestor, Lineage } from './lineage.ts'
import { difference, type Range } from './ranges.ts'
import type { Epoch, HeldRoom, StoreRef } from './store.ts'

/** What of a room is not in this file. Each entry stands in one of the stores `from`, in this log or one that it was (lineage.ts). */
export interface Missing {
  ranges: readonly Range[]
  from: readonly StoreRef[]
}

/** `log` is empty: the room was fenced here before anybody used it. */
export interface RoomRow extends Lineage {
  key: number
  room: RoomId
  epoch: Epoch
  /** Server id of the store the content went to, or is being copied from; null: it is here. */
  movedTo: string | null
  head: Seq
  lastTs: number
  /** The last epoch in which this store was the room's home; of several stores the one with the highest has all of it. */
  term: Epoch
  /** What stands here may be older than what was once committed: see S9. */
  isDoubted: boolean
  missing: Missing | null
  genesis: Genesis | null
  /** The lowest seq that is served. */
  floor: Seq
  /**
   * The stores it was taken from, the last ones first. They keep what they had, served to nobody: what is damaged here is looked for
   * there (mend.ts), and what is forgotten here is to be forgotten there (former-homes.ts).
   */
  formers: readonly StoreRef[]
}

/** The row of a room that was deleted: no epoch is higher. `isDoubted`: there may be bytes of it left in the file. */
export function tombstone(room: RoomId, isDoubted: boolean): Omit<RoomRow, 'key'> {
  return { ...EMPTY_ROW, room, log: '', epoch: ERASED_EPOCH, movedTo: 'erased', isDoubted }
}

export function isErased({ epoch }: Pick<RoomRow, 'epoch'>): boolean {
  return epoch === ERASED_EPOCH
}

const ERASED_EPOCH = Number.MAX_SAFE_INTEGER

/** What a row is before anything is known of its room. */
export const EMPTY_ROW = {
  was: [],
  epoch: 0,
  head: 0,
  lastTs: 0,
  term: 0,
  isDoubted: false,
  missing: null,
  genesis: null,
  floor: 1,
  formers: [],
} satisfies Partial<RoomRow>

interface StoredRow extends Omit<RoomRow, 'was' | 'isDoubted' | 'missing' | 'genesis' | 'formers'> {
  was: string | null
  isDoubted: number
  missing: string | null
  genesis: string | null
  formers: string | null
  seal: number | null
  top: Seq | null
}

/** Rows whose content another one replaced keep their entries under such a name until those are deleted. */
const BURIED = '~'

/** All of it, as a column is called in RoomRow. */
const SELECT = `SELECT key, room, log, was, epoch, moved_to AS movedTo, head, last_ts AS lastTs, term, is_doubted AS isDoubted,
  missing, genesis, floor, formers, seal, (SELECT max(seq) FROM messages WHERE room_key = rooms.key) AS top FROM rooms`

/** The table `rooms` of one chat file, ours or another server's. Rows that are not as they were written are Damage. */
export class RoomTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: Database) {
    this.#sql = prepare(db)
  }

  get(room: RoomId): RoomRow | undefined {
    const row = this.#sql.get.get(room) as StoredRow | undefined
    return row && opened(row)
  }

  /** All but the buried ones. */
  all(): RoomRow[] {
    return (this.#sql.all.all() as StoredRow[]).filter(({ room }) => !room.startsWith(BURIED)).map(opened)
  }

  /** @returns with its key */
  insert(row: Omit<RoomRow, 'key'>): RoomRow {
    const { lastInsertRowid } = this.#sql.insert.run(stored(row))
    return { ...row, key: Number(lastInsertRowid) }
  }

  update(row: RoomRow): void {
    this.#sql.update.run({ ...stored(row), key: row.key })
  }

  /** Gives the name free: the entries stay until `someBuried` leads to them. */
  bury(row: RoomRow): void {
    this.update({
      ...row,
      room: `${BURIED}${row.key}`,
      movedTo: '',
      missing: null,
      genesis: null,
      formers: [],
    })
  }

  /** Deletes up to `limit` entries out of a room. @returns whether there may be more */
  cut(key: number, [from, to]: Range, limit: number): boolean {
    return this.#sql.cut.run(key, from, to, limit).changes === limit
  }

  /** Milliseconds since 1970, of an entry that is here. @throws Damage */
  timeOf({ room, key }: Pick<RoomRow, 'room' | 'key'>, seq: Seq): number {
    const row = this.#sql.entry.get(key, seq) as CopiedRow | undefined
    if (row === undefined) throw new Damage(`entries are gone: seq ${seq} of ${room}`, room)
    checkRow(room, row)
    return row[7]
  }

  /** When the next entry behind `seq` that is here was said: no earlier one was said later. */
  timeBehind({ key, lastTs }: RoomRow, seq: Seq): { ts: number; time: string } {
    const next = this.#sql.behind.get(key, seq) as { ts: number; time: string } | undefined
    return next ?? { ts: lastTs, time: '' }
  }

  /**
   * Deletes what is below `floor` and not of record, of the next `limit` entries from `from` on.
   * @returns where to go on from, undefined at the end
   */
  deleteBelow(key: number, from: Seq, floor: Seq, limit: number): Seq | undefined {
    const rows = this.#sql.below.all(key, from, floor, limit) as { id: number; seq: Seq; type: string }[]
    for (const { id, type } of rows) if (type !== 'system' && type !== 'delete') this.#sql.delete.run(id)
    return rows.length < limit ? undefined : rows.at(-1)!.seq + 1
  }

  /** Deletes up to `limit` entries of a buried row, and it with the last. @returns whether there was any */
  clearBuried(limit: number): boolean {
    const key = this.#sql.someBuried.get() as number | undefined
    if (key === undefined) return false
    if (this.#sql.clear.run({ key, limit }).changes < limit) this.#sql.drop.run(key)
    return true
  }

  /** As Store.held. */
  held(): HeldRoom[] {
    const rows = this.#sql.held.all() as (Omit<HeldRoom, 'isWhole' | 'genesis'> & {
      isWhole: number
      genesis: string | null
    })[]
    return rows.map(({ isWhole, genesis, ...row }) => ({
      ...row,
      isWhole: isWhole === 1,
      ...(genesis !== null && { genesis: JSON.parse(genesis) as Genesis }),
    }))
  }

  /** Deleted rooms. */
  erased(): RoomId[] {
    return this.#sql.erased.all() as RoomId[]
  }

  /** Deleted rooms of which there may be bytes left in the file. */
  slack(): RoomId[] {
    return this.#sql.slack.all() as RoomId[]
  }

  /** There are none left of these. */
  clearSlack(rooms: readonly RoomId[]): void {
    for (const room of rooms) this.update({ ...this.get(room)!, isDoubted: false })
  }

  /** Names of the rooms that are served from here and of which not all is here. */
  notWhole(): RoomId[] {
    return this.#sql.notWhole.all() as RoomId[]
  }
}

function opened({ seal, top, ...row }: StoredRow): RoomRow {
  if (seal !== null && seal !== sealOf(row)) throw new Damage(`the row of room ${row.key} was changed`)
  // Of a room that is being copied the head is ahead of the entries.
  if (row.movedTo === null && row.floor <= row.head && top !== row.head) {
    throw new Damage(`room ${row.key} ends at ${top ?? 0}, not at ${row.head}`)
  }
  return {
    ...row,
    isDoubted: row.isDoubted === 1,
    ...partsOf(row),
    genesis: row.genesis === null ? null : (JSON.parse(row.genesis) as Genesis),
    formers: row.formers === null ? [] : (JSON.parse(row.formers) as StoreRef[]),
  }
}

/** The cells that hold JSON. */
export function partsOf({
  was,
  missing,
}: Pick<StoredRow, 'was' | 'missing'>): Pick<RoomRow, 'was' | 'missing'> {
  return {
    was: was === null ? [] : (JSON.parse(was) as Ancestor[]),
    missing: missing === null ? null : (JSON.parse(missing) as Missing),
  }
}

/** What of the room is in its file. */
export function extentOf({ head, floor, missing }: Pick<RoomRow, 'head' | 'floor' | 'missing'>): Range[] {
  return difference(head < floor ? [] : [[floor, head]], missing?.ranges ?? [])
}

function stored({ was, isDoubted, missing, genesis, formers, ...row }: Omit<RoomRow, 'key'>) {
  const cells = {
    ...row,
    was: was.length === 0 ? null : JSON.stringify(was),
    isDoubted: isDoubted ? 1 : 0,
    missing: missing === null ? null : JSON.stringify(missing),
    genesis: genesis === null ? null : JSON.stringify(genesis),
    formers: formers.length === 0 ? null : JSON.stringify(formers),
  }
  return { ...cells, seal: sealOf(cells) }
}

/** Over what changes seldom; the head is checked against the entries. */
function sealOf(
  row: Pick<
    StoredRow,
    | 'room'
    | 'log'
    | 'was'
    | 'epoch'
    | 'movedTo'
    | 'term'
    | 'isDoubted'
    | 'missing'
    | 'genesis'
    | 'floor'
    | 'formers'
  >,
): number {
  const { room, log, was, epoch, movedTo, term, isDoubted, missing, genesis, floor, formers } = row
  // Without `was`, and without these, it is the seal of rows that were written before there were any.
  const more: unknown[] = was === null ? [] : [was]
  if (genesis !== null || floor !== 1) more.push([genesis, floor])
  if (formers !== null) more.push({ formers })
  return crc32(JSON.stringify([room, log, epoch, movedTo, term, isDoubted, missing, ...more]))
}

function prepare(db: Database) {
  return {
    get: db.prepare(`${SELECT} WHERE room = ?`),
    all: db.prepare(SELECT),
    insert: db.prepare(
      `INSERT INTO rooms (room, log, was, epoch, moved_to, head, last_ts, term, is_doubted, missing, genesis, floor,
         formers, seal)
       VALUES (:room, :log, :was, :epoch, :movedTo, :head, :lastTs, :term, :isDoubted, :missing, :genesis, :floor,
         :formers, :seal)`,
    ),
    update: db.prepare(
      `UPDATE rooms SET room = :room, log = :log, was = :was, epoch = :epoch, moved_to = :movedTo, head = :head, last_ts = :lastTs,
         term = :term, is_doubted = :isDoubted, missing = :missing, genesis = :genesis,
         floor = :floor, formers = :formers, seal = :seal WHERE key = :key`,
    ),
    someBuried: db.prepare(`SELECT key FROM rooms WHERE room GLOB '${BURIED}*' LIMIT 1`).pluck(),
    clear: db.prepare(
      'DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_key IN (:key, -:key) LIMIT :limit)',
    ),
    cut: db.prepare(
      'DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_key = ? AND seq BETWEEN ? AND ? LIMIT ?)',
    ),
    held: db.prepare(
      `SELECT room, epoch, head, log, missing IS NULL AS isWhole, genesis FROM rooms
       WHERE moved_to IS NULL AND is_doubted = 0`,
    ),
    erased: db.prepare(`SELECT room FROM rooms WHERE epoch = ${ERASED_EPOCH}`).pluck(),
    slack: db.prepare(`SELECT room FROM rooms WHERE epoch = ${ERASED_EPOCH} AND is_doubted = 1`).pluck(),
    entry: db.prepare(`SELECT ${COPIED} FROM messages WHERE room_key = ? AND seq = ?`).raw(),
    behind: db.prepare(
      'SELECT ts, timestamp AS time FROM messages WHERE room_key = ? AND seq > ? ORDER BY seq LIMIT 1',
    ),
    below: db.prepare(
      'SELECT id, seq, type FROM messages WHERE room_key = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?',
    ),
    delete: db.prepare('DELETE FROM messages WHERE id = ?'),
    drop: db.prepare('DELETE FROM rooms WHERE key = ?'),
    notWhole: db.prepare('SELECT room FROM rooms WHERE missing IS NOT NULL AND moved_to IS NULL').pluck(),
  }
}
