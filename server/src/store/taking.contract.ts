import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SourceUnavailable, type Store, type StoreRef } from './store.ts'
import { appendTo, message, texts } from './test/drafts.ts'

/** The rules of `take` with `from`; a part of describeStore, which opens and removes the stores. */
export function describeTaking(open: (id?: string) => Promise<Store>, ref: (id: string) => StoreRef): void {
  describe('taking a room from another store', () => {
    test('[S1] [S7] brings all of it, and the last home is refused from then on', async () => {
      const [a, b] = [await open('a'), await open('b')]
      const there = await a.take('r', 1)
      const drafts = Array.from({ length: 620 }, (_, i) => message(`${i}`, `t${i}`, { ts: i }))
      await appendTo(a, 'r', 1, ...drafts)
      const taken = await b.take('r', 2, [ref('a')])
      assert.ok(typeof taken !== 'string' && typeof there !== 'string')
      assert.deepEqual([taken.log, taken.head], [there.log, 620])
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
      assert.ok(typeof first !== 'string' && typeof back !== 'string')
      assert.deepEqual([back.log, back.head], [first.log, 2])
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

    test('[S1] of several it takes the one that had all of it last, however much the others have', async () => {
      const [a, b, c] = [await open('a'), await open('b'), await open('c')]
      const there = await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'), message('2'))
      await b.take('r', 2, [ref('a')])
      await appendTo(b, 'r', 2, message('3'))
      // a is named again, does not come to it, and then c, by somebody who does not know that b has all of it.
      const taken = await c.take('r', 4, [ref('a'), ref('b')])
      assert.ok(typeof there !== 'string' && typeof taken !== 'string')
      assert.deepEqual([taken.log, taken.head], [there.log, 3])
      for (const [store, epoch] of [
        [a, 1],
        [a, 3],
        [b, 2],
      ] as const) {
        assert.equal(await appendTo(store, 'r', epoch, message('late')), 'fenced')
      }
      assert.equal(await a.take('r', 3, [ref('b')]), 'fenced')
      assert.equal(await a.take('r', 3, [ref('b'), ref('c')]), 'fenced')
      assert.deepEqual(await appendTo(c, 'r', 4, message('1'), message('3'), message('4')), [
        { is: 'repeat', seq: 1, ts: 1_000 },
        { is: 'repeat', seq: 3, ts: 1_000 },
        { is: 'new', seq: 4, ts: 1_000 },
      ])
    })

    test('[S1] a chain of homes of which none came to use the room keeps one log', async () => {
      const [a, b, c] = [await open('a'), await open('b'), await open('c')]
      const first = await b.take('r', 2, [ref('a')])
      const second = await c.take('r', 3, [ref('a'), ref('b')])
      const third = await a.take('r', 4, [ref('b'), ref('c')])
      assert.ok(typeof first !== 'string' && typeof second !== 'string' && typeof third !== 'string')
      assert.deepEqual([second.log, third.log], [first.log, first.log])
    })

    test('[S1] what moved to a store that nobody names is not taken without it', async () => {
      const [a, b, c] = [await open('a'), await open('b'), await open('c')]
      await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'))
      await b.take('r', 2, [ref('a')])
      await appendTo(b, 'r', 2, message('2'))
      assert.equal(await c.take('r', 3, [ref('a')]), 'fenced')
      assert.deepEqual(await appendTo(b, 'r', 2, message('3')), [{ is: 'new', seq: 3, ts: 1_000 }])
      const taken = await c.take('r', 3, [ref('b')])
      assert.equal(typeof taken !== 'string' && taken.head, 3)
    })

    test('[S1] who was home long ago, was named again and never came, does not stand in the way', async () => {
      const [a, b, c, d] = [await open('a'), await open('b'), await open('c'), await open('d')]
      const first = await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'))
      await b.take('r', 2, [ref('a')])
      await c.take('r', 3, [ref('b')])
      await appendTo(c, 'r', 3, message('2'))
      // a was to take it in epoch 4 and died before; b, which a's row leads to, is forgotten since c has all of it.
      const taken = await d.take('r', 5, [ref('c'), ref('a')])
      assert.ok(typeof first !== 'string' && typeof taken !== 'string')
      assert.deepEqual([taken.log, taken.head], [first.log, 2])
      assert.equal(await appendTo(c, 'r', 3, message('late')), 'fenced')
      assert.equal(await a.take('r', 4, [ref('c')]), 'fenced')
    })

    test('[S4] [S7] what is left from an earlier term is gone on from, not doubled', async () => {
      const [a, b, c] = [await open('a'), await open('b'), await open('c')]
      const first = await c.take('r', 1)
      await appendTo(c, 'r', 1, message('1'), message('2'), message('3'))
      await a.take('r', 2, [ref('c')])
      await appendTo(a, 'r', 2, message('4'))
      await b.take('r', 3, [ref('a')])
      await appendTo(b, 'r', 3, message('5'))
      const back = await c.take('r', 4, [ref('a'), ref('b')])
      assert.ok(typeof first !== 'string' && typeof back !== 'string')
      assert.deepEqual([back.log, back.head], [first.log, 5])
      assert.deepEqual(
        await texts(c, 'r'),
        ['1', '2', '3', '4', '5'].map((id) => `text of ${id}`),
      )
    })

    test('[S9] a store that lost its end gives way to one that was home after it, and goes on in another log', async () => {
      const [a, b] = [await open('a'), await open('b')]
      const first = await a.take('r', 1)
      await appendTo(a, 'r', 1, message('1'))
      assert.ok((await a.renewLogs(500)) >= 500)
      const renewed = await a.take('r', 1)
      assert.ok(typeof first !== 'string' && typeof renewed !== 'string')
      assert.notEqual(renewed.log, first.log)
      assert.equal(renewed.head, 1)
      const { commitNo } = await a.append([{ room: 'r', epoch: 1, drafts: [message('2')] }])
      assert.ok(commitNo > 500)

      await b.take('r', 2, [ref('a')])
      await appendTo(b, 'r', 2, message('3'))
      // The file of b comes back as it was before: what a has since is unknown to it, and a was the home last.
      await a.take('r', 3, [ref('b')])
      await appendTo(a, 'r', 3, message('4'))
      await b.renewLogs(0)
      const taken = await b.take('r', 4, [ref('a')])
      assert.ok(typeof taken !== 'string')
      assert.deepEqual([taken.log, taken.head], [renewed.log, 4])
    })

    describe('[S9] what stands in several stores stays one room when one of them goes on in other logs', () => {
      const IDS = ['1', '2', '3', '4']
      const ALL = IDS.map((id) => `text of ${id}`)

      /** b had four entries; c took the room and is its home now. */
      async function scattered() {
        const [b, c] = [await open('b'), await open('c')]
        await b.take('r', 1)
        await appendTo(b, 'r', 1, ...IDS.map((id) => message(id)))
        const taken = await c.take('r', 2, [ref('b')])
        assert.ok(typeof taken !== 'string')
        return { b, c, log: taken.log }
      }

      /** It reads as one, knows what was sent, and takes what is new. */
      async function assertServes(store: Store, epoch: number, said: readonly string[] = ALL) {
        assert.deepEqual(await texts(store, 'r'), said)
        assert.deepEqual(
          await appendTo(
            store,
            'r',
            epoch,
            message('1'),
            message('2', 'other'),
            message('new', 'new', { after: '1' }),
          ),
          [
            { is: 'repeat', seq: 1, ts: 1_000 },
            { is: 'conflict' },
            { is: 'new', seq: said.length + 1, ts: 1_000 },
          ],
        )
        assert.deepEqual(await texts(store, 'r'), [...said, 'new'])
      }

      test('that of the last home, and the room goes back to where it came from', async () => {
        const { b, c, log } = await scattered()
        await c.renewLogs(50)
        const again = await c.take('r', 3, [ref('b')])
        assert.ok(typeof again !== 'string')
        assert.notEqual(again.log, log)
        assert.deepEqual(await texts(c, 'r'), ALL)
        const back = await b.take('r', 4, [ref('c')])
        assert.ok(typeof back !== 'string')
        assert.deepEqual([back.log, back.head], [again.log, 4])
        await assertServes(b, 4)
      })

      test('that of the last home, and the room goes on to a third', async () => {
        const { c } = await scattered()
        await c.renewLogs(50)
        await c.take('r', 3, [ref('b')])
        await appendTo(c, 'r', 3, message('5'))
        const d = await open('d')
        assert.notEqual(await d.take('r', 4, [ref('c')]), 'fenced')
        await assertServes(d, 4, [...ALL, 'text of 5'])
      })

      test('that of the one before, while it has what the last home has not', async () => {
        const { b, c } = await scattered()
        await b.renewLogs(50)
        await assertServes(c, 2)
        const d = await open('d')
        assert.notEqual(await d.take('r', 3, [ref('c')]), 'fenced')
        assert.deepEqual(await texts(d, 'r'), [...ALL, 'new'])
      })

      test('those of both, one after the other, and the room goes to and fro', async () => {
        const { b, c } = await scattered()
        await b.renewLogs(50)
        await c.renewLogs(50)
        const first = await c.take('r', 3, [ref('b')])
        await c.renewLogs(90)
        const second = await c.take('r', 4, [ref('b')])
        assert.ok(typeof first !== 'string' && typeof second !== 'string')
        assert.notEqual(second.log, first.log)
        await b.take('r', 5, [ref('c')])
        await b.renewLogs(120)
        await b.take('r', 6, [ref('c')])
        await assertServes(b, 6)
        assert.notEqual(await c.take('r', 7, [ref('b')]), 'fenced')
        assert.deepEqual(await texts(c, 'r'), [...ALL, 'new'])
        const third = await (await open('d')).take('r', 8, [ref('c')])
        assert.equal(typeof third !== 'string' && third.head, 5)
      })
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
