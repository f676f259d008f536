import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { SCHEMA_VERSION } from './migrations.ts'
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { describeStore } from './store.contract.ts'
import { ANN, appendTo, message, texts } from './test/drafts.ts'
import { describeAgainstModel } from './store.model.contract.ts'
import { StoreDamaged, StoreFull, StoreLost, StoreUnusable, type Store } from './store.ts'
import { freshFolder, sqliteWorld } from './test/sqlite-world.ts'

describeStore('SqliteStore', () => sqliteWorld())
describeAgainstModel('SqliteStore', () => sqliteWorld(), 16, true)
// Rooms of which only the last two entries are here: the rest is read and searched where it was.
const tailOnly = () => sqliteWorld({ tail: 2, isCopyingBehind: false })
describeStore('SqliteStore with the tails of rooms only', tailOnly)
describeAgainstModel('SqliteStore with the tails of rooms only', tailOnly, 12)
// The same while the rest is being copied.
describeAgainstModel('SqliteStore while it copies the rest', () => sqliteWorld({ tail: 2 }), 8)

async function opened(t: TestContext, dir: string, more: Partial<SqliteStoreOptions> = {}) {
  const store = await openSqliteStore({ dir, self: 'a', ...more })
  t.after(() => store.close())
  return store
}

const LONG = 'x'.repeat(4_000)

/** Appends until the store says that it is full; returns the texts that were acked. */
async function fill(store: Store): Promise<string[]> {
  const acked: string[] = []
  for (let i = 0; i < 10_000; i += 1) {
    try {
      const drafts = [message(`f${i}`, `${i} ${LONG}`), message(`g${i}`, `${i}. ${LONG}`)]
      await appendTo(store, 'r', 1, ...drafts)
      acked.push(...drafts.map(({ text }) => text!))
    } catch (cause) {
      assert.ok(cause instanceof StoreFull, String(cause))
      return acked
    }
  }
  throw new Error('it never filled up')
}

describe('the chat file', () => {
  test('any SQLite tool finds the familiar columns in it', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, dir)
    await store.take('general', 1)
    const ts = Date.UTC(2026, 10, 21, 9, 8, 7, 6)
    await appendTo(store, 'general', 1, message('a', 'hello', { ts }), {
      id: 'b',
      user: ANN,
      type: 'delete',
      ts,
      target: 1,
    })
    await store.close()
    const db = new Database(join(dir, 'chat.db'), { readonly: true })
    t.after(() => db.close())
    const columns = db.pragma('table_info(messages)') as { name: string; type: string; dflt_value: unknown }[]
    assert.deepEqual(
      columns.slice(0, 4).map(({ name, type, dflt_value }) => [name, type, dflt_value]),
      [
        ['id', 'INTEGER', null],
        ['username', 'TEXT', null],
        ['message', 'TEXT', null],
        ['timestamp', 'DATETIME', 'CURRENT_TIMESTAMP'],
      ],
    )
    const { sql } = db.prepare(`SELECT sql FROM sqlite_schema WHERE name = 'messages'`).get() as {
      sql: string
    }
    assert.match(sql, /id INTEGER PRIMARY KEY AUTOINCREMENT/)
    assert.deepEqual(db.prepare('SELECT id, username, message, timestamp FROM messages').all(), [
      { id: 1, username: 'ann', message: 'hello', timestamp: '2026-11-21 09:08:07.006' },
      { id: 2, username: 'ann', message: null, timestamp: '2026-11-21 09:08:07.006' },
    ])
    assert.equal(
      db.prepare(`SELECT CAST(strftime('%s', timestamp) AS INTEGER) AS s FROM messages`).pluck().get(),
      Math.floor(ts / 1_000),
    )
  })

  test('a clean stop leaves one file, with all of it', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, dir)
    await store.take('r', 1)
    await appendTo(store, 'r', 1, message('a'))
    await texts(store, 'r')
    await store.close()
    assert.deepEqual(
      ['chat.db', 'chat.db-wal', 'chat.db-shm'].filter((file) => existsSync(join(dir, file))),
      ['chat.db'],
    )
  })

  test('what is committed gets from the WAL into the file while the store runs', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, dir)
    await store.take('r', 1)
    for (let i = 0; statSync(join(dir, 'chat.db')).size < 4_000_000; i += 1) {
      await appendTo(store, 'r', 1, ...Array.from({ length: 50 }, (_, n) => message(`${i}-${n}`, LONG)))
    }
  })
})

