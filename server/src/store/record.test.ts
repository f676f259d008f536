import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { until } from '../test/until.ts'
import { system } from './ruling.contract.ts'
import { connect } from './sqlite-file.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { SourceUnavailable, type Draft } from './store.ts'
import { ANN, appendTo, BOB, message } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

/**
 * What changed a room is here as soon as the room is, though most of the room is still in another server's file: who may do what
 * cannot wait for that.
 */

const USER = { id: 'user:1', name: 'Annie' }

async function opened(t: TestContext, options: Partial<SqliteStoreOptions> & { self: string; dir: string }) {
  const store = await openSqliteStore({ tail: 10, isCopyingBehind: false, ...options })
  t.after(() => store.close())
  return store
}

const deletion = (id: string, target: number): Draft => ({ id, user: BOB, type: 'delete', ts: 1_000, target })

/** Server a with a room of 100 entries, every tenth of which is of record, and server b, which has taken the last ten of it. */
async function taken(t: TestContext, more: Partial<SqliteStoreOptions> = {}) {
  const [dirA, dirB] = [freshFolder(t), freshFolder(t)]
  const a = await opened(t, { dir: dirA, self: 'a' })
  await a.take('r', 1)
  const drafts = Array.from({ length: 100 }, (_, i): Draft => {
    if (i % 20 === 5) return system(`${i}`, 'mute', { data: { user: USER, until: i } })
    if (i % 20 === 15) return deletion(`${i}`, i)
    return message(`${i}`, `text ${i}`, { user: i % 3 === 0 ? USER : BOB, ts: 1_000 + i })
  })
  await appendTo(a, 'r', 1, ...drafts)
  const all = await a.read('r', { after: 0 }, 200)
  const b = await opened(t, { dir: dirB, self: 'b', ...more })
  const first = await b.take('r', 2, [{ id: 'a', dataDir: dirA }])
  assert.ok(typeof first !== 'string')
  return { a, b, dirA, dirB, all, first }
}

const isSystem = ({ type }: Entry) => type === 'system'
const isOfRecord = ({ type }: Entry) => type === 'system' || type === 'delete'
const seqsOf = (entries: readonly Entry[]) => entries.map(({ seq }) => seq)

function rowsOfCopies(dir: string): number {
  const db = connect(join(dir, 'chat.db'), { mustExist: true })
  try {
    return db.prepare('SELECT count(*) FROM messages WHERE room_key < 0').pluck().get() as number
  } finally {
    db.close()
  }
}

test('[S1] [S12] all of it is known though the rest of the room is elsewhere, and that is away', async (t) => {
  const { b, dirA, dirB, all, first } = await taken(t)
  assert.equal(first.isWhole, false)
  assert.deepEqual(first.chronicle, all.filter(isSystem))
  renameSync(dirA, `${dirA}-away`)
  assert.deepEqual(await b.audit('r', undefined, 50), all.filter(isOfRecord).toReversed())
  await b.close()
  const again = await opened(t, { dir: dirB, self: 'b' })
  const next = await again.take('r', 3)
  assert.ok(typeof next !== 'string' && !next.isWhole)
  assert.deepEqual(next.chronicle, first.chronicle)
  await assert.rejects(again.read('r', { after: 0 }, 5), SourceUnavailable)
  renameSync(`${dirA}-away`, dirA)
})

test('[S1] it goes on with the room to a third server, which has still less of it', async (t) => {
  const { dirA, dirB, all, b } = await taken(t)
  await appendTo(b, 'r', 2, system('at b', 'leave'))
  const c = await opened(t, { dir: freshFolder(t), self: 'c', tail: 3 })
  const third = await c.take('r', 3, [
    { id: 'a', dataDir: dirA },
    { id: 'b', dataDir: dirB },
  ])
  assert.ok(typeof third !== 'string' && !third.isWhole)
  assert.deepEqual(seqsOf(third.chronicle), [...seqsOf(all.filter(isSystem)), 101])
  assert.deepEqual(seqsOf(await c.audit('r', undefined, 3)), [101, 96, 86])
  assert.deepEqual(seqsOf(await c.read('r', { after: 0 }, 200)), [...seqsOf(all), 101])
})

