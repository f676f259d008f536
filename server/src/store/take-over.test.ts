import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openChatFile } from './sqlite-file.ts'
import { packBatch, unpackCommitted } from './sqlite-messages.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { appendTo, message, texts } from './test/drafts.ts'
import { SourceUnavailable, type Draft } from './store.ts'
import { takeOver, type Step } from './take-over.ts'
import { freshFolder } from './test/sqlite-world.ts'

const ENTRIES = 600

function writerIn(t: TestContext, dir: string): SqliteWriter {
  const writer = new SqliteWriter(openChatFile({ dir }))
  t.after(() => writer.db.close())
  return writer
}

function append(writer: SqliteWriter, epoch: number, ...drafts: Draft[]) {
  return unpackCommitted(writer.append(packBatch([{ room: 'r', epoch, drafts }]))).rooms[0]!
}

/** Server a, home of a room with entries, and an empty server b. */
function twoServers(t: TestContext) {
  const [dirA, dirB] = [freshFolder(t), freshFolder(t)]
  const [a, b] = [writerIn(t, dirA), writerIn(t, dirB)]
  a.take('r', 1)
  append(a, 1, ...Array.from({ length: ENTRIES }, (_, i) => message(`${i + 1}`)))
  return { a, b, dirB, from: { id: 'a', dataDir: dirA } }
}

/** The names of the steps in the order in which they come. */
function allSteps(t: TestContext): Step[] {
  const { b, from } = twoServers(t)
  return [...takeOver(b, 'b', 'r', 2, [from])]
}

test('[S1] what the last home still commits while it is being copied comes along', (t) => {
  const { a, b, from } = twoServers(t)
  const accepted: string[] = []
  const steps = takeOver(b, 'b', 'r', 2, [from])
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) {
      assert.deepEqual(step.value, { log: a.row('r')!.log, head: ENTRIES + accepted.length })
      break
    }
    const id = `during ${accepted.length}`
    if (append(a, 1, message(id)) === 'fenced') continue
    assert.notEqual(step.value, 'fenced there')
    accepted.push(id)
  }
  assert.ok(accepted.length >= 3)
  assert.equal(append(a, 1, message('late')), 'fenced')
  const repeats = append(b, 2, ...accepted.map((id) => message(id)), message('1'))
  assert.deepEqual(repeats !== 'fenced' && repeats.map((o) => 'seq' in o && o.seq), [
    ...accepted.map((_, i) => ENTRIES + 1 + i),
    1,
  ])
})

test('[S1] [S8] a take-over cut off anywhere is not the home yet, and goes on when asked again', (t) => {
  const steps = allSteps(t)
  assert.deepEqual([...new Set(steps)], ['chunk copied', 'level', 'fenced there', 'rest copied'])
  for (let cutAfter = 1; cutAfter <= steps.length; cutAfter += 1) {
    const { a, b, dirB, from } = twoServers(t)
    const cut = takeOver(b, 'b', 'r', 2, [from])
    for (let i = 0; i < cutAfter; i += 1) cut.next()
    // Never resumed: as after a crash, only the files say how far it came.
    const reopened = writerIn(t, dirB)
    assert.deepEqual(reopened.held(), [], `after ${cutAfter} steps`)
    assert.equal(append(reopened, 2, message('x')), 'fenced')
    assert.equal(reopened.take('r', 2) === 'elsewhere' || cutAfter === 0, true)

    const isFenced = steps.indexOf('fenced there') < cutAfter
    assert.equal(append(a, 1, message('more')) === 'fenced', isFenced)
    const head = ENTRIES + (isFenced ? 0 : 1)
    // Again in the same epoch, or, as the balancer may by now have counted on, in the next.
    const again = takeOver(reopened, 'b', 'r', 2 + (cutAfter % 2), [from])
    let step = again.next()
    while (!step.done) step = again.next()
    assert.deepEqual(step.value, { log: a.row('r')!.log, head })
    assert.equal(append(a, 1, message('late')), 'fenced')
    const rows = reopened.db.prepare('SELECT seq FROM messages ORDER BY seq').pluck().all()
    assert.deepEqual(
      rows,
      rows.map((_, i) => i + 1),
    )
    assert.equal(rows.length, head)
  }
})

test('[S7] what is left here of another log of that room is dropped', (t) => {
  const { a, b, dirB, from } = twoServers(t)
  b.take('r', 1)
  append(b, 1, message('of another log'))
  b.db.prepare(`UPDATE rooms SET moved_to = 'a'`).run()
  const taken = takeOver(writerIn(t, dirB), 'b', 'r', 2, [from])
  let step = taken.next()
  while (!step.done) step = taken.next()
  assert.deepEqual(step.value, { log: a.row('r')!.log, head: ENTRIES })
  const ids = b.db.prepare('SELECT send_id FROM messages WHERE seq < 3 ORDER BY seq').pluck().all()
  assert.deepEqual(ids, ['1', '2'])
})

test('[S1] a last home that is paused while it holds its file makes the take wait and fail, not lie', async (t) => {
  const { a, dirB, from } = twoServers(t)
  const b = await openSqliteStore({ dir: dirB, self: 'b' })
  t.after(() => b.close())
  a.db.exec('BEGIN IMMEDIATE')
  const taking = b.take('r', 2, [from])
  await b.take('other', 1)
  await assert.rejects(taking, SourceUnavailable)
  assert.deepEqual(
    (await b.held()).map(({ room }) => room),
    ['other'],
  )
  a.db.exec('ROLLBACK')
  assert.notEqual(append(a, 1, message('it goes on')), 'fenced')
  const taken = await b.take('r', 2, [from])
  assert.equal(taken !== 'fenced' && taken.head, ENTRIES + 1)
})

test('[S3] appends to other rooms go on while a long one is being copied', async (t) => {
  const { a, dirB, from } = twoServers(t)
  for (let i = 0; i < 10; i += 1) {
    append(a, 1, ...Array.from({ length: 1_000 }, (_, n) => message(`${i} ${n}`)))
  }
  const b = await openSqliteStore({ dir: dirB, self: 'b' })
  t.after(() => b.close())
  await b.take('other', 1)
  let isTaken = false
  const taking = b.take('r', 2, [from]).finally(() => (isTaken = true))
  let meanwhile = 0
  while (!isTaken) {
    await appendTo(b, 'other', 1, message(`${meanwhile}`))
    meanwhile += 1
  }
  const taken = await taking
  assert.equal(taken !== 'fenced' && taken.head, ENTRIES + 10_000)
  assert.ok(meanwhile > 10, `${meanwhile} appends`)
  assert.equal((await texts(b, 'other')).length, meanwhile)
})

test('a file of another schema is not taken from', async (t) => {
  const { a, b, from } = twoServers(t)
  a.db.pragma('user_version = 99')
  assert.throws(() => [...takeOver(b, 'b', 'r', 2, [from])], {
    name: 'SourceUnavailable',
    message: new RegExp(join(from.dataDir, 'chat.db')),
  })
})
