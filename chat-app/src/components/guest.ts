import type { User } from '@flotilla/protocol/frames.ts'

/** Guests are let in by name alone; an account's id begins otherwise, and no guest can have one. */
export function isGuest(user: User): boolean {
  return user.id.startsWith('guest:')
}
