import { randomUUID } from 'node:crypto'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { CopiedRow } from './copied-row.ts'
import { renewed } from './lineage.ts'
import { isLost, lostRow } from './mend.ts'
import { without, type Range } from './ranges.ts'
import { COPY_CHUNK } from './room-copy.ts'
import type { RoomRow } from './room-table.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { SourceDamaged, type Epoch } from './store.ts'

export type Progress = 'more' | 'over' | { whole: { room: RoomId; epoch: Epoch; head: Seq } }

/**
 * Copies one chunk of what a room that is served here still has elsewhere, the newest of it first. What was copied is readable
 * at once; where it stopped is in the room's row, so it goes on after a crash. An entry that was damaged where it is, is here if it
 * is of record; any other gives way to one that says so, and the room goes on in another log.
 * @param onRenewed called if it does
 * @returns 'over' if there is nothing to do: it is whole, or not ours any more
 * @throws SourceUnavailable
 */
export function copyBehind(writer: SqliteWriter, room: RoomId, onRenewed: () => void): Progress {
  const row = writer.row(room)
  const range = row?.missing?.ranges.at(-1)
  if (row === undefined || row.missing === null || range === undefined || row.movedTo !== null) {
    writer.elsewheres.close(room)
    return 'over'
  }
  const [from, to] = range
  const elsewhere = writer.elsewheres.of(room, row, row.missing)
  const found = soundOnly(() => elsewhere.run(to, 'down', Math.min(COPY_CHUNK, to - from + 1)))
  const rows = found ?? [writer.record.copyOf(row, to) ?? lostBefore(writer, row, to)]
  const isOther = found === undefined && isLost(rows[0]!)
  const ranges = without(row.missing.ranges, rows[0]![0], to)
  const isWhole = ranges.length === 0
  const isStill = writer.transact(() => {
    const now = writer.rooms.get(room)!
    // The fence may have been raised by another server since: then this is of no use, but not wrong either. Another log would be.
    if (isOther && now.movedTo !== null) return false
    writer.record.dropCopies(now.key, [rows[0]![0], to])
    writer.insertCopied(now, rows)
    writer.rooms.update({
      ...now,
      ...(isOther && renewed(now, randomUUID(), allBut(to, now.head))),
      missing: isWhole ? null : { ...row.missing!, ranges },
    })
    return true
  })
  writer.forget(room)
  if (!isStill) return 'over'
  if (isOther) onRenewed()
  if (!isWhole) return 'more'
  writer.elsewheres.close(room)
  return { whole: { room, epoch: row.epoch, head: row.head } }
}

/** Of what is of record there would be a copy. */
function lostBefore(writer: SqliteWriter, row: RoomRow, seq: Seq): CopiedRow {
  return lostRow(row.room, seq, { ...writer.rooms.timeBehind(row, seq), was: 'message' })
}

function allBut(seq: Seq, head: Seq): Range[] {
  return [
    [1, seq - 1],
    [seq + 1, head],
  ]
}

/** @returns undefined if what stands first there is not what was written */
function soundOnly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof SourceDamaged) return undefined
    throw cause
  }
}
