import type { User, UserId } from '@flotilla/protocol/frames.ts'

/** Accounts, as far as rooms need to know of them. */
export interface People {
  /** The account of this name, in whatever spelling that counts as the same. */
  byName(name: string): Promise<User | undefined>
  byId(id: UserId): Promise<User | undefined>
  /** Whether either blocks the other. */
  isBlocked(one: UserId, other: UserId): Promise<boolean>
  /** All that is kept of an account itself, for its export: one object for each line. Never a secret. */
  recordsOf(id: UserId): Promise<object[]>
}

/** Where there are no accounts, nobody is found. */
export const NO_PEOPLE: People = {
  byName: async () => undefined,
  byId: async () => undefined,
  isBlocked: async () => true,
  recordsOf: async () => [],
}
