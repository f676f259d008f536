import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { until } from '../test/until.ts'
import { system } from './ruling.contract.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { StoreLost, type Draft, type Taken } from './store.ts'
import { appendTo, BOB, message } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

/** What becomes of entries that the disk changed: looked for in the stores that had the room before, and else said to be lost. */

const TIME = 1_700_000_000_000
const DAY_MS = 86_400_000

/** Flips a bit of a closed file: `at` bytes behind the end of the last of `words`, which follow each other. */
function flipBehind(dir: string, words: readonly string[], at = -1, bit = 0): void {
  const file = join(dir, 'chat.db')
  const bytes = readFileSync(file)
  let end = 0
  for (const word of words) {
    const found = bytes.indexOf(word, end)
    assert.ok(found >= 0, word)
    end = found + word.length
  }
  bytes[end + at]! ^= 1 << bit
  writeFileSync(file, bytes)
}

async function opened(t: TestContext, dir: string, self: string, more: Partial<SqliteStoreOptions> = {}) {
  const store = await openSqliteStore({ dir, self, ...more })
  t.after(() => store.close())
  return store
}

async function takenBy(
  store: SqliteStore,
  epoch: number,
  ...from: { id: string; dataDir: string }[]
): Promise<Taken> {
  const taken = await store.take('r', epoch, from)
  assert.ok(typeof taken !== 'string', taken as string)
  return taken
}

/** Meets the damage, and opens the file again. */
async function mended(t: TestContext, dir: string, self: string, more: Partial<SqliteStoreOptions> = {}) {
  const first = await opened(t, dir, self, more)
  await assert.rejects(async () => {
    await first.audit('r', undefined, 100)
    await first.read('r', { after: 0 }, 100)
  }, StoreLost)
  return opened(t, dir, self, more)
}

const TALK: Draft[] = [
  message('1', 'what was said first', { user: { id: 'user:1', name: 'Annie' } }),
  system('2', 'ban', { data: { user: BOB, reason: 'the reason for it' } }),
  message('3', 'what was said last', { user: BOB }),
]

/** Server a with a room, of which server b has all, or the last `tail`. Both are closed. */
async function taken(t: TestContext, more: Partial<SqliteStoreOptions> = {}) {
  const [dirA, dirB] = [freshFolder(t), freshFolder(t)]
  const a = await openSqliteStore({ dir: dirA, self: 'a' })
  await takenBy(a, 1)
  await appendTo(a, 'r', 1, ...TALK)
  const b = await openSqliteStore({ dir: dirB, self: 'b', ...more })
  const atB = await takenBy(b, 2, { id: 'a', dataDir: dirA })
  const all = await b.read('r', { after: 0 }, 10)
  await a.close()
  await b.close()
  return { dirA, dirB, all, atB }
}

describe('an entry that is not as it was written', () => {
  for (const word of ['what was said first', 'the reason for it']) {
    test(`is put back out of a store that had the room before: ${word}`, async (t) => {
      const { dirB, all, atB } = await taken(t)
      flipBehind(dirB, [word])
      const b = await mended(t, dirB, 'b')
      const again = await takenBy(b, 3)
      assert.deepEqual(again, atB, 'the log is the same')
      assert.deepEqual(await b.read('r', { after: 0 }, 10), all)
      assert.deepEqual(await appendTo(b, 'r', 3, TALK[0]!, message('4')), [
        { is: 'repeat', seq: 1, ts: 1_000 },
        { is: 'new', seq: 4, ts: 1_000 },
      ])
    })
  }

  test('is put back without the name of who is gone by now', async (t) => {
    const { dirB } = await taken(t)
    const before = await openSqliteStore({ dir: dirB, self: 'b' })
    await appendTo(before, 'r', 2, system('gone', 'gone', { user: { id: 'user:1', name: 'x' } }))
    await before.close()
    flipBehind(dirB, ['what was said first'])
    const b = await mended(t, dirB, 'b')
    const [first] = await b.read('r', { after: 0 }, 1)
    assert.deepEqual(first, {
      ...{ type: 'message', room: 'r', seq: 1, id: '1', ts: 1_000, text: 'what was said first' },
      user: { id: 'user:1', name: 'deleted user' },
    })
  })

  test('gives way to one that says so where no store that can be read has it, and of what kind it was', async (t) => {
    const { dirA, dirB, all, atB } = await taken(t)
    for (const word of ['what was said last', 'the reason for it']) flipBehind(dirB, [word])
    renameSync(dirA, `${dirA}-away`)
    const b = await mended(t, dirB, 'b')
    renameSync(`${dirA}-away`, dirA)
    const again = await takenBy(b, 3)
    assert.notEqual(again.log, atB.log)
    const [first, ...lost] = await b.read('r', { after: 0 }, 10)
    assert.deepEqual(first, all[0])
    assert.deepEqual(
      lost.map((entry) => 'event' in entry && [entry.seq, entry.event, entry.data]),
      [
        [2, 'damaged', { was: 'system' }],
        [3, 'damaged', { was: 'message' }],
      ],
    )
    assert.deepEqual(again.chronicle, lost)
  })

  test('is found, and mended, also where an index says what it should be', async (t) => {
    const { dirA } = await taken(t)
    flipBehind(dirA, ['what was said last', 'guest:bob'])
    const a = await mended(t, dirA, 'a')
    const [, , last] = await a.read('r', { after: 0 }, 10)
    assert.deepEqual(last && 'event' in last && [last.event, last.data], ['damaged', { was: 'message' }])
  })
})

