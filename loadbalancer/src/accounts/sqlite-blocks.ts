import type { UserId } from '@flotilla/protocol/frames.ts'
import type { Database } from 'better-sqlite3'
import type { SqliteFile } from '../sqlite-file.ts'
import { MAX_BLOCKS, type UntoldBlock } from './account-store.ts'

interface UntoldRow {
  user_id: UserId
  other: UserId
  turn: number
  blocked: number
}

/** Who blocks whom, and what of that is still to be told to the room between the two; in the file of the accounts. */
export class SqliteBlocks {
  readonly #file: SqliteFile
  readonly #sql: ReturnType<typeof prepare>

  constructor(file: SqliteFile) {
    this.#file = file
    this.#sql = prepare(file.db)
  }

  block(userId: UserId, other: UserId, at: number): Promise<'done' | 'full' | 'unknown'> {
    return this.#file.write(() => {
      if (!this.#isUser(userId) || !this.#isUser(other)) return 'unknown'
      if (!this.has(userId, other) && (this.#sql.count.get(userId) ?? 0) >= MAX_BLOCKS) return 'full'
      this.#sql.add.run(userId, other, at)
      this.#sql.addUntold.run(userId, other)
      return 'done'
    })
  }

  unblock(userId: UserId, other: UserId): Promise<void> {
    return this.#file.write(() => {
      if (this.#sql.remove.run(userId, other).changes > 0) this.#sql.addUntold.run(userId, other)
    })
  }

  of(userId: UserId): { id: UserId; name: string }[] {
    return this.#sql.of.all(userId)
  }

  has(userId: UserId, other: UserId): boolean {
    return this.#sql.has.get(userId, other) !== undefined
  }

  retell(userId: UserId, other: UserId): Promise<boolean> {
    return this.#file.write(() => {
      if (!this.has(userId, other)) return false
      this.#sql.addUntold.run(userId, other)
      return true
    })
  }

  untold(userId: UserId, other: UserId): UntoldBlock | undefined {
    const row = this.#sql.untold.get(userId, other)
    return row && untoldOf(row)
  }

  untoldAfter([user, other]: readonly [UserId, UserId], limit: number): UntoldBlock[] {
    return this.#sql.untoldAfter.all(user, other, limit).map(untoldOf)
  }

  told(userId: UserId, other: UserId, turn: number): Promise<void> {
    return this.#file.write(() => {
      this.#sql.dropUntold.run(userId, other, turn)
    })
  }

  #isUser(id: UserId): boolean {
    return this.#sql.user.get(id) !== undefined
  }
}

function untoldOf({ user_id: userId, other, turn, blocked }: UntoldRow): UntoldBlock {
  return { userId, other, turn, isBlocked: blocked === 1 }
}

const UNTOLD = `SELECT *, EXISTS (SELECT 1 FROM blocks WHERE blocks.user_id = untold_blocks.user_id
  AND blocks.other = untold_blocks.other) AS blocked FROM untold_blocks`

function prepare(db: Database) {
  return {
    user: db.prepare<[string]>('SELECT 1 FROM users WHERE id = ?'),
    has: db.prepare<[string, string]>('SELECT 1 FROM blocks WHERE user_id = ? AND other = ?'),
    count: db.prepare<[string], number>('SELECT count(*) FROM blocks WHERE user_id = ?').pluck(),
    add: db.prepare<[string, string, number]>(
      'INSERT INTO blocks (user_id, other, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    remove: db.prepare<[string, string]>('DELETE FROM blocks WHERE user_id = ? AND other = ?'),
    of: db.prepare<[string], { id: string; name: string }>(
      `SELECT users.id, users.name FROM blocks JOIN users ON users.id = other
       WHERE user_id = ? ORDER BY blocks.at, users.id`,
    ),

    addUntold: db.prepare<[string, string]>(
      `INSERT INTO untold_blocks (user_id, other, turn) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET turn = turn + 1`,
    ),
    untold: db.prepare<[string, string], UntoldRow>(`${UNTOLD} WHERE user_id = ? AND other = ?`),
    untoldAfter: db.prepare<[string, string, number], UntoldRow>(
      `${UNTOLD} WHERE (user_id, other) > (?, ?) ORDER BY user_id, other LIMIT ?`,
    ),
    dropUntold: db.prepare<[string, string, number]>(
      'DELETE FROM untold_blocks WHERE user_id = ? AND other = ? AND turn = ?',
    ),
  }
}
