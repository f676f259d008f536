import type { Revoke } from '@flotilla/protocol/control.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'
import type { Database } from 'better-sqlite3'
import { SqliteFile } from '../sqlite-file.ts'
import {
  MAX_DEVICES,
  MAX_SESSIONS,
  type AccountStore,
  type Naming,
  type NewSession,
  type Revocation,
  type Secret,
  type SessionRecord,
  type Turned,
  type UntoldBlock,
  type UserRecord,
} from './account-store.ts'
import { ACCOUNT_STEPS } from './account-schema.ts'
import { SqliteBlocks } from './sqlite-blocks.ts'

interface UserRow {
  id: string
  name: string
  password: string
  created_at: number
  formerly: string | null
}
interface SessionRow {
  id: string
  user_id: string
  family: Buffer
  turn: Buffer
  agent: string
  created_at: number
  used_at: number
}

/** Accounts in one SQLite file of their own. */
export class SqliteAccountStore implements AccountStore {
  readonly #file: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #blocks: SqliteBlocks

  /** Opens or makes the file. @throws if it cannot be written, is damaged, or is of a later version */
  constructor(path: string) {
    this.#file = new SqliteFile(path, ACCOUNT_STEPS)
    this.#sql = prepare(this.#file.db)
    this.#blocks = new SqliteBlocks(this.#file)
  }

  async userById(id: UserId): Promise<UserRecord | undefined> {
    return this.#user(id)
  }

  async userByKey(key: string): Promise<UserRecord | undefined> {
    const row = this.#sql.userByKey.get(key)
    return row && userOf(row)
  }

  async isTaken(marks: readonly string[], but?: UserId): Promise<boolean> {
    return this.#isTaken(marks, but)
  }

