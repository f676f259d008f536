import type { Revoke } from '@flotilla/protocol/control.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'

export interface UserRecord {
  id: UserId
  name: string
  /** As `passwords.ts` writes it: never the password itself. */
  password: string
  /** Milliseconds since 1970, as all times here. */
  createdAt: number
  /** The guest this account was before, whose messages are its own; of no two accounts the same. */
  formerly: UserId | undefined
}

/** What must be unique about a name: `key` finds its account, `marks` are what it looks like (names.ts). */
export interface Naming {
  name: string
  key: string
  marks: readonly string[]
}

export interface SessionRecord {
  id: string
  userId: UserId
  createdAt: number
  usedAt: number
  agent: string
}

/** Hashes of the two halves of a refresh cookie: the one it keeps for life, and the one it has until it is used. */
export interface Secret {
  family: Buffer
  turn: Buffer
}

export interface NewSession extends Secret {
  id: string
  userId: UserId
  /** The hash of the password it was opened by. */
  password: string
  agent: string
  at: number
}

/** `spent`: it was used before, so somebody has a copy, and the session has ended. */
export type Turned =
  { is: 'turned'; user: UserRecord } | { is: 'unknown' } | { is: 'spent'; userId: UserId; session: string }

/** Whose tokens are good no more, and until when that must be remembered: as long as the last of them lives. */
export interface Revocation {
  at: number
  until: number
}

/** What the room between two people may not know of: that the one blocks the other, or does no more. */
export interface UntoldBlock {
  userId: UserId
  other: UserId
  /** As it stands now. */
  isBlocked: boolean
  /** Another one after each change. */
  turn: number
}

/**
 * Accounts, their sessions, and whom they block. Every adapter keeps:
 * A1  What is written is durable when its promise resolves.
 * A2  No two accounts have a name with the same key, or share a mark.
 * A3  A session's secret is taken once. The next try with it, at the same instant or months later, ends the session. A secret
 *     that never was one of this session changes nothing.
 * A4  Whatever ends a session, or voids a user's tokens, is on the list of what is revoked in the same commit, until `until`.
 * A5  Of an account that is removed nothing is left but its id, and that is kept until somebody says that all servers know.
 * A6  A user has at most `MAX_SESSIONS` sessions, `MAX_DEVICES` devices and `MAX_BLOCKS` blocks: the least used sessions end,
 *     the least used devices are forgotten, one block more is refused.
 * A7  A block that is made or lifted is untold from the same commit on, until it is said of that `turn` that it was told.
 */
export interface AccountStore {
  userById(id: UserId): Promise<UserRecord | undefined>
  userByKey(key: string): Promise<UserRecord | undefined>
  /** Whether an account other than `but` looks like this. */
  isTaken(marks: readonly string[], but?: UserId): Promise<boolean>
  /** Where another account was that guest before, this one was none. @returns false: somebody has that name, or one that looks like it */
  addUser(user: UserRecord, naming: Naming): Promise<boolean>
  /** Also voids the tokens that have the old name. @returns as addUser; false, too, if there is no such user */
  renameUser(id: UserId, naming: Naming, revocation: Revocation): Promise<boolean>
  /** Ends all sessions but `keep`, and forgets all devices. @returns the sessions that ended */
  setPassword(
    id: UserId,
    password: string,
    keep: string | undefined,
    revocation: Revocation,
  ): Promise<string[]>
  /** The same password, hashed anew; nothing, if it is not `before` any more. */
  rehash(id: UserId, before: string, password: string): Promise<void>
  /** @returns false: there is no such user */
  removeUser(id: UserId, revocation: Revocation): Promise<boolean>

  /** @returns the sessions that ended for it; undefined: there is no such user, or he has another password by now */
  addSession(session: NewSession, revocation: Revocation): Promise<string[] | undefined>
  /** Takes a secret for the next one. Sessions last used before `idleSince` or made before `madeSince` have ended. */
  turnSession(
    id: string,
    given: Secret,
    next: { turn: Buffer; at: number },
    life: { idleSince: number; madeSince: number },
    revocation: Revocation,
  ): Promise<Turned>
  /** Of one family, whichever half of its life: for signing out. @returns whether it ended now */
  endByFamily(id: string, family: Buffer, revocation: Revocation): Promise<boolean>
  sessionsOf(userId: UserId): Promise<SessionRecord[]>
  /** One, or all but one, or all. @returns those that ended */
  endSessions(
    userId: UserId,
    which: { only: string } | { but: string | undefined },
    revocation: Revocation,
  ): Promise<string[]>

  /** Remembers, or sees again, a device that signed in with the password. */
  addDevice(userId: UserId, device: Buffer, at: number): Promise<void>
  knowsDevice(userId: UserId, device: Buffer): Promise<boolean>

  /** All that is revoked and may still matter at `now`. */
  revoked(now: number): Promise<Revoke>

  /** @returns 'full' at the limit; 'unknown' if there is no such other */
  block(userId: UserId, other: UserId, at: number): Promise<'done' | 'full' | 'unknown'>
  unblock(userId: UserId, other: UserId): Promise<void>
  blocksOf(userId: UserId): Promise<{ id: UserId; name: string }[]>
  /** Whether either blocks the other. */
  isBlocked(one: UserId, other: UserId): Promise<boolean>
  /** A block that stands is untold again: there is somebody who cannot know it. @returns false: there is none */
  retellBlock(userId: UserId, other: UserId): Promise<boolean>
  untoldBlock(userId: UserId, other: UserId): Promise<UntoldBlock | undefined>
  /** By user and other, those behind `after`. */
  untoldBlocks(after: readonly [UserId, UserId], limit: number): Promise<UntoldBlock[]>
  blockTold(userId: UserId, other: UserId, turn: number): Promise<void>

  /** Removed accounts whose name may still stand on a server. */
  departed(): Promise<UserId[]>
  departureKnown(ids: readonly UserId[]): Promise<void>

  /** Forgets what has ended: sessions as in `turnSession`, and what is revoked, by `now`. */
  prune(life: { idleSince: number; madeSince: number; now: number }): Promise<void>
  close(): void
}

export const MAX_SESSIONS = 100
export const MAX_DEVICES = 20
export const MAX_BLOCKS = 1_000
