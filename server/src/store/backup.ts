import {
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  closeSync,
  mkdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { lockDataDir } from './data-lock.ts'
import { entomb } from './erasure.ts'
import { RoomTable } from './room-table.ts'
import { CHAT_FILE, connect, oneLine, openChatFile } from './sqlite-file.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { clearSuspicion } from './suspicion.ts'

/** Copies of a server's chat file, made while it runs, and put in its place when it is lost. */

export interface BackedUp {
  rooms: number
  entries: number
}

/**
 * Writes all that is committed in the chat file of the data folder `dir` to a new file. The server goes on meanwhile.
 * What a room that was taken over has not here yet is not in it: it is in the backup of the server that has it.
 * @throws one line: nothing to copy, `toFile` exists, no space, damage
 */
export function backup(dir: string, toFile: string): BackedUp {
  const path = join(dir, CHAT_FILE)
  const target = resolve(toFile)
  if (!existsSync(path)) throw new Error(`${path} is not there: name the data folder of a server`)
  if (existsSync(target)) throw new Error(`${target} exists: choose another name`)
  mkdirSync(dirname(target), { recursive: true })
  const part = `${target}.part`
  rmSync(part, { force: true })
  const db = connect(path, { mustExist: true })
  try {
    db.prepare('VACUUM INTO ?').run(part)
  } catch (cause) {
    rmSync(part, { force: true })
    const message = oneLine(cause instanceof Error ? cause.message : String(cause))
    throw new Error(`${path} could not be copied: ${message}`, { cause })
  } finally {
    db.close()
  }
  const counts = check(part)
  const file = openSync(part, 'r+')
  fsyncSync(file)
  closeSync(file)
  renameSync(part, target)
  return counts
}

/**
 * Puts a backup in the place of the chat file of `dir`, whose server must not run. What was said since the backup is lost, so every
 * room of it gets another log id, and at the next start the balancer is asked whose each room is. What was deleted since is deleted in
 * it, too, as far as the file that stood there can be read; its bytes go at the next start. The files that stood there are kept in a
 * folder beside them.
 * @returns that folder, if there was anything
 * @throws one line; DataDirBusy if the server runs. Then everything is as before.
 */
export function restore(
  fromFile: string,
  dir: string,
  now: number,
): BackedUp & { keptIn: string | undefined } {
  if (!existsSync(fromFile)) throw new Error(`${fromFile} is not there`)
  const lock = lockDataDir(dir)
  const work = join(dir, 'restoring')
  try {
    rmSync(work, { recursive: true, force: true })
    mkdirSync(work)
    copyFileSync(fromFile, join(work, CHAT_FILE))
    const writer = new SqliteWriter(openChatFile({ dir: work, isSuspected: true }))
    for (const room of erasedIn(dir)) entomb(writer, room)
    writer.renewLogs(0)
    writer.close()
    const counts = check(join(work, CHAT_FILE))
    const keptIn = putAside(dir, now)
    renameSync(join(work, CHAT_FILE), join(dir, CHAT_FILE))
    clearSuspicion(dir)
    return { ...counts, keptIn }
  } finally {
    rmSync(work, { recursive: true, force: true })
    lock.release()
  }
}

/** Rooms that were deleted here for good; none if nobody can tell. */
function erasedIn(dir: string): RoomId[] {
  let db: Database | undefined
  try {
    db = connect(join(dir, CHAT_FILE), { mustExist: true })
    return new RoomTable(db).erased()
  } catch {
    return [] // it is restored because something is wrong with it
  } finally {
    db?.close()
  }
}

/** Of a file nobody else uses. @throws if it is not sound */
function check(path: string): BackedUp {
  const db = connect(path, { mustExist: true })
  try {
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw new Error(`${path} is damaged: ${oneLine(String(verdict))}`)
    const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
    return { rooms: count('rooms'), entries: count('messages') }
  } finally {
    db.close()
  }
}

function putAside(dir: string, now: number): string | undefined {
  const names = [CHAT_FILE, `${CHAT_FILE}-wal`, `${CHAT_FILE}-shm`].filter((name) =>
    existsSync(join(dir, name)),
  )
  if (names.length === 0) return undefined
  const aside = join(dir, `before-restore-${new Date(now).toISOString().replace(/[:.]/g, '-')}`)
  mkdirSync(aside)
  for (const name of names) renameSync(join(dir, name), join(aside, name))
  return aside
}
