import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { freshFolder } from '../../test/fleet.ts'
import { describeDirectoryStore, ROOM } from './directory-store.contract.ts'
import { openDirectoryFile } from './directory-schema.ts'
import { SqliteDirectoryStore } from './sqlite-directory-store.ts'

describeDirectoryStore('SqliteDirectoryStore', (t) => {
  const file = join(freshFolder(t), 'directory.db')
  return () => new SqliteDirectoryStore(openDirectoryFile(file))
})

test('a damaged file, and one of a later version, are not opened', (t) => {
  const folder = freshFolder(t)
  const damaged = join(folder, 'damaged.db')
  writeFileSync(damaged, 'this is no database, whatever its name says'.repeat(100))
  assert.throws(() => openDirectoryFile(damaged), /not a database/)
  const later = join(folder, 'later.db')
  const db = new Database(later)
  db.pragma('user_version = 99')
  db.close()
  assert.throws(() => openDirectoryFile(later), /later version/)
})

test('a write that fails is told to whoever asked for it, and the next one works', async (t) => {
  const file = join(freshFolder(t), 'directory.db')
  const store = new SqliteDirectoryStore(openDirectoryFile(file))
  t.after(() => store.close())
  const other = new Database(file)
  other.exec("CREATE TRIGGER full BEFORE INSERT ON rooms BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
  await assert.rejects(store.createRoom(ROOM), /disk is full/)
  assert.equal(await store.room(ROOM.roomId), undefined)
  other.exec('DROP TRIGGER full')
  other.close()
  assert.equal(await store.createRoom(ROOM), true)
})
