import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import { entryCrc } from './checksum.ts'
import { migrate, SCHEMA_VERSION, schemaVersion } from './migrations.ts'
import { connect } from './sqlite-file.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { appendTo, BARE, message, texts } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

/** A file as the program of that schema left it: a room of its own with three entries, and one that moved to another server. */
function writeAs(version: number, dir: string): void {
  const db = connect(join(dir, 'chat.db'))
  db.pragma('journal_mode = WAL')
  migrate(db, dir, version)
  assert.equal(schemaVersion(db), version)
  room(db, version, { key: 1, room: 'r', log: 'log-r', epoch: 3, movedTo: null, head: 3 })
  room(db, version, { key: 2, room: 'gone', log: 'log-g', epoch: 7, movedTo: 'b', head: 0 })
  entry(db, version, 1, 'message', 'first', null)
  entry(db, version, 2, 'system', null, '{"event":"damaged"}')
  entry(db, version, 3, 'message', 'last', '{"replyTo":1}')
  db.close()
}

interface OldRoom {
  key: number
  room: string
  log: string
  epoch: number
  movedTo: string | null
  head: number
}

function room(db: Database, version: number, old: OldRoom): void {
  const { key, room, log, epoch, movedTo, head } = old
  const first = [key, room, log, epoch, movedTo, head, 1_000]
  if (version === 1) {
    db.prepare(
      'INSERT INTO rooms (key, room, log, epoch, moved_to, head, last_ts) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(first)
    return
  }
  // The same in schema 2 and, of a room that never lost anything, in 3.
  const seal = crc32(JSON.stringify([room, log, epoch, movedTo, epoch, 0, null]))
  db.prepare(
    `INSERT INTO rooms (key, room, log, epoch, moved_to, head, last_ts, term, is_doubted, missing, seal)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)`,
  ).run(...first, epoch, seal)
}

function entry(
  db: Database,
  version: number,
  seq: number,
  type: string,
  text: string | null,
  rest: string | null,
): void {
  const cells = ['ann', text, '2026-11-21 09:08:07.006', 1, seq, 'guest:ann', `${seq}`, type, 1_000, rest]
  const columns = 'username, message, timestamp, room_key, seq, sender, send_id, type, ts, rest'
  if (version === 1) {
    db.prepare(`INSERT INTO messages (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(cells)
    return
  }
  const crc = entryCrc('r', seq, 1_000, type, 'guest:ann', `${seq}`, 'ann', text, rest)
  db.prepare(`INSERT INTO messages (${columns}, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...cells,
    crc,
  )
}

describe('a chat file', () => {
  for (let version = 1; version < SCHEMA_VERSION; version += 1) {
    test(`of schema ${version} is brought to ${SCHEMA_VERSION}, and all that stood in it stays`, async (t) => {
      const dir = freshFolder(t)
      writeAs(version, dir)
      const store = await openSqliteStore({ dir, self: 'a' })
      t.after(() => store.close())
      assert.deepEqual(await store.held(), [{ room: 'r', epoch: 3, head: 3, log: 'log-r', isWhole: true }])
      assert.deepEqual(await texts(store, 'r'), ['first', undefined, 'last'])
      const taken = await store.take('r', 4)
      const [, damaged] = await store.read('r', { after: 0 }, 10)
      assert.equal(damaged?.type, 'system')
      assert.deepEqual(taken, { ...BARE, log: 'log-r', head: 3, isWhole: true, chronicle: [damaged] })
      assert.equal(await store.take('gone', 8), 'fenced')
      assert.deepEqual(await appendTo(store, 'r', 4, message('1', 'first'), message('new')), [
        { is: 'repeat', seq: 1, ts: 1_000 },
        { is: 'new', seq: 4, ts: 1_000 },
      ])
      await store.close()
      const db = connect(join(dir, 'chat.db'), { mustExist: true })
      assert.equal(schemaVersion(db), SCHEMA_VERSION)
      assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
      assert.deepEqual(schemaOf(db), schemaOf(fresh()))
      db.close()
    })
  }

  test('has an index of what changed rooms, which finds it and has no message in it', (t) => {
    const dir = freshFolder(t)
    writeAs(SCHEMA_VERSION, dir)
    const db = connect(join(dir, 'chat.db'), { mustExist: true })
    t.after(() => db.close())
    const inIndex = `SELECT count(*) FROM messages INDEXED BY messages_of_record WHERE type IN ('system', 'delete')`
    assert.equal(db.prepare(inIndex).pluck().get(), 1)
    const select = 'SELECT 1 FROM messages INDEXED BY messages_of_record'
    const plan = db
      .prepare(
        `EXPLAIN QUERY PLAN ${select} WHERE room_key IN (1, -1) AND type IN ('system', 'delete') AND seq < 9`,
      )
      .all() as { detail: string }[]
    assert.match(plan.map(({ detail }) => detail).join(), /messages_of_record \(room_key=\? AND seq<\?\)/)
  })
})

/** What this program makes of nothing. */
function fresh(): Database {
  const db = connect(':memory:')
  migrate(db, 'a new file')
  return db
}

function schemaOf(db: Database): unknown {
  const columns = ['rooms', 'messages'].map((table) => db.pragma(`table_info(${table})`))
  const indexes = db.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name`).all()
  return { columns, indexes }
}
