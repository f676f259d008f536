import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { system } from './ruling.contract.ts'
import { connect } from './sqlite-file.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import { appendTo, message } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

const DAY_MS = 86_400_000
/** Entries of the room; each a minute after the one before. */
const ENTRIES = 1_000
const SEQS = Array.from({ length: ENTRIES }, (_, i) => i + 1)

async function opened(t: TestContext, dir: string, self: string, more: Partial<SqliteStoreOptions> = {}) {
  const store = await openSqliteStore({ dir, self, ...more })
  t.after(() => store.close())
  return store
}

/** Seqs of messages in a file, whether they are served or not. */
function messagesIn(dir: string): number[] {
  const db = connect(join(dir, 'chat.db'), { mustExist: true })
  try {
    return db
      .prepare(`SELECT seq FROM messages WHERE type = 'message' ORDER BY seq`)
      .pluck()
      .all() as number[]
  } finally {
    db.close()
  }
}

/** A room that was homed at a, then at b, and is now at c, where it is kept for a day. */
async function travelled(t: TestContext, more: Partial<SqliteStoreOptions> = {}) {
  const [dirA, dirB, dirC] = [freshFolder(t), freshFolder(t), freshFolder(t)]
  const a = await opened(t, dirA, 'a')
  await a.take('r', 1)
  await a.take('other', 1)
  await appendTo(a, 'other', 1, message('other', 'stays', { ts: 0 }))
  const talk = SEQS.map((seq) => message(`${seq}`, `text ${seq}`, { ts: seq * 60_000 }))
  talk[9] = system('10', 'topic', { ts: 600_000 })
  await appendTo(a, 'r', 1, ...talk)
  const b = await opened(t, dirB, 'b')
  await b.take('r', 2, [{ id: 'a', dataDir: dirA }])
  const c = await opened(t, dirC, 'c', more)
  await c.take('r', 3, [{ id: 'b', dataDir: dirB }])
  await appendTo(c, 'r', 3, system('retention', 'retention', { ts: ENTRIES * 60_000, data: { days: 1 } }))
  return { dirA, dirB, dirC, a, b, c }
}

/** A sweep at which so many of the first entries are too old. */
const sweepOf = (store: SqliteStore, seqs: number) => store.sweep((seqs + 1) * 60_000 + DAY_MS)

describe('what a room has forgotten', () => {
  test('[S11] goes out of the files of all its former homes, but for what happened to the room', async (t) => {
    const { dirA, dirB, dirC, a, b, c } = await travelled(t)
    assert.deepEqual(await sweepOf(c, 700), [{ room: 'r', floor: 701 }])
    const kept = SEQS.slice(700)
    for (const dir of [dirC, dirB]) assert.deepEqual(messagesIn(dir), kept)
    assert.deepEqual(messagesIn(dirA), [1, ...kept], 'the other room is as it was')
    assert.deepEqual(
      (await b.audit('r', undefined, 10)).map(({ seq }) => seq),
      [10],
    )
    // What is left there is of use still: back at a, it is the room it was.
    const back = await a.take('r', 4, [
      { id: 'b', dataDir: dirB },
      { id: 'c', dataDir: dirC },
    ])
    assert.ok(typeof back !== 'string')
    assert.deepEqual([back.floor, back.head, back.isWhole], [701, 1_001, true])
    assert.deepEqual(
      (await a.read('r', { after: 0 }, 2_000)).map(({ seq }) => seq),
      [...kept, 1_001],
    )
  })

  test('[S11] goes out of one that was away when it is back', async (t) => {
    const { dirA, dirB, c } = await travelled(t)
    renameSync(dirB, `${dirB}-away`)
    await sweepOf(c, 100)
    assert.equal(messagesIn(dirA).length, 901)
    renameSync(`${dirB}-away`, dirB)
    assert.equal(messagesIn(dirB).length, 999)
    assert.deepEqual(await sweepOf(c, 100), [])
    assert.equal(messagesIn(dirB).length, 900)
  })

  test('[S11] stays where the room is served from by now, and where what stands there is something else', async (t) => {
    const { dirA, dirB, dirC, b, c } = await travelled(t)
    await b.renewLogs(0)
    // Of another log than the one at c, though it came out of the same: nobody knows what it would be to delete there.
    const db = connect(join(dirA, 'chat.db'), { mustExist: true })
    db.exec(`UPDATE rooms SET log = 'another', seal = NULL WHERE room = 'r'`)
    db.close()
    await sweepOf(c, 100)
    assert.equal(messagesIn(dirA).length, 1_000)
    assert.equal(messagesIn(dirB).length, 900, 'it knows the log it was')
    await b.take('r', 4, [{ id: 'c', dataDir: dirC }])
    assert.deepEqual(await sweepOf(c, 500), [], 'it is not served from c')
    assert.equal(messagesIn(dirB).length, 900)
  })
})
