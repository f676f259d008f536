import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { StoredFile, StoredRow } from './journal.ts'

/**
 * What the chat files of a fleet that has stopped hold of a room, read as any SQLite tool would. Files without the
 * room are left out.
 */
export function readStoredRows(dataDir: string, room: string): StoredFile[] {
  const folders = readdirSync(dataDir).filter((name) => name.startsWith('server-'))
  return folders
    .map((folder) => join(folder, 'chat.db'))
    .filter((file) => statSync(join(dataDir, file), { throwIfNoEntry: false }) !== undefined)
    .map((file) => ({ file, rows: rowsOf(join(dataDir, file), room) }))
    .filter(({ rows }) => rows.length > 0)
}

function rowsOf(path: string, room: string): StoredRow[] {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return db
      .prepare<[string], { seq: number; id: string; name: string; text: string; type: string }>(
        `SELECT seq, send_id AS id, username AS name, message AS text, type
           FROM messages JOIN rooms ON rooms.key = room_key WHERE room = ? ORDER BY seq`,
      )
      .all(room)
      .map(({ type, text, ...row }) => ({ ...row, text: type === 'message' ? text : undefined }))
  } finally {
    db.close()
  }
}
