import assert from 'node:assert/strict'
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { until } from '../test/until.ts'
import { copyBehind } from './copy-behind.ts'
import { connect, openChatFile } from './sqlite-file.ts'
import { packBatch } from './sqlite-messages.ts'
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, StoreLost, type StoreRef } from './store.ts'
import { TAIL } from './take-over.ts'
import { appendTo, BARE, message, texts } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

/** A closed file of server a with a room `r` of so many entries, ids 1, 2, 3 … */
function written(t: TestContext, entries: number): { dir: string; ref: StoreRef } {
  const dir = freshFolder(t)
  const writer = new SqliteWriter(openChatFile({ dir }))
  writer.take('r', 1)
  for (let at = 1; at <= entries; at += 1_000) {
    const drafts = Array.from({ length: Math.min(1_000, entries - at + 1) }, (_, i) => message(`${at + i}`))
    writer.append(packBatch([{ room: 'r', epoch: 1, drafts }]))
  }
  writer.close()
  return { dir, ref: { id: 'a', dataDir: dir } }
}

async function opened(t: TestContext, options: SqliteStoreOptions) {
  const store = await openSqliteStore(options)
  t.after(() => store.close())
  return store
}

function rowsIn(dir: string): number {
  const db = connect(join(dir, 'chat.db'), { mustExist: true })
  try {
    return db.prepare('SELECT count(*) FROM messages').pluck().get() as number
  } finally {
    db.close()
  }
}

