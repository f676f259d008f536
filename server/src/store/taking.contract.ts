import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SourceUnavailable, type Store, type StoreRef } from './store.ts'
import { appendTo, message } from './test/drafts.ts'

/** The rules of `take` with `from`; a part of describeStore, which opens and removes the stores. */
export function describeTaking(open: (id?: string) => Promise<Store>, ref: (id: string) => StoreRef): void {
  describe('taking a room from another store', () => {
    test('[S1] [S7] brings all of it, and the last home is refused from then on', async () => {
      const [a, b] = [await open('a'), await open('b')]
      const there = await a.take('r', 1)
      const drafts = Array.from({ length: 620 }, (_, i) => message(`${i}`, `t${i}`, { ts: i }))
      await appendTo(a, 'r', 1, ...drafts)
      const taken = await b.take('r', 2, [ref('a')])
      assert.ok(taken !== 'fenced' && there !== 'fenced')
      assert.deepEqual(taken, { log: there.log, head: 620 })
      assert.equal(await appendTo(a, 'r', 1, message('late')), 'fenced')
      assert.equal(await appendTo(a, 'r', 2, message('late')), 'fenced')
      assert.deepEqual(
        await b.read('r', { after: 0 }, 1_000),
        drafts.map((draft, i) => ({ ...draft, room: 'r', seq: i + 1 })),
      )
      assert.deepEqual(await appendTo(b, 'r', 2, message('5', 't5'), message('new')), [
        { is: 'repeat', seq: 6, ts: 5 },
        { is: 'new', seq: 621, ts: 1_000 },
      ])
      assert.deepEqual(await a.held(), [])
      assert.equal((await b.held())[0]?.epoch, 2)
    })

    test('[S1] a room that went away cannot be taken without its content, whatever the epoch', async () => {
      const [a, b] = [await open('a'), await open('b')]
      await a.take('r', 1)
      await b.take('r', 2, [ref('a')])
      assert.equal(await a.take('r', 1), 'fenced')
      assert.equal(await a.take('r', 2), 'fenced')
      assert.equal(await a.take('r', 3), 'fenced')
      assert.equal(await a.take('r', 3, [ref('a')]), 'fenced')
      assert.deepEqual(await appendTo(b, 'r', 2, message('x')), [{ is: 'new', seq: 1, ts: 1_000 }])
    })

    test('[S1] there and back again it is one log', async () => {
      const [a, b] = [await open('a'), await open('b')]
      const first = await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'))
      await b.take('r', 2, [ref('a')])
      await appendTo(b, 'r', 2, message('2'))
      const back = await a.take('r', 3, [ref('b')])
      assert.ok(first !== 'fenced')
      assert.deepEqual(back, { log: first.log, head: 2 })
      assert.equal(await appendTo(b, 'r', 2, message('3')), 'fenced')
      assert.deepEqual(await appendTo(a, 'r', 3, message('2'), message('3')), [
        { is: 'repeat', seq: 2, ts: 1_000 },
        { is: 'new', seq: 3, ts: 1_000 },
      ])
    })

    test('[S1] a higher epoch at the last home, or one equal, fences; nothing changes', async () => {
      const [a, b] = [await open('a'), await open('b')]
      await a.take('r', 5)
      await appendTo(a, 'r', 5, message('1'))
      assert.equal(await b.take('r', 4, [ref('a')]), 'fenced')
      assert.equal(await b.take('r', 5, [ref('a')]), 'fenced')
      assert.deepEqual(await b.held(), [])
      assert.deepEqual(await appendTo(a, 'r', 5, message('2')), [{ is: 'new', seq: 2, ts: 1_000 }])
    })

    test('[S1] a room that moved on from there is not there any more', async () => {
      const [a, b, c] = [await open('a'), await open('b'), await open('c')]
      await a.take('r', 1)
      await b.take('r', 2, [ref('a')])
      assert.equal(await c.take('r', 3, [ref('a')]), 'fenced')
      assert.notEqual(await c.take('r', 3, [ref('b')]), 'fenced')
    })

    test('[S1] a home that never came to use the room is refused, too', async () => {
      const [a, b] = [await open('a'), await open('b')]
      assert.equal((await b.take('r', 2, [ref('a')])) === 'fenced', false)
      assert.equal(await a.take('r', 1), 'fenced')
      assert.deepEqual(await appendTo(b, 'r', 2, message('x')), [{ is: 'new', seq: 1, ts: 1_000 }])
    })

    test('[S1] the same take again answers the same', async () => {
      const [a, b] = [await open('a'), await open('b')]
      await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'))
      const [first, second] = await Promise.all([b.take('r', 2, [ref('a')]), b.take('r', 2, [ref('a')])])
      assert.notEqual(first, 'fenced')
      assert.deepEqual(second, first)
      assert.deepEqual(await b.take('r', 2), first)
    })

    test('a store that is not there is said to be so, and nothing changes', async () => {
      const b = await open('b')
      const nowhere = { id: 'x', dataDir: '/nowhere/at/all' }
      await assert.rejects(b.take('r', 2, [nowhere]), SourceUnavailable)
      assert.deepEqual(await b.held(), [])
      assert.notEqual(await b.take('s', 1), 'fenced')
    })
  })
}
