import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { holdFolder } from '../data-folder.ts'
import { SqliteFile } from '../sqlite-file.ts'
import { ACCOUNT_STEPS } from './account-schema.ts'

/** Copies of the accounts, made while the balancer runs, and put in their place when they are lost. */

export const ACCOUNTS_FILE = 'accounts.db'

/** Whether a file holds accounts, of whatever version. */
export function holdsAccounts(file: string): boolean {
  if (!existsSync(file)) return false
  const db = new Database(file, { readonly: true, fileMustExist: true })
  try {
    return db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'users'`).get() !== undefined
  } catch {
    return false // no SQLite file at all
  } finally {
    db.close()
  }
}

/**
 * Writes all accounts of the balancer's folder `dir` to a new file. The balancer goes on meanwhile.
 * @returns how many there are
 * @throws one line: nothing to copy, `toFile` exists, no space, damage
 */
export function backupAccounts(dir: string, toFile: string): number {
  const path = join(dir, ACCOUNTS_FILE)
  const target = resolve(toFile)
  if (existsSync(target)) throw new Error(`${target} exists: choose another name`)
  mkdirSync(dirname(target), { recursive: true })
  const part = `${target}.part`
  rmSync(part, { force: true })
  const db = new Database(path, { fileMustExist: true })
  try {
    db.prepare('VACUUM INTO ?').run(part)
  } catch (cause) {
    rmSync(part, { force: true })
    throw new Error(`${path} could not be copied: ${(cause as Error).message}`, { cause })
  } finally {
    db.close()
  }
  const accounts = check(part)
  const file = openSync(part, 'r+')
  fsyncSync(file)
  closeSync(file)
  renameSync(part, target)
  return accounts
}

/**
 * Puts a backup in the place of the accounts of `dir`, whose balancer must not run. Sessions that ended since the backup must not
 * come back, and nobody knows which those are: so all have ended. The files that stood there are kept in a folder beside them.
 * @returns how many accounts there are, and that folder, if there was anything
 * @throws one line; StartError if the balancer runs. Then everything is as before.
 */
export function restoreAccounts(
  fromFile: string,
  dir: string,
  now: number,
): { accounts: number; keptIn: string | undefined } {
  const hold = holdFolder(dir)
  const work = join(dir, 'accounts.restoring')
  try {
    rmSync(work, { force: true })
    copyFileSync(fromFile, work)
    const accounts = check(work)
    const file = new SqliteFile(work, ACCOUNT_STEPS)
    file.db.exec('DELETE FROM sessions')
    file.settle()
    file.close()
    const keptIn = putAside(dir, now)
    renameSync(work, join(dir, ACCOUNTS_FILE))
    return { accounts, keptIn }
  } finally {
    for (const name of [work, `${work}-wal`, `${work}-shm`]) rmSync(name, { force: true })
    hold.release()
  }
}

/** Of a file nobody else uses. @throws if it is not sound */
function check(file: string): number {
  const db = new Database(file, { fileMustExist: true })
  try {
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw new Error(`${file} is damaged: ${String(verdict)}`)
    return db.prepare<[], number>('SELECT count(*) FROM users').pluck().get() ?? 0
  } finally {
    db.close()
  }
}

function putAside(dir: string, now: number): string | undefined {
  const names = ['', '-wal', '-shm'].map((end) => ACCOUNTS_FILE + end)
  const there = names.filter((name) => existsSync(join(dir, name)))
  if (there.length === 0) return undefined
  const aside = join(dir, `before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`)
  mkdirSync(aside)
  for (const name of there) renameSync(join(dir, name), join(aside, name))
  return aside
}
