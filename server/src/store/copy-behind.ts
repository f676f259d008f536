import type { RoomId } from '@flotilla/protocol/frames.ts'
import { without } from './ranges.ts'
import { COPY_CHUNK } from './room-copy.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import type { Epoch } from './store.ts'
import type { Seq } from '@flotilla/protocol/frames.ts'

export type Progress = 'more' | 'over' | { whole: { room: RoomId; epoch: Epoch; head: Seq } }

/**
 * Copies one chunk of what a room that is served here still has elsewhere, the newest of it first. What was copied is readable
 * at once; where it stopped is in the room's row, so it goes on after a crash.
 * @returns 'over' if there is nothing to do: it is whole, or not ours any more
 * @throws SourceUnavailable
 */
export function copyBehind(writer: SqliteWriter, room: RoomId): Progress {
  const row = writer.row(room)
  const range = row?.missing?.ranges.at(-1)
  if (row === undefined || row.missing === null || range === undefined || row.movedTo !== null) {
    writer.elsewheres.close(room)
    return 'over'
  }
  const [from, to] = range
  const rows = writer.elsewheres
    .of(room, row, row.missing)
    .run(to, 'down', Math.min(COPY_CHUNK, to - from + 1))
  const ranges = without(row.missing.ranges, rows[0]![0], to)
  const isWhole = ranges.length === 0
  writer.transact(() => {
    // The fence may have been raised by another server since: then this is of no use, but not wrong either.
    const now = writer.rooms.get(room)!
    writer.record.dropCopies(now.key, [rows[0]![0], to])
    writer.insertCopied(now, rows)
    writer.rooms.update({ ...now, missing: isWhole ? null : { ...row.missing!, ranges } })
  })
  writer.forget(room)
  if (!isWhole) return 'more'
  writer.elsewheres.close(room)
  return { whole: { room, epoch: row.epoch, head: row.head } }
}
