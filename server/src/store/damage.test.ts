import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import type { Entry, LogId, Seq } from '@flotilla/protocol/frames.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { SourceUnavailable, StoreLost, StoreUnusable, type Store } from './store.ts'
import { appendTo, message, texts } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

const CHILD = fileURLToPath(new URL('./test/write-and-die.ts', import.meta.url))

/** What a server left that was killed: entry n of the room `r` has the id n, and the second half of them is in the WAL only. */
interface Crashed {
  dir: string
  log: LogId
  /** The last seq anybody has heard of. */
  acked: Seq
}

async function crashed(t: TestContext, acks: number): Promise<Crashed> {
  const dir = freshFolder(t)
  const child = spawnSync(process.execPath, [CHILD, dir, `${acks}`], { encoding: 'utf8' })
  assert.equal(child.signal, 'SIGKILL', child.stderr)
  const acked = Number(child.stdout)
  assert.ok(acked >= acks)
  const copy = freshFolder(t)
  cpSync(dir, copy, { recursive: true })
  const store = await openSqliteStore({ dir: copy, self: 'a' })
  const [held] = await store.held()
  await store.close()
  assert.equal(held?.head, acked)
  return { dir, log: held.log, acked }
}

/** Opens, reads and writes what is left of it, over restarts, and holds all that is served to the promise. */
async function examine(dir: string, { log, acked }: Crashed): Promise<'refused' | 'kept' | 'renewed'> {
  for (let restarts = 0; restarts < 3; restarts += 1) {
    let store: Store
    try {
      store = await openSqliteStore({ dir, self: 'a' })
    } catch (cause) {
      assert.ok(cause instanceof StoreUnusable, String(cause))
      return 'refused'
    }
    try {
      const taken = await store.take('r', 1)
      if (typeof taken === 'string') return 'refused'
      let at = 0
      for (;;) {
        const entries = await store.read('r', { after: at }, 200)
        for (const entry of entries) {
          assert.equal(entry.seq, at + 1)
          if (taken.log === log || entry.type === 'message') assertTrue(entry)
          at = entry.seq
        }
        if (entries.length < 200) break
      }
      assert.equal(at, taken.head)
      if (taken.log === log) assert.ok(at >= acked, `the old log ends at ${at}, ${acked} was acked`)
      const [outcome] = (await appendTo(store, 'r', 1, message('another'))) as { is: string; seq: number }[]
      if (taken.log === log) assert.ok(outcome!.seq > acked, `${outcome!.seq} again, ${acked} was acked`)
      return taken.log === log ? 'kept' : 'renewed'
    } catch (cause) {
      // Met in use: the process ends, and is started again.
      if (!(cause instanceof StoreLost)) throw cause
    } finally {
      await store.close()
    }
  }
  return 'refused'
}

function assertTrue(entry: Entry): void {
  assert.deepEqual(entry, { ...message(entry.id), room: 'r', seq: entry.seq })
  assert.ok(entry.id === `${entry.seq}` || entry.id === 'another')
}

function flip(path: string, offset: number, bit: number): void {
  const bytes = readFileSync(path)
  bytes[offset]! ^= 1 << bit
  writeFileSync(path, bytes)
}

