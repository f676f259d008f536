import { join } from 'node:path'
import { makeFolder } from '@flotilla/protocol/node/folder.ts'
import Database from 'better-sqlite3'

/** The process cannot start here; `message` is one line that names the remedy. Exit code 1. */
export class StartError extends Error {
  override name = 'StartError'
}

/**
 * Makes the folder if need be and holds it for this process alone until `release`; the system releases it when the
 * process dies, however it dies. (An exclusive SQLite lock: unlike a file with a process id it cannot outlive its owner.)
 * @throws StartError: the folder cannot be written, or another balancer works on it
 */
export function holdFolder(folder: string): { release: () => void } {
  let lock: Database.Database | undefined
  try {
    makeFolder(folder)
    lock = new Database(join(folder, 'lock.db'), { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    const held = lock
    return { release: () => held.close() }
  } catch (error) {
    lock?.close()
    const { code = '' } = error as { code?: string }
    if (code.startsWith('SQLITE_BUSY')) {
      throw new StartError(`Another balancer works on ${folder}: stop it, or give this one its own --data.`, {
        cause: error,
      })
    }
    throw unwritable(folder, error)
  }
}

export function unwritable(folder: string, error: unknown): StartError {
  const { code, message } = error as { code?: string; message: string }
  return new StartError(
    `Cannot write to ${folder} (${code ?? message}): make it writable, or choose another folder with --data.`,
    { cause: error },
  )
}