function seqsOf(entries: readonly { seq: number }[]): number[] {
  return entries.map(({ seq }) => seq)
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

test('[S1] of a room of 200,000 entries no more than the tail is copied before the first send is acked', async (t) => {
  const entries = 200_000
  const a = written(t, entries)
  const dir = freshFolder(t)
  const b = await opened(t, { dir, self: 'b', isCopyingBehind: false })
  const taken = await b.take('r', 2, [a.ref])
  assert.ok(typeof taken !== 'string')
  assert.deepEqual([taken.head, taken.isWhole], [entries, false])
  assert.deepEqual(await appendTo(b, 'r', 2, message('new')), [{ is: 'new', seq: entries + 1, ts: 1_000 }])
  assert.ok(rowsIn(dir) <= TAIL + 1, `${rowsIn(dir)} entries`)

  // What was sent long ago is known: the same, another text, a predecessor, and one that never was.
  assert.deepEqual(
    await appendTo(
      b,
      'r',
      2,
      message('7'),
      message('7', 'another text'),
      message('follows', 'x', { after: '8' }),
      message('lost', 'x', { after: 'never sent' }),
      message('again', 'x', { after: 'follows' }),
    ),
    [
      { is: 'repeat', seq: 7, ts: 1_000 },
      { is: 'conflict' },
      { is: 'new', seq: entries + 2, ts: 1_000 },
      { is: 'gap' },
      { is: 'new', seq: entries + 3, ts: 1_000 },
    ],
  )

  // Reading goes on over the place where the copy begins, either way.
  const edge = entries - TAIL
  assert.deepEqual(seqsOf(await b.read('r', { after: 0 }, 5)), [1, 2, 3, 4, 5])
  assert.deepEqual(seqsOf(await b.read('r', { after: edge - 3 }, 6)), upTo(edge - 2, edge + 3))
  assert.deepEqual(seqsOf(await b.read('r', { before: edge + 3 }, 6)), upTo(edge - 3, edge + 2))
  assert.deepEqual(seqsOf(await b.read('r', { before: 3 }, 6)), [1, 2])
  assert.deepEqual(seqsOf(await b.read('r', { after: entries + 2 }, 6)), [entries + 3])
  assert.deepEqual(await b.held(), [
    { room: 'r', epoch: 2, head: entries + 3, log: taken.log, isWhole: false },
  ])
})

test('[S4] [S8] the rest is copied behind, over a restart, and then the old store is not needed', async (t) => {
  const entries = 5_000
  const a = written(t, entries)
  const dir = freshFolder(t)
  const first = await openSqliteStore({ dir, self: 'b', isCopyingBehind: false })
  await first.take('r', 2, [a.ref])
  await appendTo(first, 'r', 2, message('new'))
  await first.close()

  // Some chunks, and the process is gone between two of them.
  const writer = new SqliteWriter(openChatFile({ dir }))
  for (let i = 0; i < 3; i += 1) assert.equal(copyBehind(writer, 'r', assert.fail), 'more')
  const half = rowsIn(dir)
  assert.ok(half > TAIL + 1 && half < entries)
  writer.close()

  const whole = Promise.withResolvers<unknown>()
  const b = await opened(t, { dir, self: 'b', onWhole: whole.resolve })
  const meanwhile = await appendTo(b, 'r', 2, message('meanwhile'))
  assert.ok(typeof meanwhile !== 'string' && meanwhile[0]?.is === 'new')
  assert.deepEqual(await whole.promise, { room: 'r', epoch: 2, head: entries + 2 })
  assert.equal((await b.held())[0]?.isWhole, true)
  rmSync(a.dir, { recursive: true })
  assert.deepEqual(seqsOf(await b.read('r', { after: 0 }, 10_000)), upTo(1, entries + 2))
  assert.deepEqual(await appendTo(b, 'r', 2, message('1'), message('x', 'x', { after: '2' })), [
    { is: 'repeat', seq: 1, ts: 1_000 },
    { is: 'new', seq: entries + 3, ts: 1_000 },
  ])
})

test('[S4] [S6] while the old store is away, what only it can tell is refused, and all else goes on', async (t) => {
  const a = written(t, 3_000)
  const b = await opened(t, { dir: freshFolder(t), self: 'b', isCopyingBehind: false })
  await b.take('r', 2, [a.ref])
  renameSync(a.dir, `${a.dir}-away`)
  t.after(() => rmSync(`${a.dir}-away`, { recursive: true, force: true }))

  await assert.rejects(b.read('r', { after: 0 }, 10), SourceUnavailable)
  await assert.rejects(b.read('r', { before: 2_002 }, 10), SourceUnavailable)
  assert.deepEqual(seqsOf(await b.read('r', { after: 2_000 }, 3)), [2_001, 2_002, 2_003])
  await b.take('other', 1)
  const outcomes = await b.append([
    { room: 'r', epoch: 2, drafts: [message('2999'), message('is it new?'), message('7')] },
    { room: 'other', epoch: 1, drafts: [message('1')] },
  ])
  assert.deepEqual(outcomes.rooms, [
    [{ is: 'repeat', seq: 2_999, ts: 1_000 }, { is: 'unsure' }, { is: 'unsure' }],
    [{ is: 'new', seq: 1, ts: 1_000 }],
  ])

  renameSync(`${a.dir}-away`, a.dir)
  assert.deepEqual(await appendTo(b, 'r', 2, message('is it new?'), message('7')), [
    { is: 'new', seq: 3_001, ts: 1_000 },
    { is: 'repeat', seq: 7, ts: 1_000 },
  ])
  assert.equal((await b.read('r', { after: 0 }, 10)).length, 10)
})

test('a rest that cannot be copied is said once, and copied when its store is back', async (t) => {
  const a = written(t, 3_000)
  const dir = freshFolder(t)
  const first = await openSqliteStore({ dir, self: 'b', isCopyingBehind: false })
  await first.take('r', 2, [a.ref])
  await first.close()
  renameSync(a.dir, `${a.dir}-away`)
  t.after(() => rmSync(`${a.dir}-away`, { recursive: true, force: true }))
  const failed = Promise.withResolvers<string>()
  const whole = Promise.withResolvers<unknown>()
  await opened(t, {
    dir,
    self: 'b',
    onCopyFailed: (room, message) => failed.resolve(`${room}: ${message}`),
    onWhole: whole.resolve,
  })
  assert.match(await failed.promise, /^r: .*chat\.db is not there/)
  renameSync(`${a.dir}-away`, a.dir)
  assert.deepEqual(await whole.promise, { room: 'r', epoch: 2, head: 3_000 })
})

test('[S1] a room that is not whole is taken on by a third server, which gets each part from whoever has it', async (t) => {
  const entries = 6_000
  const a = written(t, entries)
  const [dirB, dirC] = [freshFolder(t), freshFolder(t)]
  const b = await opened(t, { dir: dirB, self: 'b', isCopyingBehind: false })
  const atB = await b.take('r', 2, [a.ref])
  for (let i = 0; i < 3; i += 1) {
    await appendTo(b, 'r', 2, ...Array.from({ length: 500 }, (_, n) => message(`b${i * 500 + n}`)))
  }
  const whole = Promise.withResolvers<unknown>()
  const c = await opened(t, { dir: dirC, self: 'c', isCopyingBehind: false })
  // b knows itself where its missing part is: whoever sends us need not name a.
  const atC = await c.take('r', 3, [{ id: 'b', dataDir: dirB }])
  assert.ok(typeof atB !== 'string' && typeof atC !== 'string')
  assert.deepEqual([atC.log, atC.head, atC.isWhole], [atB.log, entries + 1_500, false])
  assert.ok(rowsIn(dirC) <= TAIL)
  assert.equal(await appendTo(b, 'r', 2, message('late')), 'fenced')
  assert.deepEqual(await appendTo(c, 'r', 3, message('5'), message('b5'), message('b1400'), message('c')), [
    { is: 'repeat', seq: 5, ts: 1_000 },
    { is: 'repeat', seq: entries + 6, ts: 1_000 },
    { is: 'repeat', seq: entries + 1_401, ts: 1_000 },
    { is: 'new', seq: entries + 1_501, ts: 1_000 },
  ])
  assert.deepEqual(seqsOf(await c.read('r', { after: 0 }, 10_000)), upTo(1, entries + 1_501))
  await c.close()

  const again = await opened(t, { dir: dirC, self: 'c', onWhole: whole.resolve })
  await whole.promise
  rmSync(a.dir, { recursive: true })
  rmSync(dirB, { recursive: true })
  const all = await again.read('r', { after: 0 }, 10_000)
  assert.deepEqual(seqsOf(all), upTo(1, entries + 1_501))
  assert.deepEqual(all[entries + 5], { ...message('b5'), room: 'r', seq: entries + 6 })
})

test('[S1] what the last home itself has not is left to be copied behind, however long a tail is asked for', async (t) => {
  const a = written(t, 50)
  const dirB = freshFolder(t)
  const b = await opened(t, { dir: dirB, self: 'b', tail: 2, isCopyingBehind: false })
  await b.take('r', 2, [a.ref])
  const whole = Promise.withResolvers<unknown>()
  const c = await opened(t, { dir: freshFolder(t), self: 'c', onWhole: whole.resolve })
  const taken = await c.take('r', 3, [{ id: 'b', dataDir: dirB }])
  assert.deepEqual(typeof taken !== 'string' && [taken.head, taken.isWhole], [50, false])
  await whole.promise
  assert.deepEqual(seqsOf(await c.read('r', { after: 0 }, 100)), upTo(1, 50))
})

test('[S9] a rest is copied behind, whatever logs the file it is in, and the one it is missing in, went on in since', async (t) => {
  const entries = 3_000
  const a = written(t, entries)
  const dir = freshFolder(t)
  const first = await openSqliteStore({ dir, self: 'b', isCopyingBehind: false })
  await first.take('r', 2, [a.ref])
  await first.close()
  for (const renewedDir of [a.dir, dir, dir, a.dir]) {
    const writer = new SqliteWriter(openChatFile({ dir: renewedDir }))
    writer.renewLogs(0)
    writer.close()
  }
  const whole = Promise.withResolvers<unknown>()
  const b = await opened(t, { dir, self: 'b', onWhole: whole.resolve })
  assert.deepEqual(await whole.promise, { room: 'r', epoch: 2, head: entries })
  rmSync(a.dir, { recursive: true })
  assert.deepEqual(seqsOf(await b.read('r', { after: 0 }, 10_000)), upTo(1, entries))
})

test('[S9] what was said in the log that a set-back file did not go on in is not taken for what was said there since', async (t) => {
  const behind = 600
  const a = written(t, 3)
  const backup = freshFolder(t)
  cpSync(a.dir, backup, { recursive: true })
  const first = new SqliteWriter(openChatFile({ dir: a.dir }))
  const drafts = Array.from({ length: behind }, (_, i) => message(`lost ${i}`))
  first.append(packBatch([{ room: 'r', epoch: 1, drafts }]))
  first.close()
  const dir = freshFolder(t)
  const b = await opened(t, { dir, self: 'b', tail: 2 })
  const before = await b.take('r', 2, [{ id: 'a', dataDir: a.dir }])
  await b.read('r', { after: 0 }, 10_000)
  const back = await openSqliteStore({ dir: a.dir, self: 'a' })
  await back.take('r', 3, [{ id: 'b', dataDir: dir }])
  await back.close()

  const again = new SqliteWriter(openChatFile({ dir: backup }))
  again.renewLogs(10_000)
  again.take('r', 4)
  again.append(packBatch([{ room: 'r', epoch: 4, drafts: [message('4'), message('5'), message('6')] }]))
  again.close()
  const taken = await b.take('r', 5, [{ id: 'a', dataDir: backup }])
  assert.ok(typeof before !== 'string' && typeof taken !== 'string')
  assert.notEqual(taken.log, before.log)
  assert.equal(taken.head, 6)
  assert.deepEqual(
    await texts(b, 'r'),
    ['1', '2', '3', '4', '5', '6'].map((id) => `text of ${id}`),
  )
  const outcomes = await appendTo(b, 'r', 5, message('1'), message('5'), message('lost 0'))
  assert.deepEqual(typeof outcomes !== 'string' && outcomes.map(({ is }) => is), ['repeat', 'repeat', 'new'])
  await until('all of the room is here', () => rowsIn(dir) >= 7)
  assert.equal(rowsIn(dir), 7)
})

test('[S9] an entry that was damaged, and gave way to one that says so, is not shown as it was by who had a copy', async (t) => {
  const a = written(t, 6)
  const dir = freshFolder(t)
  const b = await opened(t, { dir, self: 'b', tail: 2 })
  const whole = await b.take('r', 2, [a.ref])
  assert.ok(typeof whole !== 'string')
  assert.equal((await b.read('r', { after: 0 }, 10)).length, 6)
  let atA = await openSqliteStore({ dir: a.dir, self: 'a' })
  await atA.take('r', 3, [{ id: 'b', dataDir: dir }])
  await atA.close()
  const file = join(a.dir, 'chat.db')
  const bytes = readFileSync(file)
  bytes[bytes.indexOf('text of 3')]! ^= 1
  writeFileSync(file, bytes)
  atA = await openSqliteStore({ dir: a.dir, self: 'a' })
  await assert.rejects(atA.read('r', { after: 0 }, 10), StoreLost)
  renameSync(dir, `${dir}-away`) // or it would be put back from there
  atA = await openSqliteStore({ dir: a.dir, self: 'a' })
  renameSync(`${dir}-away`, dir)
  t.after(() => atA.close())
  const mended = await atA.take('r', 3)
  const said = await atA.read('r', { after: 0 }, 10)
  const back = await b.take('r', 4, [a.ref])
  assert.ok(typeof mended !== 'string' && typeof back !== 'string')
  assert.equal(back.log, mended.log)
  assert.equal(said[2]?.type, 'system')
  assert.deepEqual(await b.read('r', { after: 0 }, 10), said)
  assert.deepEqual(await appendTo(b, 'r', 4, message('1')), [{ is: 'repeat', seq: 1, ts: 1_000 }])
})

test('[S9] a file from before logs were followed still leads to what is missing in a log that was renewed', async (t) => {
  const a = written(t, 10)
  const dir = freshFolder(t)
  const first = await openSqliteStore({ dir, self: 'b', tail: 2, isCopyingBehind: false })
  await first.take('r', 2, [a.ref])
  await first.close()
  // As that version left it: the log that the rest is of stands beside it, the room's own is another.
  const db = connect(join(dir, 'chat.db'), { mustExist: true })
  db.exec(`UPDATE rooms SET missing = json_set(missing, '$.log', log), log = 'renewed', is_doubted = 1;
    ALTER TABLE rooms DROP COLUMN was; ALTER TABLE rooms DROP COLUMN genesis; ALTER TABLE rooms DROP COLUMN floor;
    ALTER TABLE rooms DROP COLUMN formers; DROP INDEX messages_of_record; PRAGMA user_version = 2`)
  db.close()
  const b = await opened(t, { dir, self: 'b', isCopyingBehind: false })
  const taken = await b.take('r', 2)
  assert.deepEqual(taken, { log: 'renewed', head: 10, isWhole: false, ...BARE })
  assert.deepEqual(seqsOf(await b.read('r', { after: 0 }, 20)), upTo(1, 10))
})

test('[S3] a small room is taken, and others are written, while a long one is being copied', async (t) => {
  const a = written(t, 100_000)
  const dirS = freshFolder(t)
  const small = await opened(t, { dir: dirS, self: 's' })
  await small.take('small', 1)
  await appendTo(small, 'small', 1, message('1'))
  const whole: string[] = []
  const dir = freshFolder(t)
  const b = await opened(t, { dir, self: 'b', onWhole: ({ room }) => void whole.push(room) })
  await b.take('other', 1)
  await b.take('r', 2, [a.ref])
  const taken = await b.take('small', 2, [{ id: 's', dataDir: dirS }])
  assert.equal(typeof taken !== 'string' && taken.isWhole, true)
  for (let i = 0; i < 20; i += 1) await appendTo(b, 'other', 1, message(`${i}`))
  assert.deepEqual(whole, [], 'the long one was whole before')
  assert.ok(rowsIn(dir) < 100_000)
})

test('what other content took the place of is deleted a little at a time', (t) => {
  const writer = new SqliteWriter(openChatFile({ dir: freshFolder(t) }))
  t.after(() => writer.close())
  writer.take('r', 1)
  writer.append(
    packBatch([{ room: 'r', epoch: 1, drafts: Array.from({ length: 600 }, (_, i) => message(`${i}`)) }]),
  )
  writer.rooms.bury(writer.row('r')!)
  assert.equal(writer.row('r'), undefined)
  assert.deepEqual(writer.held(), [])
  const left = () => writer.db.prepare('SELECT count(*) FROM messages').pluck().get()
  const counts = []
  while (writer.clearBuried(250)) counts.push(left())
  assert.deepEqual(counts, [350, 100, 0])
  assert.equal(writer.db.prepare('SELECT count(*) FROM rooms').pluck().get(), 0)
})