describe('whatever is damaged, no (log, seq) ever has another body', () => {
  /** The same places each time: whoever changes a store may try others, and its check does not fail by luck. */
  const SEED = 1
  const TRIALS = 24
  for (const file of ['chat.db', 'chat.db-wal']) {
    test(`bits flipped anywhere in ${file} of a server that was killed`, async (t) => {
      const left = await crashed(t, 3_000)
      const bytes = statSync(join(left.dir, file)).size
      assert.ok(bytes > 4_096)
      const place = fc.noBias(fc.record({ offset: fc.nat(bytes - 1), bit: fc.nat(7) }))
      const outcomes: string[] = []
      const places = fc.sample(fc.array(place, { minLength: 1, maxLength: 3 }), {
        seed: SEED,
        numRuns: TRIALS,
      })
      for (const flips of places) {
        const dir = freshFolder(t)
        cpSync(left.dir, dir, { recursive: true })
        for (const { offset, bit } of flips) flip(join(dir, file), offset, bit)
        const outcome = await examine(dir, left).catch((cause: Error) => {
          throw new Error(`flipped ${JSON.stringify(flips)} of ${bytes}: ${cause.message}`, { cause })
        })
        outcomes.push(outcome)
        rmSync(dir, { recursive: true })
      }
      t.diagnostic(outcomes.join(' '))
    })
  }

  test('a WAL cut short or lost, a file lost, a file that is older', async (t) => {
    const left = await crashed(t, 2_000)
    const wal = statSync(join(left.dir, 'chat.db-wal')).size
    const damages: [string, (dir: string) => void, readonly string[]][] = [
      // It started over at the checkpoint: what came since may stand in the first half of it.
      [
        'the WAL is cut in the middle',
        (dir) => truncateSync(join(dir, 'chat.db-wal'), wal / 2),
        ['renewed', 'kept'],
      ],
      ['the WAL is cut to nothing', (dir) => truncateSync(join(dir, 'chat.db-wal'), 1_000), ['renewed']],
      ['the WAL is gone', (dir) => rmSync(join(dir, 'chat.db-wal')), ['renewed', 'refused']],
      ['the file is gone', (dir) => rmSync(join(dir, 'chat.db')), ['renewed', 'refused']],
      [
        'both are gone',
        (dir) => ['', '-wal', '-shm'].forEach((end) => rmSync(join(dir, `chat.db${end}`), { force: true })),
        ['renewed'],
      ],
    ]
    for (const [name, damage, expected] of damages) {
      const dir = freshFolder(t)
      cpSync(left.dir, dir, { recursive: true })
      damage(dir)
      const outcome = await examine(dir, left)
      assert.ok(expected.includes(outcome), `${name}: ${outcome}`)
    }
  })
})

test('what a file has lost is missed by who takes a room out of it, too: it goes on in another log, or not at all', async (t) => {
  const left = await crashed(t, 2_000)
  const wal = statSync(join(left.dir, 'chat.db-wal')).size
  const damages: [string, (path: string) => void][] = [
    ['cut in the middle', (path) => truncateSync(path, wal / 2)],
    ['cut near the end', (path) => truncateSync(path, wal - 40_000)],
    ['a bit flipped', (path) => flip(path, Math.floor(wal * 0.75), 3)],
    ['gone', (path) => rmSync(path)],
  ]
  for (const [name, damage] of damages) {
    const dir = freshFolder(t)
    cpSync(left.dir, dir, { recursive: true })
    damage(join(dir, 'chat.db-wal'))
    const store = await openSqliteStore({ dir: freshFolder(t), self: 'b' })
    t.after(() => store.close())
    const taken = await store.take('r', 2, [{ id: 'a', dataDir: dir }]).catch((cause: unknown) => {
      assert.ok(cause instanceof SourceUnavailable, String(cause))
    })
    if (taken === undefined || typeof taken === 'string') continue
    t.diagnostic(`${name}: ${taken.head} of ${left.acked}`)
    if (taken.log === left.log)
      assert.ok(taken.head >= left.acked, `${name}: the old log ends at ${taken.head}`)
  }
})

test('a folder that was set back as a whole is known by the number its server had reported', async (t) => {
  const dir = freshFolder(t)
  const a = await openSqliteStore({ dir, self: 'a' })
  const first = await a.take('r', 1)
  const earlier = await a.append([{ room: 'r', epoch: 1, drafts: [message('1')] }])
  await a.close()
  const b = await openSqliteStore({ dir: freshFolder(t), self: 'b' })
  t.after(() => b.close())
  const lost = { id: 'a', dataDir: dir, watermark: earlier.commitNo + 1 }
  await assert.rejects(b.take('r', 2, [lost]), SourceUnavailable)
  const taken = await b.take('r', 2, [{ ...lost, watermark: earlier.commitNo }])
  assert.ok(typeof first !== 'string' && typeof taken !== 'string')
  assert.deepEqual([taken.log, taken.head], [first.log, 1])
})

