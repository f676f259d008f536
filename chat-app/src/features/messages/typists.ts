import type { User, UserId } from '@flotilla/protocol/frames.ts'

/** Who types, and until when one believes it without hearing again. Ascending in time. */
export type Typists = ReadonlyMap<UserId, { user: User; untilMs: number }>

export const NOBODY: Typists = new Map()
/** More are not shown anyway. */
const MAX = 20

export function began(typists: Typists, user: User, untilMs: number): Typists {
  const next = new Map(typists)
  next.delete(user.id)
  if (next.size < MAX) next.set(user.id, { user, untilMs })
  return next
}

/** Who said something is done typing. */
export function ended(typists: Typists, ids: Iterable<UserId>): Typists {
  const next = new Map(typists)
  for (const id of ids) next.delete(id)
  return next.size === typists.size ? typists : next
}

export function expire(typists: Typists, nowMs: number): Typists {
  return ended(
    typists,
    [...typists].filter(([, { untilMs }]) => untilMs <= nowMs).map(([id]) => id),
  )
}

/** "ana is typing", "ana and bo are typing", "ana, bo and 3 others are typing". */
export function typingWords(names: readonly string[]): string {
  const [one, two] = names
  if (one === undefined) return ''
  if (two === undefined) return `${one} is typing`
  if (names.length === 2) return `${one} and ${two} are typing`
  const others = names.length - 2
  return `${one}, ${two} and ${others} ${others === 1 ? 'other' : 'others'} are typing`
}
