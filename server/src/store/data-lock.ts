import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** Another process serves from this data folder. One line, with the path. */
export class DataDirBusy extends Error {
  override name = 'DataDirBusy'
}

export interface DataLock {
  release(): void
}

/**
 * Makes `dir` this process's own until it ends, however it ends: the lock is the operating system's, on a file that stays empty.
 * Taken before anything else in the folder is touched.
 * @throws DataDirBusy; Error if the folder cannot be written to.
 */
export function lockDataDir(dir: string): DataLock {
  let db: Database.Database | undefined
  try {
    mkdirSync(dir, { recursive: true })
    db = new Database(join(dir, 'lock.db'), { timeout: 0 })
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db?.close()
    if (cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY')) {
      throw new DataDirBusy(
        `${dir} is in use by another process: stop that one, or choose another folder with --data`,
        { cause },
      )
    }
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${dir} cannot be written to: ${message}`, { cause })
  }
  const held = db
  const release = (): void => {
    process.off('exit', release)
    held.close()
  }
  // The listener also keeps the connection from being collected, which would give the lock away.
  process.on('exit', release)
  return { release }
}
