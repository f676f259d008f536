import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { User } from '@flotilla/protocol/frames.ts'

/**
 * Somebody's account was deleted: an entry `gone` of his is put into every room he was in. What he said stays; his name does
 * not, neither with what he said nor where others did something to him.
 */

/** What stands in the place of his name. */
export const GONE_NAME = 'deleted user'

export function isGone(type: string, rest: string | null): boolean {
  return type === 'system' && rest !== null && (JSON.parse(rest) as { event?: unknown }).event === 'gone'
}

/** Of an entry that changed the room, by `sender`: what it says besides its text, without the name of `userId`. */
export function restWithout(rest: string | null, sender: string, userId: string): string | null {
  if (rest === null) return null
  const said = JSON.parse(rest) as { event?: unknown; data?: unknown }
  if (said.data === undefined) return rest
  const isNewName = said.event === 'name' && sender === userId && isRecord(said.data)
  const data = isNewName ? { ...(said.data as object), name: GONE_NAME } : without(said.data, userId)
  return JSON.stringify({ ...said, data })
}

/** The genesis without the name of `userId`. */
export function genesisWithout(genesis: Genesis, userId: string): Genesis {
  return without(genesis, userId) as Genesis
}

/** Anything of JSON, with the name of each user of this id replaced. */
function without(value: unknown, userId: string): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, userId))
  if (!isRecord(value)) return value
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [key, without(one, userId)])
  const copy: Record<string, unknown> = Object.fromEntries(entries)
  return isUser(value) && value.id === userId ? { ...copy, name: GONE_NAME } : copy
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isUser(value: Record<string, unknown>): value is Record<string, unknown> & User {
  return typeof value['id'] === 'string' && typeof value['name'] === 'string'
}
