import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { COPY_CHUNK } from './room-copy.ts'
import type { RoomRow } from './room-table.ts'
import type { SqliteWriter } from './sqlite-writer.ts'

/** The room's row after its floor has risen; `isWhole`: what was missing was older than what is kept. */
export interface Forgetting {
  row: RoomRow
  hasBecomeWhole: boolean
}

/**
 * Raises the floor of a room to its first entry of `beforeTs` or later. From then on nothing below it is served; deleting it is
 * for `forgetChunk`. While the room's oldest part that is kept is still elsewhere, nothing is done: again when it is whole.
 */
export function raiseFloor(writer: SqliteWriter, room: RoomId, beforeTs: number): Forgetting | 'fenced' {
  const answer = writer.transact((): Forgetting | 'fenced' => {
    const row = writer.rooms.get(room)
    if (row === undefined || row.movedTo !== null) return 'fenced'
    const isHereFrom = Math.max(row.floor, (row.missing?.ranges.at(-1)?.[1] ?? 0) + 1)
    const floor = firstSince(writer, row, isHereFrom, beforeTs)
    if (floor <= isHereFrom) return { row, hasBecomeWhole: false }
    const risen = { ...row, floor, missing: null }
    writer.rooms.update(risen)
    writer.record.keepCopies(row.key, floor)
    return { row: risen, hasBecomeWhole: row.missing !== null }
  })
  writer.forget(room)
  return answer
}

/** Deletes some of what is below the floor and not of record. @returns where to go on from, undefined at the end */
export function forgetChunk(writer: SqliteWriter, { key, floor }: RoomRow, from: Seq): Seq | undefined {
  return writer.transact(() => writer.rooms.deleteBelow(key, from, floor, COPY_CHUNK))
}

/** Time never falls within a room: the first seq from `from` on whose time is `ts` or later; head + 1 if there is none. */
function firstSince(writer: SqliteWriter, row: RoomRow, from: Seq, ts: number): Seq {
  let [low, high] = [from, row.head + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (writer.rooms.timeOf(row, middle) < ts) low = middle + 1
    else high = middle
  }
  return low
}
