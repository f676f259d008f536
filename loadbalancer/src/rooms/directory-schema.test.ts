import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { freshFolder } from '../../test/fleet.ts'
import { openDirectoryFile, STEPS } from './directory-schema.ts'
import { GENESIS, ROOM } from './directory-store.contract.ts'
import { SqliteDirectoryStore } from './sqlite-directory-store.ts'

/** What stood in a file of each earlier schema: as the program of that time wrote it, never changed since. */
const AGES: Record<number, string> = {
  0: '',
  1: `CREATE TABLE IF NOT EXISTS rooms (
        room_id TEXT PRIMARY KEY, name TEXT NOT NULL, visibility TEXT NOT NULL, created_at INTEGER NOT NULL,
        created_by TEXT, home TEXT, epoch INTEGER NOT NULL DEFAULT 0, holders TEXT NOT NULL DEFAULT '[]'
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS rooms_by_age ON rooms (visibility, created_at DESC);
      CREATE TABLE IF NOT EXISTS servers (
        id TEXT PRIMARY KEY, url TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, capacity INTEGER NOT NULL,
        inc TEXT NOT NULL, data_dir TEXT, heard_at INTEGER NOT NULL, commit_no INTEGER
      ) STRICT;
      INSERT INTO rooms VALUES ('general', 'General', 'public', 0, NULL, 'a', 4, '["b","a"]'),
        ('tea', 'Tea', 'public', 7, 'guest:ann', NULL, 0, '[]');
      INSERT INTO servers VALUES ('a', 'ws://h:1/ws', 'h', 1, 10, 'a-1', '/data/a', 1000, 55);
      PRAGMA user_version = 1;`,
}

test('a file of each earlier schema comes up to this one, with all that stood in it', async (t) => {
  assert.deepEqual(
    Object.keys(AGES).map(Number),
    [...STEPS.keys()],
    'a step was added: add what was before it',
  )
  for (const [age, statements] of Object.entries(AGES)) {
    const file = join(freshFolder(t), 'directory.db')
    const old = new Database(file)
    old.exec(statements)
    old.close()
    for (const run of ['first', 'second']) {
      const store = new SqliteDirectoryStore(openDirectoryFile(file))
      if (Number(age) >= 1) {
        const { home, epoch, holders, genesis } = (await store.room('general')) ?? {}
        assert.deepEqual([home, epoch, holders, genesis], ['a', 4, ['b', 'a'], undefined], `${age}, ${run}`)
        assert.deepEqual(
          (await store.publicRooms(9)).map(({ roomId, createdBy }) => [roomId, createdBy]).slice(0, 2),
          [
            ['general', undefined],
            ['tea', 'guest:ann'],
          ],
        )
        assert.deepEqual([(await store.server('a'))?.dataDir, await store.watermark('a')], ['/data/a', 55])
      }
      const isNew = await store.createRoom({ ...ROOM, roomId: 'new', createdAt: 1, genesis: GENESIS })
      assert.equal(isNew, run === 'first')
      assert.deepEqual((await store.room('new'))?.genesis, GENESIS)
      store.close()
    }
    const db = new Database(file)
    assert.equal(db.pragma('user_version', { simple: true }), STEPS.length)
    assert.deepEqual(db.pragma('foreign_key_check'), [])
    db.close()
  }
})