describe('a copy of what happened to a room, of which that part is elsewhere', () => {
  const SHORT = { tail: 1, isCopyingBehind: false }

  test('is put back from there', async (t) => {
    const { dirB, atB } = await taken(t, SHORT)
    assert.deepEqual([atB.isWhole, atB.chronicle.length], [false, 1])
    flipBehind(dirB, ['the reason for it'])
    const b = await mended(t, dirB, 'b', SHORT)
    assert.deepEqual(await takenBy(b, 3), atB)
  })

  test('says that it is lost while that is away, and is what it was when the entry has come', async (t) => {
    const { dirA, dirB, atB } = await taken(t, SHORT)
    flipBehind(dirB, ['the reason for it'])
    renameSync(dirA, `${dirA}-away`)
    const first = await mended(t, dirB, 'b', SHORT)
    renameSync(`${dirA}-away`, dirA)
    const [lost] = (await takenBy(first, 3)).chronicle
    assert.deepEqual(lost && 'data' in lost && lost.data, { was: 'system' })
    await first.close()
    let isWhole = false
    const b = await opened(t, dirB, 'b', { onWhole: () => (isWhole = true) })
    await until('all of it is here', () => isWhole)
    const again = await takenBy(b, 4)
    assert.deepEqual(again, { ...atB, isWhole: true })
  })
})

describe('what is damaged in the file it has yet to be copied from', () => {
  async function copied(t: TestContext, word: string) {
    const { dirA, dirB, all, atB } = await taken(t, { tail: 1, isCopyingBehind: false })
    flipBehind(dirA, [word])
    const renewed: string[] = []
    let isWhole = false
    const b = await opened(t, dirB, 'b', {
      onWhole: () => (isWhole = true),
      onRenewed: (room) => renewed.push(room),
    })
    await until('all of it is here', () => isWhole)
    const again = await takenBy(b, 3)
    return { all, atB, again, renewed, entries: await b.read('r', { after: 0 }, 10), b }
  }

  test('is here already, if it happened to the room', async (t) => {
    const { all, atB, again, renewed, entries } = await copied(t, 'the reason for it')
    assert.deepEqual(entries, all)
    assert.deepEqual(again, { ...atB, isWhole: true })
    assert.deepEqual(renewed, [])
  })

  test('gives way to an entry that says so, and the room goes on in another log', async (t) => {
    const { all, atB, again, renewed, entries, b } = await copied(t, 'what was said first')
    assert.deepEqual(renewed, ['r'])
    assert.notEqual(again.log, atB.log)
    const [first, ...rest] = entries
    assert.deepEqual(first && 'event' in first && [first.seq, first.event, first.data], [
      ...[1, 'damaged'],
      { was: 'message' },
    ])
    assert.deepEqual(rest, all.slice(1))
    const outcomes = await appendTo(b, 'r', 3, TALK[0]!, TALK[2]!)
    assert.deepEqual(typeof outcomes !== 'string' && outcomes.map(({ is }) => is), ['new', 'repeat'])
  })
})

describe('what a room keeps for a time only', () => {
  async function aged(t: TestContext, days: number): Promise<string> {
    const dir = freshFolder(t)
    const store = await openSqliteStore({ dir, self: 'a' })
    await takenBy(store, 1)
    const retention = system('retention', 'retention', { ts: TIME, data: { days, note: 'found by this' } })
    const talk = Array.from({ length: 31 }, (_, i) =>
      message(`m${i}`, `text ${i}.`, { ts: TIME + i * DAY_MS }),
    )
    await appendTo(store, 'r', 1, retention, ...talk)
    await store.close()
    return dir
  }
  const NOW = TIME + 30 * DAY_MS + 1

  test('is not forgotten too soon because the time of an entry is not what it was', async (t) => {
    const dir = await aged(t, 20)
    // One of those that are looked at to find where what is too old ends; the first byte of its time.
    flipBehind(dir, ['text 15.', 'm15message'], 0, 0)
    const first = await opened(t, dir, 'a')
    await assert.rejects(first.sweep(NOW), StoreLost)
    const store = await opened(t, dir, 'a')
    await takenBy(store, 2)
    assert.deepEqual(await store.sweep(NOW), [{ room: 'r', floor: 13 }])
    const kept = await store.read('r', { after: 0 }, 100)
    assert.deepEqual([kept.length, kept[0]?.seq], [20, 13])
  })

  test('is kept if the entry that says for how long is not what it was', async (t) => {
    const dir = await aged(t, 90)
    flipBehind(dir, ['"days":9'], -1, 3) // 10 days
    const first = await opened(t, dir, 'a')
    await assert.rejects(first.sweep(NOW), StoreLost)
    const store = await opened(t, dir, 'a')
    await takenBy(store, 2)
    assert.deepEqual(await store.sweep(NOW), [])
    assert.equal((await store.read('r', { after: 0 }, 100)).length, 32)
    const anew = system('anew', 'retention', { ts: NOW, data: { days: 20 } })
    await appendTo(store, 'r', 2, anew)
    assert.deepEqual(await store.sweep(NOW), [{ room: 'r', floor: 13 }])
  })
})
