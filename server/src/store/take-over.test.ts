import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openChatFile } from './sqlite-file.ts'
import { packBatch, unpackCommitted } from './sqlite-messages.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { BARE, message } from './test/drafts.ts'
import { SourceUnavailable, type Draft, type Taken, type Untaken } from './store.ts'
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

function folderOf({ db }: SqliteWriter): string {
  return dirname(db.name)
}

function finish(steps: ReturnType<typeof takeOver>): Taken | Untaken {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
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
      assert.deepEqual(step.value, {
        log: a.row('r')!.log,
        head: ENTRIES + accepted.length,
        isWhole: true,
        ...BARE,
      })
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
  assert.deepEqual(typeof repeats !== 'string' && repeats.map((o) => 'seq' in o && o.seq), [
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
    assert.deepEqual(step.value, { log: a.row('r')!.log, head, isWhole: true, ...BARE })
    assert.equal(append(a, 1, message('late')), 'fenced')
    const rows = reopened.db.prepare('SELECT seq FROM messages ORDER BY seq').pluck().all()
    assert.deepEqual(
      rows,
      rows.map((_, i) => i + 1),
    )
    assert.equal(rows.length, head)
  }
})

test('[S1] one that was cut off midway is passed over, and cannot finish when it wakes up', (t) => {
  const { a, b, from } = twoServers(t)
  const refB = { id: 'b', dataDir: folderOf(b) }
  // b raises its fence in a, and stands still.
  const paused = takeOver(b, 'b', 'r', 2, [from])
  while (paused.next().value !== 'fenced there');
  assert.equal(append(a, 1, message('late')), 'fenced')

  const c = writerIn(t, freshFolder(t))
  assert.deepEqual(finish(takeOver(c, 'c', 'r', 3, [from, refB])), {
    log: a.row('r')!.log,
    head: ENTRIES,
    isWhole: true,
    ...BARE,
  })
  append(c, 3, message('at c'))
  assert.equal(finish(paused), 'fenced')
  assert.equal(append(b, 2, message('late')), 'fenced')
  assert.deepEqual(b.held(), [])

  // What b copied is gone on from, though c is ahead by now and a has more than b.
  const again = takeOver(b, 'b', 'r', 4, [from, { id: 'c', dataDir: folderOf(c) }])
  assert.deepEqual(finish(again), { log: a.row('r')!.log, head: ENTRIES + 1, isWhole: true, ...BARE })
  assert.equal(append(c, 3, message('late')), 'fenced')
})

test('[S9] what was said by a home that has lost it is never said otherwise in that log, whoever takes the room', (t) => {
  const takers = ['the one that lost it', 'the one before', 'a third'] as const
  for (const taker of takers) {
    for (let cutAfter = 0; cutAfter < 8; cutAfter += 1) {
      const { a, b, from } = twoServers(t)
      const { log } = a.row('r')!
      const dirLost = freshFolder(t)
      const refLost = { id: 'b', dataDir: dirLost }
      finish(takeOver(b, 'b', 'r', 2, [from]))
      append(b, 2, message('lost'))
      // All of its file is gone but the number of its last commit: its server starts again, in other logs.
      const lost = writerIn(t, dirLost)
      lost.renewLogs(10_000)
      const third = writerIn(t, freshFolder(t))
      const take = () =>
        taker === 'a third'
          ? takeOver(third, 'c', 'r', 3, [from, refLost])
          : taker === 'the one before'
            ? takeOver(a, 'a', 'r', 3, [refLost])
            : takeOver(lost, 'b', 'r', 3, [from])
      const cut = take()
      for (let i = 0; i < cutAfter; i += 1) cut.next()
      const taken = finish(take())
      assert.ok(typeof taken !== 'string')
      assert.equal(taken.head, ENTRIES)
      assert.notEqual(taken.log, log, `${taker}, cut off after ${cutAfter} steps`)
    }
  }
})

test('[S7] what is left here of another log of that room is dropped', (t) => {
  const { a, b, dirB, from } = twoServers(t)
  b.take('r', 1)
  append(b, 1, message('of another log'))
  b.rooms.update({ ...b.row('r')!, movedTo: 'a' })
  const taken = takeOver(writerIn(t, dirB), 'b', 'r', 2, [from])
  let step = taken.next()
  while (!step.done) step = taken.next()
  assert.deepEqual(step.value, { log: a.row('r')!.log, head: ENTRIES, isWhole: true, ...BARE })
  const ids = b.db
    .prepare(
      `SELECT send_id FROM messages WHERE seq < 3 AND room_key = (SELECT key FROM rooms WHERE room = 'r') ORDER BY seq`,
    )
    .pluck()
    .all()
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
  assert.equal(typeof taken !== 'string' && taken.head, ENTRIES + 1)
})

test('a file of another schema is not taken from', async (t) => {
  const { a, b, from } = twoServers(t)
  a.db.pragma('user_version = 99')
  assert.throws(() => [...takeOver(b, 'b', 'r', 2, [from])], {
    name: 'SourceUnavailable',
    message: new RegExp(join(from.dataDir, 'chat.db')),
  })
})
