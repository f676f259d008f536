import { createHash } from 'node:crypto'
import type { RoomId, UserId } from '@flotilla/protocol/frames.ts'

const PREFIX = 'direct-'
const HASH_CHARS = 43

/** The room between two people: the same, whoever of them asks. */
export function directRoomId(one: UserId, other: UserId): RoomId {
  const pair = JSON.stringify([one, other].sort())
  return PREFIX + createHash('sha256').update(pair).digest('base64url')
}

/** No other room has an id like theirs. */
export function isDirectRoomId(roomId: RoomId): boolean {
  return roomId.startsWith(PREFIX) && roomId.length === PREFIX.length + HASH_CHARS
}
