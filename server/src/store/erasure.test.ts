import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { until } from '../test/until.ts'
import { connect } from './sqlite-file.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { StoreFull, type Draft } from './store.ts'
import { appendTo, message, texts } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

const ROOMS = ['kept', 'secret', 'other']
const GENESIS: Genesis = { name: 'SECRET of the room', visibility: 'private', createdAt: 1 }

async function opened(
  t: TestContext,
  options: Partial<SqliteStoreOptions> & { dir: string },
): Promise<SqliteStore> {
  const store = await openSqliteStore({ self: 'a', ...options })
  t.after(() => store.close())
  return store
}

/** Which rooms' words stand in the files of a folder, and how often. */
function wordsIn(dir: string): Record<string, number> {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name), 'latin1'))
    .join('\n')
  const count = (word: string) => all.split(word).length - 1
  return Object.fromEntries(ROOMS.map((room) => [room, count(wordOf(room))]))
}

const wordOf = (room: string) => (room === 'secret' ? 'SECRET' : `WORD-${room}`)

/** Rooms side by side in one file, with texts of all lengths, and people that go, so that SQLite divides its pages. */
async function fill(store: SqliteStore): Promise<void> {
  for (const room of ROOMS) await store.take(room, 1, [], room === 'secret' ? GENESIS : undefined)
  for (let batch = 0; batch < 60; batch += 1) {
    const parts = ROOMS.map((room, i) => {
      const drafts = Array.from({ length: 20 }, (_, n): Draft => {
        const user = { id: `user:${n % 5}`, name: `${wordOf(room)}-${n % 5}` }
        const length = n === 7 ? 9_000 : (batch * 31 + n * 57 + i * 13) % 700
        const id = `${batch}-${n}`
        return n === 3
          ? { id, user, type: 'system', ts: 1, event: 'topic', data: { topic: `${wordOf(room)} ${length}` } }
          : message(id, `${wordOf(room)}${'.'.repeat(length)}`, { user })
      })
      return { room, epoch: 1, drafts }
    })
    await store.append(parts)
  }
  const gone: Draft = { id: 'gone', user: { id: 'user:2', name: '' }, type: 'system', ts: 1, event: 'gone' }
  await store.append(ROOMS.map((room) => ({ room, epoch: 1, drafts: [gone] })))
}

function pagesIn(dir: string): number {
  const db = connect(join(dir, 'chat.db'))
  try {
    return db.pragma('page_count', { simple: true }) as number
  } finally {
    db.close()
  }
}

