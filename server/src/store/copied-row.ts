import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { Damage, entryCrc } from './checksum.ts'
import type { EntryRow } from './sqlite-messages.ts'

/** The columns of `messages` that an entry keeps wherever it is copied to. */
export const COPIED = 'seq, username, message, timestamp, sender, send_id, type, ts, rest, crc'
export type CopiedRow = [
  seq: Seq,
  username: string | null,
  message: string | null,
  timestamp: string,
  sender: string,
  sendId: string,
  type: string,
  ts: number,
  rest: string | null,
  crc: number | null,
]

/** @throws Damage if it is not what was written */
export function checkRow(room: RoomId, row: CopiedRow): void {
  const [seq, username, message, , sender, sendId, type, ts, rest, crc] = row
  if (crc !== null && crc !== entryCrc(room, seq, ts, type, sender, sendId, username, message, rest)) {
    throw new Damage(`an entry is not what was written: seq ${seq} of ${room}`, room)
  }
}

/** Whether it is what was written. */
export function isSound(room: RoomId, row: CopiedRow): boolean {
  try {
    checkRow(room, row)
    return true
  } catch (cause) {
    if (cause instanceof Damage) return false
    throw cause
  }
}

/** As it goes to who reads it. */
export function entryRow([seq, username, message, , sender, sendId, type, ts, rest]: CopiedRow): EntryRow {
  return [seq, sendId, sender, username ?? '', type as EntryRow[4], ts, message, rest]
}
