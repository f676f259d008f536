import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Damage } from './checksum.ts'
import { migrate } from './migrations.ts'
import { StoreDamaged, StoreUnusable } from './store.ts'

export const CHAT_FILE = 'chat.db'

/** Below this SQLite has a race between checkpoint and writer that can lose a commit (fixed in 3.51.3). */
const MIN_SQLITE = [3, 51, 3] as const
/** After a crash a file up to this size is checked as a whole (about 0.2 s); a larger one would keep its rooms waiting. */
const CHECK_UP_TO_BYTES = 32 * 1024 * 1024
/** Another process holds our write lock only while it fences a room, for a millisecond. Unless it was paused there. */
const BUSY_MS = 2_000
/** A WAL left larger than this by a burst is cut when it starts over. */
const WAL_KEPT_BYTES = 32 * 1024 * 1024

export interface FileOptions {
  dir: string
  /** Damage was met in it: check it whatever its size. */
  isSuspected?: boolean
  /** For tests of a full disk: the file never grows beyond this many pages of 4 KiB. */
  maxPages?: number | undefined
}

/**
 * Opens `<dir>/chat.db`, made if absent, checked if it was not closed properly, and brought to this program's schema. Commits
 * through it are on disk when they return.
 * @throws StoreUnusable, StoreDamaged
 */
export function openChatFile({ dir, isSuspected = false, maxPages }: FileOptions): Database.Database {
  const path = join(dir, CHAT_FILE)
  let db: Database.Database | undefined
  try {
    mkdirSync(dir, { recursive: true })
    // SQLite removes its WAL when the last connection closes: one with content means that nobody closed.
    const wasCut = bytesOf(`${path}-wal`) > 0
    db = connect(path)
    if (!isSafeVersion(db.prepare('SELECT sqlite_version()').pluck().get() as string)) {
      throw new StoreUnusable(`SQLite ${MIN_SQLITE.join('.')} or newer is needed: reinstall better-sqlite3`)
    }
    if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
      throw new StoreUnusable(`${path} is on a file system without shared memory, which SQLite's WAL needs`)
    }
    migrate(db, path)
    if (isSuspected || (wasCut && bytesOf(path) <= CHECK_UP_TO_BYTES)) {
      const verdict = db.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok') throw new StoreDamaged(`${path} is damaged: ${oneLine(String(verdict))}`)
    }
    if (maxPages !== undefined) db.pragma(`max_page_count = ${maxPages}`)
    return db
  } catch (cause) {
    db?.close()
    throw whyUnusable(cause, dir)
  }
}

/** One more connection to a chat file that was opened before, here or by another process. Throws SQLite's errors. */
export function connect(path: string, { mustExist = false, busyMs = BUSY_MS } = {}): Database.Database {
  const db = new Database(path, { timeout: busyMs, fileMustExist: mustExist })
  db.pragma('synchronous = FULL')
  // Checkpoints are run on purpose, where they delay no commit: see sqlite-store.ts.
  db.pragma('wal_autocheckpoint = 0')
  db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`)
  // What is deleted is overwritten. Appends delete nothing.
  db.pragma('secure_delete = ON')
  // More is slower: after a commit that split a page SQLite searches all of its cache for pages beyond the end. With 32 MiB that was
  // a fifth of what the writer did at 100,000 entries; what is not in there the system has.
  db.pragma('cache_size = -8192')
  return db
}

/**
 * What an error of a running file means. `full`, and `busy` (another process keeps it locked): nothing was stored and the file is
 * as before, so later calls may succeed. `lost`: nobody knows what was stored.
 */
export function meaningOf(cause: unknown): 'full' | 'busy' | 'lost' {
  const code = sqliteCode(cause)
  if (code === 'SQLITE_FULL') return 'full'
  if (code.startsWith('SQLITE_BUSY')) return 'busy'
  // The WAL's index could not grow, which happens on a full disk only; the commit it belonged to is not visible to anyone.
  if (code === 'SQLITE_IOERR_SHMSIZE') return 'full'
  return 'lost'
}

/** As SQLite says that it is not possible now. */
export function busy(why: string): Error {
  return new Database.SqliteError(why, 'SQLITE_BUSY')
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** What to say when opening failed with `cause`. */
export function whyUnusable(cause: unknown, dir: string): StoreUnusable {
  const path = join(dir, CHAT_FILE)
  if (cause instanceof StoreUnusable) return cause
  const message = oneLine(cause instanceof Error ? cause.message : String(cause))
  const code = sqliteCode(cause)
  if (
    cause instanceof Damage ||
    code === 'SQLITE_CORRUPT' ||
    code === 'SQLITE_NOTADB' ||
    code.startsWith('SQLITE_CORRUPT_')
  ) {
    return new StoreDamaged(`${path} is damaged: ${message}`, { cause })
  }
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') {
    return new StoreUnusable(`${dir} has no space left: ${message}`, { cause })
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new StoreUnusable(`${path} is locked by another process`, { cause })
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code === '') {
    return new StoreUnusable(`${dir} cannot be written to: ${message}`, { cause })
  }
  return new StoreUnusable(`${path} cannot be opened: ${code} ${message}`, { cause })
}

function sqliteCode(cause: unknown): string {
  return cause instanceof Database.SqliteError ? cause.code : ''
}

/** Whether this version of SQLite keeps what was committed. */
export function isSafeVersion(version: string): boolean {
  const found = version.split('.').map(Number)
  for (const [at, needed] of MIN_SQLITE.entries()) {
    const part = found[at] ?? 0
    if (part !== needed) return part > needed
  }
  return true
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
