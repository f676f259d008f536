import { LIMITS } from '@flotilla/protocol/limits.ts'

/** Names of rooms: NFC, trimmed, 1–64 characters, printable, nothing that turns direction; else undefined. */
export function normaliseRoomName(given: string): string | undefined {
  if (!given.isWellFormed()) return undefined
  const name = given.normalize('NFC').trim()
  if (name === '' || [...name].length > LIMITS.roomNameChars) return undefined
  return /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u.test(name) ? undefined : name
}

/** What a topic may be: a line as somebody typed it, without signs that nobody sees and that turn how it reads. */
export function isTopic(given: string): boolean {
  return (
    given.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(given)
  )
}