  addUser(user: UserRecord, { key, marks }: Naming): Promise<boolean> {
    return this.#file.write(() => {
      if (this.#isTaken(marks)) return false
      const { formerly = '', ...rest } = user
      const isFree = formerly !== '' && this.#sql.userByFormerly.get(formerly) === undefined
      this.#sql.addUser.run({ ...rest, key, formerly: isFree ? formerly : null })
      for (const mark of marks) this.#sql.addMark.run(mark, user.id)
      return true
    })
  }

  renameUser(id: UserId, { name, key, marks }: Naming, revocation: Revocation): Promise<boolean> {
    return this.#file.write(() => {
      if (this.#isTaken(marks, id) || this.#user(id) === undefined) return false
      this.#sql.rename.run({ id, name, key })
      this.#sql.removeMarks.run(id)
      for (const mark of marks) this.#sql.addMark.run(mark, id)
      this.#revokeUser(id, 4401, revocation)
      return true
    })
  }

  setPassword(
    id: UserId,
    password: string,
    keep: string | undefined,
    revocation: Revocation,
  ): Promise<string[]> {
    return this.#file.write(() => {
      this.#sql.setPassword.run({ id, password })
      this.#sql.removeDevices.run(id)
      return this.#endSessions(id, (session) => session !== keep, revocation)
    })
  }

  rehash(id: UserId, before: string, password: string): Promise<void> {
    return this.#file.write(() => {
      this.#sql.rehash.run({ id, before, password })
    })
  }

  async removeUser(id: UserId, revocation: Revocation): Promise<boolean> {
    const isRemoved = await this.#file.write(() => {
      // What refers to it goes with it.
      if (this.#sql.removeUser.run(id).changes === 0) return false
      this.#sql.addDeparted.run(id)
      this.#revokeUser(id, 4403, revocation)
      return true
    })
    if (isRemoved) this.#file.settle()
    return isRemoved
  }

  addSession(
    { id, userId, password, family, turn, agent, at }: NewSession,
    revocation: Revocation,
  ): Promise<string[] | undefined> {
    return this.#file.write(() => {
      if (this.#user(userId)?.password !== password) return undefined
      const others = this.#sql.sessionsOf.all(userId) // the least used first
      const over = new Set(others.slice(0, Math.max(0, others.length + 1 - MAX_SESSIONS)).map(({ id }) => id))
      const ended = this.#endSessions(userId, (session) => over.has(session), revocation)
      this.#sql.addSession.run({ id, userId, family, turn, agent, at })
      return ended
    })
  }

  turnSession(
    id: string,
    given: Secret,
    next: { turn: Buffer; at: number },
    life: { idleSince: number; madeSince: number },
    revocation: Revocation,
  ): Promise<Turned> {
    return this.#file.write((): Turned => {
      const row = this.#sql.session.get(id)
      if (row === undefined || !row.family.equals(given.family)) return { is: 'unknown' }
      if (row.used_at < life.idleSince || row.created_at < life.madeSince) return { is: 'unknown' }
      if (!row.turn.equals(given.turn)) {
        this.#endSession(id, revocation)
        return { is: 'spent', userId: row.user_id, session: id }
      }
      this.#sql.turn.run({ id, ...next })
      return { is: 'turned', user: this.#user(row.user_id) as UserRecord }
    })
  }

  endByFamily(id: string, family: Buffer, revocation: Revocation): Promise<boolean> {
    return this.#file.write(() => {
      if (!this.#sql.session.get(id)?.family.equals(family)) return false
      this.#endSession(id, revocation)
      return true
    })
  }

  async sessionsOf(userId: UserId): Promise<SessionRecord[]> {
    return this.#sql.sessionsOf.all(userId).map(sessionOf)
  }

  endSessions(
    userId: UserId,
    which: { only: string } | { but: string | undefined },
    revocation: Revocation,
  ): Promise<string[]> {
    const isMeant = (id: string) => ('only' in which ? id === which.only : id !== which.but)
    return this.#file.write(() => this.#endSessions(userId, isMeant, revocation))
  }

  addDevice(userId: UserId, device: Buffer, at: number): Promise<void> {
    return this.#file.write(() => {
      if (this.#user(userId) === undefined) return
      this.#sql.addDevice.run({ userId, device, at })
      this.#sql.dropDevices.run({ userId, max: MAX_DEVICES })
    })
  }

  async knowsDevice(userId: UserId, device: Buffer): Promise<boolean> {
    return this.#sql.device.get(userId, device) !== undefined
  }

  async revoked(now: number): Promise<Revoke> {
    return {
      sessions: this.#sql.revokedSessions.all(now),
      users: this.#sql.revokedUsers
        .all(now)
        .map(({ id, issuedBefore, code }) => ({ id, issuedBefore, code })),
    }
  }

  block(userId: UserId, other: UserId, at: number): Promise<'done' | 'full' | 'unknown'> {
    return this.#blocks.block(userId, other, at)
  }

  unblock(userId: UserId, other: UserId): Promise<void> {
    return this.#blocks.unblock(userId, other)
  }

  async blocksOf(userId: UserId): Promise<{ id: UserId; name: string }[]> {
    return this.#blocks.of(userId)
  }

  async isBlocked(one: UserId, other: UserId): Promise<boolean> {
    return this.#blocks.has(one, other) || this.#blocks.has(other, one)
  }

  retellBlock(userId: UserId, other: UserId): Promise<boolean> {
    return this.#blocks.retell(userId, other)
  }

  async untoldBlock(userId: UserId, other: UserId): Promise<UntoldBlock | undefined> {
    return this.#blocks.untold(userId, other)
  }

  async untoldBlocks(after: readonly [UserId, UserId], limit: number): Promise<UntoldBlock[]> {
    return this.#blocks.untoldAfter(after, limit)
  }

  blockTold(userId: UserId, other: UserId, turn: number): Promise<void> {
    return this.#blocks.told(userId, other, turn)
  }

  async departed(): Promise<UserId[]> {
    return this.#sql.departed.all()
  }

  departureKnown(ids: readonly UserId[]): Promise<void> {
    return this.#file.write(() => {
      for (const id of ids) this.#sql.removeDeparted.run(id)
    })
  }

  prune({ idleSince, madeSince, now }: { idleSince: number; madeSince: number; now: number }): Promise<void> {
    return this.#file.write(() => {
      this.#sql.pruneSessions.run({ idleSince, madeSince })
      this.#sql.pruneRevokedSessions.run(now)
      this.#sql.pruneRevokedUsers.run(now)
    })
  }

  close(): void {
    this.#file.close()
  }

  #user(id: UserId): UserRecord | undefined {
    const row = this.#sql.userById.get(id)
    return row && userOf(row)
  }

  #isTaken(marks: readonly string[], but?: UserId): boolean {
    return marks.some((mark) => {
      const owner = this.#sql.mark.get(mark)
      return owner !== undefined && owner !== but
    })
  }

  #endSessions(userId: UserId, isMeant: (id: string) => boolean, revocation: Revocation): string[] {
    const ended = this.#sql.sessionsOf
      .all(userId)
      .map(({ id }) => id)
      .filter(isMeant)
    for (const id of ended) this.#endSession(id, revocation)
    return ended
  }

  #endSession(id: string, { until }: Revocation): void {
    this.#sql.removeSession.run(id)
    this.#sql.revokeSession.run(id, until)
  }

  #revokeUser(id: UserId, code: 4401 | 4403, { at: issuedBefore, until }: Revocation): void {
    this.#sql.revokeUser.run({ id, issuedBefore, code, until })
  }
}