describe('a flipped bit in a text', () => {
  async function flippedText(t: TestContext): Promise<{ dir: string; log: LogId }> {
    const dir = freshFolder(t)
    const store = await openSqliteStore({ dir, self: 'a' })
    const taken = await store.take('r', 1)
    await appendTo(
      store,
      'r',
      1,
      ...['one', 'the one in the middle', 'three'].map((text, i) => message(`${i}`, text)),
    )
    await store.take('other', 1)
    await appendTo(store, 'other', 1, message('x', 'elsewhere'))
    await store.close()
    const file = join(dir, 'chat.db')
    flip(file, readFileSync(file).indexOf('the one in the middle') + 6, 0)
    assert.ok(typeof taken !== 'string')
    return { dir, log: taken.log }
  }

  test('is found when it is read: nobody sees it, and the store is lost', async (t) => {
    const { dir } = await flippedText(t)
    const lost = Promise.withResolvers<StoreLost>()
    const store = await openSqliteStore({ dir, self: 'a', onLost: lost.resolve })
    t.after(() => store.close())
    await assert.rejects(store.read('r', { after: 0 }, 10), StoreLost)
    assert.match((await lost.promise).message, /not what was written: seq 2 of r/)
    await assert.rejects(appendTo(store, 'r', 1, message('n')), StoreLost)
  })

  test('costs that one entry: at the next start the room goes on in another log, the others as they were', async (t) => {
    const { dir, log } = await flippedText(t)
    const first = await openSqliteStore({ dir, self: 'a' })
    await assert.rejects(first.read('r', { after: 0 }, 10), StoreLost)
    const store = await openSqliteStore({ dir, self: 'a' })
    t.after(() => store.close())
    const taken = await store.take('r', 1)
    assert.ok(typeof taken !== 'string' && taken.log !== log)
    const entries = await store.read('r', { after: 0 }, 10)
    assert.deepEqual(
      entries.map((entry) => [entry.seq, entry.type, 'event' in entry ? entry.event : entry.id]),
      [
        [1, 'message', '0'],
        [2, 'system', 'damaged'],
        [3, 'message', '2'],
      ],
    )
    assert.deepEqual(await texts(store, 'other'), ['elsewhere'])
    assert.deepEqual(await appendTo(store, 'r', 1, message('0', 'one'), message('3')), [
      { is: 'repeat', seq: 1, ts: 1_000 },
      { is: 'new', seq: 4, ts: 1_000 },
    ])
    assert.equal(existsSync(join(dir, 'chat.suspect')), false)
  })

  test('is not taken over by another server', async (t) => {
    const { dir } = await flippedText(t)
    const store = await openSqliteStore({ dir: freshFolder(t), self: 'b' })
    t.after(() => store.close())
    await assert.rejects(store.take('r', 2, [{ id: 'a', dataDir: dir }]), SourceUnavailable)
    assert.notEqual(await store.take('other', 2, [{ id: 'a', dataDir: dir }]), 'fenced')
  })

  test('of what a room was made as is found, and the file is not used', async (t) => {
    const dir = freshFolder(t)
    const store = await openSqliteStore({ dir, self: 'a' })
    await store.take('r', 1, [], { name: 'r', visibility: 'private', createdAt: 1 })
    await store.close()
    const file = join(dir, 'chat.db')
    flip(file, readFileSync(file).indexOf('"private"') + 1, 0)
    const again = await openSqliteStore({ dir, self: 'a' })
    await assert.rejects(again.take('r', 2), StoreLost)
    await assert.rejects(openSqliteStore({ dir, self: 'a' }), StoreUnusable)
  })
})
