import { createHmac } from 'node:crypto'
import type { RoomId, UserId } from '@flotilla/protocol/frames.ts'

const PREFIX = 'direct-'
const HASH_CHARS = 43

/**
 * The room between two people: the same, whoever of them asks. Nobody without the secret of the fleet can tell it from their
 * ids, and find out by it whether they write to each other.
 */
export function directRoomId(fleetSecret: string, one: UserId, other: UserId): RoomId {
  const pair = JSON.stringify(['direct room', ...[one, other].sort()])
  return PREFIX + createHmac('sha256', fleetSecret).update(pair).digest('base64url')
}

/** No other room has an id like theirs. */
export function isDirectRoomId(roomId: RoomId): boolean {
  return roomId.startsWith(PREFIX) && roomId.length === PREFIX.length + HASH_CHARS
}
