import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Mark } from './mark.ts'
import { connect, isSafeVersion, openChatFile } from './sqlite-file.ts'
import { packBatch } from './sqlite-messages.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { message } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

test('the WAL starts over once a reader and then the writer have brought it into the file', (t) => {
  const dir = freshFolder(t)
  const writer = new SqliteWriter(openChatFile({ dir }))
  t.after(() => writer.db.close())
  writer.take('r', 1)
  let next = 0
  const append = (): void => {
    const drafts = Array.from({ length: 50 }, () => message(`${next++}`, 'x'.repeat(4_000)))
    writer.append(packBatch([{ room: 'r', epoch: 1, drafts }]))
  }
  const reader = connect(join(dir, 'chat.db'))
  t.after(() => reader.close())
  const walBytes: number[] = []
  for (let round = 0; round < 5; round += 1) {
    append()
    append()
    const before = writer.waitingFrames()
    assert.ok(before >= 100, `${before} frames`)
    reader.pragma('wal_checkpoint(PASSIVE)')
    append() // this is what a reader alone never catches up with
    assert.ok(writer.waitingFrames() < before)
    writer.checkpoint()
    assert.equal(writer.waitingFrames(), 0)
    walBytes.push(statSync(join(dir, 'chat.db-wal')).size)
  }
  assert.ok(walBytes.at(-1)! < 2 * walBytes[0]!, walBytes.join())
})

test('[S2] a batch that is undone midway leaves no trace, in the file or in memory', (t) => {
  const writer = new SqliteWriter(openChatFile({ dir: freshFolder(t), maxPages: 30 }))
  t.after(() => writer.db.close())
  writer.take('r', 1)
  const batch = (...drafts: ReturnType<typeof message>[]) =>
    writer.append(packBatch([{ room: 'r', epoch: 1, drafts }]))
  const [, , , first] = batch(message('a'))
  assert.equal(first, 1)
  const many = Array.from({ length: 100 }, (_, i) => message(`m${i}`, 'x'.repeat(4_000)))
  assert.throws(() => batch(message('b'), ...many), { code: 'SQLITE_FULL' })
  assert.equal(writer.row('r')!.head, 1)
  const [, , , second] = batch(message('b'))
  assert.equal(second, 2)
})

test('[S9] a commit that fails at its very end gave no number: nothing seems to be lost later', (t) => {
  const dir = freshFolder(t)
  const mark = new Mark(dir)
  const writer = new SqliteWriter(openChatFile({ dir }), mark)
  t.after(() => writer.close())
  // What a full disk does to COMMIT: here a promise that is looked at only then.
  writer.db.exec(`
    PRAGMA foreign_keys = ON;
    CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER breaks AFTER INSERT ON messages WHEN new.message = 'breaks' BEGIN INSERT INTO child VALUES (1); END`)
  writer.take('r', 1)
  const batch = (...drafts: ReturnType<typeof message>[]) =>
    writer.append(packBatch([{ room: 'r', epoch: 1, drafts }]))[0]
  assert.equal(batch(message('a')), 1)
  const many = Array.from({ length: 10 }, (_, i) => message(`m${i}`, 'breaks'))
  assert.throws(() => batch(...many), { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  assert.equal(batch(message('a')), 1)
  assert.equal(writer.commitNo, 1)
  assert.equal(batch(message('b')), mark.read())
})

test('[S2] a commit waits for the disk', (t) => {
  // A kill -9 cannot show it: what the process wrote is with the operating system by then. A power cut would.
  const db = openChatFile({ dir: freshFolder(t) })
  t.after(() => db.close())
  assert.equal(db.pragma('synchronous', { simple: true }), 2)
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
})

test('a SQLite that can lose a commit in the WAL is refused', () => {
  const versions = ['3.51.2', '3.50.9', '2.99.99', '3.51.3', '3.51.10', '3.54.0', '4.0.0']
  assert.deepEqual(versions.filter(isSafeVersion), ['3.51.3', '3.51.10', '3.54.0', '4.0.0'])
})