describe('a full disk', () => {
  test('stores nothing of the batch, reads go on, and so do appends once there is space', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, dir, { maxPages: 40 })
    await store.take('r', 1)
    const acked = await fill(store)
    assert.ok(acked.length > 2)
    assert.deepEqual(await texts(store, 'r'), acked)
    await store.close()

    const roomy = await opened(t, dir)
    assert.deepEqual((await texts(roomy, 'r')).slice(0, acked.length), acked)
    assert.notEqual(await appendTo(roomy, 'r', 1, message('more', LONG)), 'fenced')
  })

  test('of the file system is the same, and goes away with what filled it', async (t) => {
    const dir = freshFolder(t)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'ignore' })
    } catch {
      t.skip('mounting a tmpfs is not allowed here')
      return
    }
    try {
      const store = await openSqliteStore({ dir, self: 'a' })
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('first'))
      writeFileSync(join(dir, 'filler'), Buffer.alloc(1024 * 1024))
      const acked = ['text of first', ...(await fill(store))]
      await assert.rejects(appendTo(store, 'r', 1, message('f', LONG), message('g', LONG)), StoreFull)
      assert.deepEqual(await texts(store, 'r'), acked)
      rmSync(join(dir, 'filler'))
      assert.deepEqual(await appendTo(store, 'r', 1, message('again', 'x'.repeat(10_000))), [
        { is: 'new', seq: acked.length + 1, ts: 1_000 },
      ])
      await store.close()
      const again = await openSqliteStore({ dir, self: 'a' })
      assert.equal((await texts(again, 'r')).length, acked.length + 1)
      await again.close()
    } finally {
      execFileSync('umount', [dir])
    }
  })
})

describe('damage', () => {
  /** A cleanly closed file of some size. */
  async function written(dir: string): Promise<string> {
    const store = await openSqliteStore({ dir, self: 'a' })
    await store.take('r', 1)
    for (let i = 0; i < 20; i += 1) await appendTo(store, 'r', 1, message(`${i}`, LONG))
    await store.close()
    return join(dir, 'chat.db')
  }

  test('met in use loses the store: every call rejects, and the owner is told once', async (t) => {
    const dir = freshFolder(t)
    const file = await written(dir)
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 4_096 * 12)
    writeFileSync(file, bytes)
    const told: StoreLost[] = []
    const store = await opened(t, dir, { onLost: (cause) => void told.push(cause) })
    const results = await Promise.allSettled([
      appendTo(store, 'r', 1, message('n1')),
      store.read('r', { after: 0 }, 100),
      appendTo(store, 'r', 1, message('n2')),
    ])
    assert.ok(results.some(({ status }) => status === 'rejected'))
    await assert.rejects(appendTo(store, 'r', 1, message('n3')), StoreLost)
    await assert.rejects(store.read('r', { after: 0 }, 1), StoreLost)
    await assert.rejects(store.held(), StoreLost)
    assert.equal(told.length, 1)
    assert.ok(told[0] instanceof StoreLost && told[0].message.includes(dir))
  })

  test('of the header, and a file cut short, are found at the start', async (t) => {
    const noFile = freshFolder(t)
    writeFileSync(join(noFile, 'chat.db'), 'this is no database, and never was one'.repeat(200))
    await assert.rejects(openSqliteStore({ dir: noFile, self: 'a' }), isOneLine(StoreDamaged, noFile))

    const short = freshFolder(t)
    const file = await written(short)
    truncateSync(file, 4_096 * 5)
    await assert.rejects(openSqliteStore({ dir: short, self: 'a' }), isOneLine(StoreDamaged, short))
  })

  test('after a crash is found by the check at the start', async (t) => {
    const dir = freshFolder(t)
    const file = await written(dir)
    const bytes = readFileSync(file)
    bytes.fill(0xa5, bytes.length - 4_096 * 4)
    writeFileSync(file, bytes)
    writeFileSync(`${file}-wal`, 'left behind') // what a killed process leaves, and a proper close does not
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), isOneLine(StoreDamaged, dir))
  })
})

describe('a file that cannot be used', () => {
  test('because the folder is none', async (t) => {
    const dir = join(freshFolder(t), 'file')
    writeFileSync(dir, '')
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), isOneLine(StoreUnusable, dir))
    await assert.rejects(openSqliteStore({ dir: join(dir, 'sub'), self: 'a' }), isOneLine(StoreUnusable, dir))
  })

  test('because the folder is not writable', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may write everywhere')
    const dir = freshFolder(t)
    chmodSync(dir, 0o500)
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), isOneLine(StoreUnusable, dir))
  })

  test('because a newer version wrote it', async (t) => {
    const dir = freshFolder(t)
    await (await openSqliteStore({ dir, self: 'a' })).close()
    const db = new Database(join(dir, 'chat.db'))
    db.pragma(`user_version = ${SCHEMA_VERSION + 1}`)
    db.close()
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), (cause) => {
      assert.match(String(cause), /newer version/)
      return isOneLine(StoreUnusable, dir)(cause)
    })
  })

  test('because another program made it', async (t) => {
    const dir = freshFolder(t)
    const db = new Database(join(dir, 'chat.db'))
    db.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT)')
    db.close()
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), isOneLine(StoreUnusable, dir))
  })
})

function isOneLine(type: typeof StoreUnusable, path: string) {
  return (cause: unknown): true => {
    assert.ok(cause instanceof type, String(cause))
    assert.ok(cause.message.includes(path), cause.message)
    assert.ok(!cause.message.includes('\n'))
    return true
  }
}
