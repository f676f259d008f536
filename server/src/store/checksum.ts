import { crc32 } from 'node:zlib'
import type { RoomId } from '@flotilla/protocol/frames.ts'

/** A stored row is not what was written. Nobody can tell what else is wrong: the store that meets it is lost. */
export class Damage extends Error {
  override name = 'Damage'
  /** Whose entry it is, if it is one. */
  readonly room: RoomId | undefined

  constructor(message: string, room?: RoomId) {
    super(message)
    this.room = room
  }
}

/**
 * What an entry is checked by whenever it is read: a flipped bit on the disk must not become another text. The room is in it, the
 * log is not: entries keep it wherever they are copied to.
 *
 * Field by field, and numbers by arithmetic: made into one string first, it would cost three times as much, for every entry.
 */
export function entryCrc(
  room: string,
  seq: number,
  ts: number,
  type: string,
  sender: string,
  sendId: string,
  username: string | null,
  text: string | null,
  rest: string | null,
): number {
  let crc = text === null ? 1 : crc32(text)
  if (rest !== null) crc = crc32(rest, crc)
  crc = crc32(sendId, crc)
  crc = crc32(sender, crc)
  // A name is mostly the end of its id.
  if (username !== null && !sender.endsWith(username)) crc = crc32(username, crc)
  else crc ^= username === null ? 1 : username.length
  crc ^= Math.imul(seq, SPREAD) ^ Math.imul(ts | 0, SPREAD_MORE) ^ Math.imul((ts / 2 ** 32) | 0, SPREAD)
  return (crc ^ crcOfName(room) ^ Math.imul(crcOfName(type), SPREAD_MORE)) >>> 0
}

/** Odd: a change of one bit of what is multiplied is a change of the product. */
const SPREAD = 0x9e3779b1
const SPREAD_MORE = 0x85ebca6b

/** Rooms and types come again and again. */
const crcs = new Map<string, number>()
const CRCS_REMEMBERED = 1_000

function crcOfName(name: string): number {
  let crc = crcs.get(name)
  if (crc === undefined) {
    if (crcs.size >= CRCS_REMEMBERED) crcs.clear()
    crcs.set(name, (crc = crc32(name)))
  }
  return crc
}
