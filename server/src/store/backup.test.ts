import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { until } from '../test/until.ts'
import { backup, restore } from './backup.ts'
import { DataDirBusy, lockDataDir } from './data-lock.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { appendTo, message, texts } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

const NOW = Date.UTC(2026, 10, 21)

test('a backup made while the server writes holds what was committed, and any SQLite tool reads it', async (t) => {
  const [dir, safe] = [freshFolder(t), join(freshFolder(t), 'sub', 'safe.db')]
  const store = await openSqliteStore({ dir, self: 'a' })
  t.after(() => store.close())
  await store.take('r', 1)
  await appendTo(store, 'r', 1, message('1'), message('2'))
  const meanwhile = appendTo(store, 'r', 1, message('3'))
  const { rooms, entries } = backup(dir, safe)
  await meanwhile
  assert.equal(rooms, 1)
  assert.ok(entries >= 2)
  await appendTo(store, 'r', 1, message('4'))
  const db = new Database(safe, { readonly: true })
  t.after(() => db.close())
  assert.deepEqual(db.prepare('SELECT username, message FROM messages LIMIT 2').raw().all(), [
    ['ann', 'text of 1'],
    ['ann', 'text of 2'],
  ])
})

test('[S10] a room that was deleted since the backup was made does not come back with it, nor its words', async (t) => {
  const [dir, safe] = [freshFolder(t), join(freshFolder(t), 'safe.db')]
  const store = await openSqliteStore({ dir, self: 'a' })
  for (const room of ['secret', 'kept']) {
    await store.take(room, 1)
    await appendTo(store, room, 1, message('1', `the words of ${room}`))
  }
  backup(dir, safe)
  await store.erase('secret')
  await store.close()
  restore(safe, dir, NOW)
  const again = await openSqliteStore({ dir, self: 'a' })
  t.after(() => again.close())
  assert.equal(await again.take('secret', 2), 'erased')
  assert.deepEqual(await texts(again, 'secret'), [])
  assert.deepEqual(await texts(again, 'kept'), ['the words of kept'])
  const bytes = () => readFileSync(join(dir, 'chat.db'), 'latin1')
  await until('its words are gone from the file', () => !bytes().includes('the words of secret'))
  assert.ok(bytes().includes('the words of kept'))
})

test('a restored file serves what it holds, under other log ids, and only after the balancer was asked', async (t) => {
  const [dir, safe] = [freshFolder(t), join(freshFolder(t), 'safe.db')]
  const store = await openSqliteStore({ dir, self: 'a' })
  const before = await store.take('r', 1)
  await appendTo(store, 'r', 1, message('1'))
  backup(dir, safe)
  const { commitNo } = await store.append([{ room: 'r', epoch: 1, drafts: [message('2')] }])
  await store.close()

  const { keptIn, entries } = restore(safe, dir, NOW)
  assert.equal(entries, 1)
  assert.ok(keptIn !== undefined && existsSync(join(keptIn, 'chat.db')))
  const again = await openSqliteStore({ dir, self: 'a' })
  t.after(() => again.close())
  assert.deepEqual(await again.held(), [])
  const after = await again.take('r', 1)
  assert.ok(typeof before !== 'string' && typeof after !== 'string' && after.log !== before.log)
  assert.deepEqual(await texts(again, 'r'), ['text of 1'])
  const next = await again.append([{ room: 'r', epoch: 1, drafts: [message('1'), message('3')] }])
  assert.deepEqual(next.rooms, [
    [
      { is: 'repeat', seq: 1, ts: 1_000 },
      { is: 'new', seq: 2, ts: 1_000 },
    ],
  ])
  assert.ok(next.commitNo > commitNo)
})

test('what cannot be backed up or restored is one line, and changes nothing', async (t) => {
  const [dir, other] = [freshFolder(t), freshFolder(t)]
  const safe = join(other, 'safe.db')
  assert.throws(() => backup(dir, safe), /is not there/)
  const store = await openSqliteStore({ dir, self: 'a' })
  await store.take('r', 1)
  await appendTo(store, 'r', 1, message('1'))
  await store.close()
  backup(dir, safe)
  assert.throws(() => backup(dir, safe), /exists/)
  assert.throws(() => restore(join(other, 'none.db'), dir, NOW), /is not there/)
  const lock = lockDataDir(dir)
  assert.throws(() => restore(safe, dir, NOW), DataDirBusy)
  lock.release()
  const torn = join(other, 'torn.db')
  writeFileSync(torn, 'this is no database, and never was one'.repeat(200))
  assert.throws(() => restore(torn, dir, NOW), /damaged/)
  rmSync(torn)
  const again = await openSqliteStore({ dir, self: 'a' })
  t.after(() => again.close())
  assert.deepEqual(await texts(again, 'r'), ['text of 1'])
  assert.equal((await again.held()).length, 1)
})