describe('when a room was erased', () => {
  test('[S10] none of its words is in any file, while the server goes on', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, { dir })
    await fill(store)
    const before = wordsIn(dir)
    assert.ok(before['secret']! > 1_000, JSON.stringify(before))
    const kept = await texts(store, 'kept')
    const going = Promise.all(
      Array.from({ length: 20 }, (_, i) => appendTo(store, 'kept', 1, message(`new ${i}`, 'x'))),
    )
    await Promise.all([store.erase('secret'), store.read('kept', { after: 0 }, 1_000)])
    assert.equal(wordsIn(dir)['secret'], 0)
    await going
    assert.deepEqual((await texts(store, 'kept')).slice(0, kept.length), kept)
    // The next one may have been copied to other pages when the first one went.
    await store.erase('other')
    assert.deepEqual([wordsIn(dir)['secret'], wordsIn(dir)['other']], [0, 0])
    assert.ok(wordsIn(dir)['kept']! > 1_000)
    assert.equal((await texts(store, 'kept')).length, kept.length + 20)
  })

  test('[S10] what other content took its place of is not left either', async (t) => {
    const [dirA, dirB] = [freshFolder(t), freshFolder(t)]
    const a = await opened(t, { dir: dirA })
    await fill(a)
    const b = await opened(t, { dir: dirB, self: 'b', isCopyingBehind: false, tail: 100 })
    await b.take('secret', 2, [{ id: 'a', dataDir: dirA }])
    await b.renewLogs(0)
    await b.erase('secret')
    assert.equal(wordsIn(dirB)['secret'], 0)
    await a.erase('secret')
    assert.equal(wordsIn(dirA)['secret'], 0)
  })

  test('[S10] of a large file nearly nothing is left at once, and nothing after the next start', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, { dir, compactUpToBytes: 4_096 })
    await fill(store)
    const before = wordsIn(dir)['secret']!
    await store.erase('secret')
    assert.ok(wordsIn(dir)['secret']! < before / 50)
    const size = statSync(join(dir, 'chat.db')).size
    await store.close()
    const again = await opened(t, { dir, compactUpToBytes: 4_096 })
    assert.equal(wordsIn(dir)['secret'], 0)
    assert.ok(statSync(join(dir, 'chat.db')).size < size)
    assert.equal(await again.take('secret', 9), 'erased')
  })

  test('[S10] of a large file that cannot be written anew at the start, the rooms are served, and it is done at the next one', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, { dir, compactUpToBytes: 4_096 })
    await fill(store)
    await store.erase('secret')
    await store.close()
    const left = wordsIn(dir)['secret']!
    assert.ok(left > 0)
    const other = connect(join(dir, 'chat.db'))
    other.exec('BEGIN IMMEDIATE')
    const second = await opened(t, { dir, compactUpToBytes: 4_096 })
    assert.equal((await texts(second, 'kept')).length, 1_201)
    other.close()
    await second.close()
    const third = await opened(t, { dir, compactUpToBytes: 4_096 })
    assert.equal(wordsIn(dir)['secret'], 0)
    assert.equal(await third.take('secret', 9), 'erased')
  })

  test('[S10] what was cut off is gone on with at the next start', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, { dir })
    await fill(store)
    const erased = store.erase('secret').then(
      () => 'done',
      () => 'cut off',
    )
    await store.close()
    assert.equal(await erased, 'cut off')
    assert.ok(wordsIn(dir)['secret']! > 0)
    const again = await opened(t, { dir })
    assert.equal(await again.take('secret', 9), 'erased')
    await until('none of its words is left', () => wordsIn(dir)['secret'] === 0)
  })

  test('[S10] somebody who reads for long keeps it from ending, and it is done when asked again', async (t) => {
    const dir = freshFolder(t)
    const store = await opened(t, { dir })
    await fill(store)
    const reader = connect(join(dir, 'chat.db'))
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM messages').get()
    await assert.rejects(store.erase('secret'), StoreFull)
    assert.deepEqual(await appendTo(store, 'kept', 1, message('meanwhile')), [
      { is: 'new', seq: 1_202, ts: 1_000 },
    ])
    reader.close()
    await store.erase('secret')
    assert.equal(wordsIn(dir)['secret'], 0)
  })
})

test('[S10] a room that is erased while another one is being erased is not taken for done', async (t) => {
  const dir = freshFolder(t)
  const store = await opened(t, { dir })
  await fill(store)
  const reader = connect(join(dir, 'chat.db'))
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM messages').get()
  const pages = pagesIn(dir)
  const first = store.erase('secret')
  await until('the file is written anew, and waits for the one who reads', () => pagesIn(dir) < pages)
  const second = store.erase('other')
  reader.close()
  await Promise.all([first, second])
  assert.deepEqual([wordsIn(dir)['secret'], wordsIn(dir)['other']], [0, 0])
  const third = connect(join(dir, 'chat.db'))
  assert.equal(third.prepare('SELECT count(*) FROM rooms WHERE is_doubted = 1').pluck().get(), 0)
  third.close()
})

test('[S11] what was forgotten is deleted from the file, and the rest is not', async (t) => {
  const dir = freshFolder(t)
  const store = await opened(t, { dir })
  await store.take('r', 1)
  const old = Array.from({ length: 700 }, (_, i) => message(`${i}`, `SECRET ${i}`, { ts: 1_000 }))
  const young = Array.from({ length: 300 }, (_, i) => message(`y${i}`, `young ${i}`, { ts: 2_000 }))
  await appendTo(store, 'r', 1, ...old, ...young)
  assert.equal(await store.forget('r', 1_500), 701)
  await store.close()
  // Of a few there are copies left where SQLite divided or joined pages.
  assert.ok(wordsIn(dir)['secret']! < 10)
  assert.equal((await texts(await opened(t, { dir }), 'r')).length, 300)
})