function userOf({ id, name, password, created_at: createdAt, formerly }: UserRow): UserRecord {
  return { id, name, password, createdAt, formerly: formerly ?? undefined }
}

function sessionOf({ id, user_id, created_at, used_at, agent }: SessionRow): SessionRecord {
  return { id, userId: user_id, createdAt: created_at, usedAt: used_at, agent }
}

/** All that is asked of `accounts.db`; values are bound, never written into the text. */
function prepare(db: Database) {
  return {
    userById: db.prepare<[string], UserRow>('SELECT * FROM users WHERE id = ?'),
    userByKey: db.prepare<[string], UserRow>('SELECT * FROM users WHERE key = ?'),
    userByFormerly: db.prepare<[string]>('SELECT 1 FROM users WHERE formerly = ?'),
    addUser: db.prepare(
      `INSERT INTO users (id, name, key, password, created_at, formerly)
       VALUES (:id, :name, :key, :password, :createdAt, :formerly)`,
    ),
    rename: db.prepare('UPDATE users SET name = :name, key = :key WHERE id = :id'),
    setPassword: db.prepare('UPDATE users SET password = :password WHERE id = :id'),
    rehash: db.prepare('UPDATE users SET password = :password WHERE id = :id AND password = :before'),
    removeUser: db.prepare<[string]>('DELETE FROM users WHERE id = ?'),
    mark: db.prepare<[string], string>('SELECT user_id FROM marks WHERE mark = ?').pluck(),
    addMark: db.prepare<[string, string]>('INSERT INTO marks (mark, user_id) VALUES (?, ?)'),
    removeMarks: db.prepare<[string]>('DELETE FROM marks WHERE user_id = ?'),

    session: db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE id = ?'),
    sessionsOf: db.prepare<[string], SessionRow>(
      'SELECT * FROM sessions WHERE user_id = ? ORDER BY used_at, created_at, id',
    ),
    addSession: db.prepare(
      `INSERT INTO sessions (id, user_id, family, turn, agent, created_at, used_at)
       VALUES (:id, :userId, :family, :turn, :agent, :at, :at)`,
    ),
    turn: db.prepare('UPDATE sessions SET turn = :turn, used_at = :at WHERE id = :id'),
    removeSession: db.prepare<[string]>('DELETE FROM sessions WHERE id = ?'),
    pruneSessions: db.prepare('DELETE FROM sessions WHERE used_at < :idleSince OR created_at < :madeSince'),

    device: db.prepare<[string, Buffer]>('SELECT 1 FROM devices WHERE user_id = ? AND device = ?'),
    addDevice: db.prepare(
      `INSERT INTO devices (user_id, device, used_at) VALUES (:userId, :device, :at)
       ON CONFLICT DO UPDATE SET used_at = :at`,
    ),
    dropDevices: db.prepare(
      `DELETE FROM devices WHERE user_id = :userId AND device NOT IN
         (SELECT device FROM devices WHERE user_id = :userId ORDER BY used_at DESC, device LIMIT :max)`,
    ),
    removeDevices: db.prepare<[string]>('DELETE FROM devices WHERE user_id = ?'),

    revokeSession: db.prepare<[string, number]>(
      'INSERT INTO revoked_sessions (id, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until',
    ),
    revokeUser: db.prepare(
      `INSERT INTO revoked_users (id, issued_before, code, until) VALUES (:id, :issuedBefore, :code, :until)
       ON CONFLICT DO UPDATE SET issued_before = max(issued_before, :issuedBefore), code = :code, until = max(until, :until)`,
    ),
    revokedSessions: db.prepare<[number], string>('SELECT id FROM revoked_sessions WHERE until > ?').pluck(),
    revokedUsers: db.prepare<[number], { id: string; issuedBefore: number; code: 4401 | 4403 }>(
      'SELECT id, issued_before AS issuedBefore, code FROM revoked_users WHERE until > ?',
    ),
    pruneRevokedSessions: db.prepare<[number]>('DELETE FROM revoked_sessions WHERE until <= ?'),
    pruneRevokedUsers: db.prepare<[number]>('DELETE FROM revoked_users WHERE until <= ?'),

    departed: db.prepare<[], string>('SELECT user_id FROM departed').pluck(),
    addDeparted: db.prepare<[string]>('INSERT INTO departed (user_id) VALUES (?)'),
    removeDeparted: db.prepare<[string]>('DELETE FROM departed WHERE user_id = ?'),
  }
}