test('[S1] its copies go as the entries come', async (t) => {
  const { b, dirB, all } = await taken(t)
  assert.equal(rowsOfCopies(dirB), 9)
  await b.close()
  let isWhole = false
  const again = await opened(t, {
    dir: dirB,
    self: 'b',
    isCopyingBehind: true,
    onWhole: () => (isWhole = true),
  })
  await until('all of it is here', () => isWhole)
  assert.equal(rowsOfCopies(dirB), 0)
  assert.deepEqual(await again.audit('r', undefined, 50), all.filter(isOfRecord).toReversed())
  assert.deepEqual(await again.read('r', { after: 0 }, 200), all)
})

test('[S5] what an edit is about is looked up where it is, and nobody can tell while that is away', async (t) => {
  const { b, dirA } = await taken(t)
  const edit = (id: string, target: number, rule: 'author' | 'exists'): Draft => {
    return { id: `e${id}`, user: BOB, type: 'edit', ts: 1, target, text: 'x', rule }
  }
  const asked: Draft = { ...message('0', 'text 0', { user: USER }), onlyIfThere: true }
  renameSync(dirA, `${dirA}-away`)
  assert.deepEqual(await appendTo(b, 'r', 2, edit('5', 2, 'author'), { ...asked, id: 'never' }), [
    { is: 'unsure' },
    { is: 'unsure' },
  ])
  renameSync(`${dirA}-away`, dirA)
  const drafts = [
    edit('1', 2, 'author'),
    edit('2', 1, 'author'),
    edit('3', 1, 'exists'),
    edit('4', 6, 'exists'),
  ]
  const outcomes = await appendTo(b, 'r', 2, ...drafts)
  assert.deepEqual(typeof outcomes !== 'string' && outcomes.map(({ is }) => is), [
    'new',
    'forbidden',
    'new',
    'absent',
  ])
  assert.deepEqual(await appendTo(b, 'r', 2, asked, { ...asked, text: 'other' }), [
    { is: 'repeat', seq: 1, ts: 1_000 },
    { is: 'absent' },
  ])
})

test('[S12] who is gone has no name in what is still elsewhere, nor in what is copied from there later', async (t) => {
  const { a, b, dirB } = await taken(t)
  await appendTo(b, 'r', 2, { id: 'gone', user: USER, type: 'system', ts: 1, event: 'gone' })
  const namesIn = async (store: SqliteStore) => JSON.stringify(await store.read('r', { after: 0 }, 200))
  assert.match(await namesIn(a), /Annie/)
  assert.doesNotMatch(await namesIn(b), /Annie/)
  assert.doesNotMatch(JSON.stringify(await b.audit('r', undefined, 200)), /Annie/)
  await b.close()
  let isWhole = false
  const again = await opened(t, {
    dir: dirB,
    self: 'b',
    isCopyingBehind: true,
    onWhole: () => (isWhole = true),
  })
  await until('all of it is here', () => isWhole)
  assert.doesNotMatch(await namesIn(again), /Annie/)
  const next = await again.take('r', 3)
  assert.doesNotMatch(JSON.stringify(next), /Annie/)
})

test('what somebody said in a part that is elsewhere is searched there, and not given as all of it', async (t) => {
  const { b, dirA } = await taken(t)
  renameSync(dirA, `${dirA}-away`)
  await assert.rejects(b.roomsOf('user:nobody'), SourceUnavailable)
  renameSync(`${dirA}-away`, dirA)
  assert.deepEqual(await b.roomsOf(USER.id), ['r'])
  assert.deepEqual(await b.roomsOf('user:nobody'), [])
  assert.equal((await b.entriesOf(USER.id, undefined, 100)).isWhole, false)
  assert.deepEqual(await b.roomsOf(ANN.id), ['r'])
})

test('[S11] what is elsewhere is forgotten when the boundary lies in what is here, and then the room is whole', async (t) => {
  let wholes = 0
  const { b, dirA, dirB, all, first } = await taken(t, { onWhole: () => void (wholes += 1) })
  assert.equal(await b.forget('r', 1_050), 1, 'nobody can tell yet where that is')
  assert.equal(await b.forget('r', 1_095), 97)
  assert.equal(wholes, 1)
  renameSync(dirA, `${dirA}-away`)
  assert.equal(rowsOfCopies(dirB), 0)
  assert.deepEqual(await b.read('r', { after: 0 }, 200), all.slice(96))
  assert.deepEqual(await b.audit('r', undefined, 50), all.filter(isOfRecord).toReversed())
  const next = await b.take('r', 3)
  assert.deepEqual(next, { ...first, isWhole: true, floor: 97 })
  assert.deepEqual(await appendTo(b, 'r', 3, message('new')), [{ is: 'new', seq: 101, ts: 1_099 }])
  renameSync(`${dirA}-away`, dirA)
})
