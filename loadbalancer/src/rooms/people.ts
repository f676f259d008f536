import type { User, UserId } from '@flotilla/protocol/frames.ts'

export interface AccountRecord {
  type: string
  /** The guest this account was before. */
  formerly?: UserId | undefined
  [more: string]: unknown
}

/** Accounts, as far as rooms need to know of them. */
export interface People {
  /** The account of this name, in whatever spelling that counts as the same. */
  byName(name: string): Promise<User | undefined>
  byId(id: UserId): Promise<User | undefined>
  /** Whether either blocks the other. */
  isBlocked(one: UserId, other: UserId): Promise<boolean>
  /** A room between the two is there from now on: what either said of the other before is told to it. */
  retellBlocks(one: UserId, other: UserId): Promise<void>
  /** All that is kept of an account itself, for its export: one object for each line. Never a secret. */
  recordsOf(id: UserId): Promise<AccountRecord[]>
}
