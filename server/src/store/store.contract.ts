import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { encodeEntry } from '@flotilla/protocol/frames.ts'
import { StoreLost, type Draft, type Store, type StoreRef } from './store.ts'
import { describeErasing } from './erasing.contract.ts'
import { describeRuling } from './ruling.contract.ts'
import { describeTaking } from './taking.contract.ts'
import { ANN, BARE, BOB, appendTo, message, texts } from './test/drafts.ts'

/** The stores of the servers of one machine, empty at first. */
export interface StoreWorld {
  /** Opens server `id`'s store, again if it was closed. */
  open(id?: string): Promise<Store>
  /** What another server is told to find the store of server `id` by. */
  ref(id: string): StoreRef
  /** Closes and removes everything. */
  end(): Promise<void>
}

/** Holds an adapter to the rules in store.ts, by their numbers. */
export function describeStore(name: string, newWorld: () => StoreWorld): void {
  describe(`${name} keeps the Store contract`, () => {
    let world: StoreWorld | undefined
    const open = (id?: string): Promise<Store> => (world ??= newWorld()).open(id)
    afterEach(async () => {
      await world?.end()
      world = undefined
    })

    test('[S1] the first take makes an empty room', async () => {
      const store = await open()
      const taken = await store.take('r', 1)
      assert.ok(typeof taken !== 'string' && taken.log.length >= 16)
      assert.equal(taken.head, 0)
    })

    test('[S1] [S2] a fenced home cannot append, and is told so', async () => {
      const store = await open()
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('a'))
      const taken = await store.take('r', 2)
      assert.equal(typeof taken !== 'string' && taken.head, 1)
      assert.equal(await appendTo(store, 'r', 1, message('b')), 'fenced')
      assert.deepEqual(await texts(store, 'r'), ['text of a'])
      assert.deepEqual(await appendTo(store, 'r', 2, message('b')), [{ is: 'new', seq: 2, ts: 1_000 }])
    })

    test('[S1] a lower epoch cannot take, the same one can again', async () => {
      const store = await open()
      const first = await store.take('r', 5)
      assert.equal(await store.take('r', 4), 'fenced')
      assert.deepEqual(await store.take('r', 5), first)
      assert.deepEqual(await appendTo(store, 'r', 5, message('a')), [{ is: 'new', seq: 1, ts: 1_000 }])
    })

    test('[S2] an epoch that was never taken cannot append, lower or higher', async () => {
      const store = await open()
      assert.equal(await appendTo(store, 'r', 1, message('a')), 'fenced')
      await store.take('r', 2)
      assert.equal(await appendTo(store, 'r', 3, message('a')), 'fenced')
      assert.equal(await appendTo(store, 'r', 1, message('a')), 'fenced')
      assert.deepEqual(await texts(store, 'r'), [])
    })

    test('[S2] a fenced room of a batch does not keep the others from being stored', async () => {
      const store = await open()
      for (const room of ['a', 'b', 'c']) await store.take(room, 1)
      await store.take('b', 2)
      const { rooms } = await store.append(
        ['a', 'b', 'c', 'never'].map((room) => ({ room, epoch: 1, drafts: [message('1')] })),
      )
      const stored = [{ is: 'new', seq: 1, ts: 1_000 }]
      assert.deepEqual(rooms, [stored, 'fenced', stored, 'fenced'])
      assert.deepEqual(await texts(store, 'a'), ['text of 1'])
      assert.deepEqual(await texts(store, 'b'), [])
    })

    test('[S2] a repeat from a fenced home is refused, too', async () => {
      const store = await open()
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('a'))
      await store.take('r', 2)
      assert.equal(await appendTo(store, 'r', 1, message('a')), 'fenced')
      assert.equal(await appendTo(store, 'r', 1), 'fenced')
    })

    test('[S2] the number of the commit rises with what is stored and with nothing else', async () => {
      const store = await open()
      await store.take('r', 1)
      const numbers = []
      for (const id of ['a', 'a', 'b']) {
        numbers.push((await store.append([{ room: 'r', epoch: 1, drafts: [message(id)] }])).commitNo)
      }
      const [first, repeated, second] = numbers as [number, number, number]
      assert.ok(first > 0)
      assert.equal(repeated, first)
      assert.ok(second > first)
      await store.close()
      const again = await open()
      assert.equal((await again.append([{ room: 'r', epoch: 1, drafts: [message('a')] }])).commitNo, second)
    })

    test('[S3] seqs go on from the head, in the order of the drafts, room by room', async () => {
      const store = await open()
      await store.take('a', 1)
      await store.take('b', 1)
      const { rooms } = await store.append([
        { room: 'a', epoch: 1, drafts: [message('1'), message('2')] },
        { room: 'b', epoch: 1, drafts: [message('1')] },
        { room: 'a', epoch: 1, drafts: [message('3')] },
      ])
      const seqs = rooms.map(
        (part) => typeof part !== 'string' && part.map((o) => ('seq' in o ? o.seq : o.is)),
      )
      assert.deepEqual(seqs, [[1, 2], [1], [3]])
      assert.deepEqual(await texts(store, 'a'), ['text of 1', 'text of 2', 'text of 3'])
    })

    test('[S3] appends that were not waited for are carried out in their order', async () => {
      const store = await open()
      await store.take('r', 1)
      const ids = Array.from({ length: 40 }, (_, i) => `${i}`)
      await Promise.all(ids.map((id) => appendTo(store, 'r', 1, message(id))))
      assert.deepEqual(
        await texts(store, 'r'),
        ids.map((id) => `text of ${id}`),
      )
    })

    test('[S3] time never falls within a room', async () => {
      const store = await open()
      await store.take('r', 1)
      const at = (ts: number) => message(`${ts}`, 'x', { ts })
      await appendTo(store, 'r', 1, at(5_000_000_000_000), at(4_000_000_000_000))
      assert.deepEqual(await appendTo(store, 'r', 1, at(1)), [{ is: 'new', seq: 3, ts: 5_000_000_000_000 }])
      const entries = await store.read('r', { after: 0 }, 10)
      assert.deepEqual([...new Set(entries.map(({ ts }) => ts))], [5_000_000_000_000])
    })

    test('[S4] the same id again is a repeat with the first seq and time, and makes nothing new', async () => {
      const store = await open()
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('a'))
      const again = { ...message('a'), ts: 9_000, user: { ...ANN, name: 'anna' } }
      assert.deepEqual(await appendTo(store, 'r', 1, again), [{ is: 'repeat', seq: 1, ts: 1_000 }])
      assert.deepEqual(await appendTo(store, 'r', 1, message('b'), message('b'), again), [
        { is: 'new', seq: 2, ts: 1_000 },
        { is: 'repeat', seq: 2, ts: 1_000 },
        { is: 'repeat', seq: 1, ts: 1_000 },
      ])
      assert.deepEqual(await texts(store, 'r'), ['text of a', 'text of b'])
    })

    test('[S4] a repeat is known after a restart and in a later epoch', async () => {
      const store = await open()
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('a'))
      await store.close()
      const again = await open()
      await again.take('r', 2)
      assert.deepEqual(await appendTo(again, 'r', 2, message('a')), [{ is: 'repeat', seq: 1, ts: 1_000 }])
    })

    test('[S4] an id belongs to its sender and its room', async () => {
      const store = await open()
      await store.take('r', 1)
      await store.take('s', 1)
      const { rooms } = await store.append([
        { room: 'r', epoch: 1, drafts: [message('a'), message('a', 'his', { user: BOB })] },
        { room: 's', epoch: 1, drafts: [message('a', 'elsewhere')] },
      ])
      assert.deepEqual(rooms, [
        [
          { is: 'new', seq: 1, ts: 1_000 },
          { is: 'new', seq: 2, ts: 1_000 },
        ],
        [{ is: 'new', seq: 1, ts: 1_000 }],
      ])
    })

    test('[S4] [S5] the same id with other content is a conflict and takes no seq', async () => {
      const store = await open()
      await store.take('r', 1)
      const first = message('a', 'x', { replyTo: 1 })
      const react: Draft = { id: 'e', user: ANN, type: 'react', ts: 1, target: 1, emoji: '👍', on: true }
      await appendTo(store, 'r', 1, first, react)
      const others: Draft[] = [
        message('a', 'y', { replyTo: 1 }),
        message('a', 'x', { replyTo: 2 }),
        message('a', 'x'),
        { ...react, id: 'a' },
        { ...react, target: 2 },
        { ...react, emoji: '👎' },
        { ...react, on: false },
      ]
      for (const other of others) {
        assert.deepEqual(await appendTo(store, 'r', 1, other), [{ is: 'conflict' }], JSON.stringify(other))
      }
      const mixed = await appendTo(store, 'r', 1, message('b'), message('b', 'other'), message('c'))
      assert.deepEqual(mixed, [
        { is: 'new', seq: 3, ts: 1_000 },
        { is: 'conflict' },
        { is: 'new', seq: 4, ts: 1_000 },
      ])
    })

    test('[S5] a draft is taken only behind the one it names', async () => {
      const store = await open()
      await store.take('r', 1)
      const outcomes = await appendTo(
        store,
        'r',
        1,
        message('b', 'b', { after: 'a' }), // a is not there
        message('c', 'c', { after: 'b' }), // nor, therefore, is b
        message('a'),
        message('b', 'b', { after: 'a' }),
        message('x', 'x', { user: BOB, after: 'a' }), // a is not his
        message('d', 'd', { after: 'd' }),
        message('c', 'c', { after: 'b' }),
      )
      assert.deepEqual(typeof outcomes !== 'string' && outcomes.map(({ is }) => is), [
        'gap',
        'gap',
        'new',
        'new',
        'gap',
        'gap',
        'new',
      ])
      assert.deepEqual(await appendTo(store, 'r', 1, message('e', 'e', { after: 'c' })), [
        { is: 'new', seq: 4, ts: 1_000 },
      ])
      assert.deepEqual(await texts(store, 'r'), ['text of a', 'b', 'c', 'e'])
    })

    test('[S5] a repeat is a repeat and a conflict a conflict, whatever it comes after', async () => {
      const store = await open()
      await store.take('r', 1)
      await appendTo(store, 'r', 1, message('a', 'x'))
      assert.deepEqual(
        await appendTo(
          store,
          'r',
          1,
          message('a', 'x', { after: 'lost' }),
          message('a', 'y', { after: 'lost' }),
        ),
        [{ is: 'repeat', seq: 1, ts: 1_000 }, { is: 'conflict' }],
      )
    })

    test('[S6] read returns what is next to a seq, ascending, at most as many as asked', async () => {
      const store = await open()
      await store.take('r', 1)
      await store.take('other', 1)
      await appendTo(store, 'other', 1, message('x'))
      await appendTo(store, 'r', 1, ...Array.from({ length: 10 }, (_, i) => message(`${i + 1}`)))
      const seqs = async (side: { after: number } | { before: number }, limit: number) =>
        (await store.read('r', side, limit)).map(({ seq }) => seq)
      assert.deepEqual(await seqs({ after: 0 }, 3), [1, 2, 3])
      assert.deepEqual(await seqs({ after: 8 }, 3), [9, 10])
      assert.deepEqual(await seqs({ after: 10 }, 3), [])
      assert.deepEqual(await seqs({ after: 99 }, 3), [])
      assert.deepEqual(await seqs({ before: 11 }, 3), [8, 9, 10])
      assert.deepEqual(await seqs({ before: 99 }, 3), [8, 9, 10])
      assert.deepEqual(await seqs({ before: 3 }, 3), [1, 2])
      assert.deepEqual(await seqs({ before: 1 }, 3), [])
      assert.deepEqual(await seqs({ before: 0 }, 3), [])
      assert.deepEqual(await seqs({ after: 0 }, 0), [])
      assert.deepEqual(await store.read('nobody', { after: 0 }, 10), [])
    })

    test('[S6] entries come back as they were appended, byte for byte', async () => {
      const store = await open()
      await store.take('r', 1)
      const drafts: Draft[] = [
        ...[
          'plain',
          'a\0b\0',
          '\0',
          '  outer space\n\t',
          '👩‍👩‍👧‍👦 e\u0301 é \u202e \ufeff',
          '\uffff'.repeat(4_000),
          '\ufffd'.repeat(4_000),
          '😀'.repeat(2_000),
          `'; DROP TABLE messages; --`,
          '12',
          '1e3',
          '"\\\u2028',
        ].map((text, i) => message(`m${i}`, text, { ts: 1_763_000_000_000 + i })),
        message('\0id', 'x', { user: { id: 'user:\0', name: 'Zoë \0' }, ts: 1_763_000_001_000 }),
        message('re', 'x', { replyTo: 2, ts: 1_763_000_001_000 }),
        { id: 'ed', user: ANN, type: 'edit', ts: 1_763_000_001_000, target: 1, text: 'new' },
        { id: 'de', user: ANN, type: 'delete', ts: 1_763_000_001_000, target: 1 },
        { id: 'ok', user: BOB, type: 'react', ts: 1_763_000_001_000, target: 2, emoji: '👍🏽', on: true },
        { id: 'no', user: BOB, type: 'react', ts: 1_763_000_001_000, target: 2, emoji: '👍🏽', on: false },
        { id: 's1', user: ANN, type: 'system', ts: 1_763_000_001_000, event: 'room.made' },
        {
          id: 's2',
          user: ANN,
          type: 'system',
          ts: 1_763_000_001_000,
          event: 'renamed',
          data: { to: 'x', n: [1, null] },
        },
        { id: 's3', user: ANN, type: 'system', ts: 1_763_000_001_000, event: 'renamed', data: null },
      ]
      await appendTo(store, 'r', 1, ...drafts)
      const expected = drafts.map(({ after: _, ...draft }, i) =>
        encodeEntry({ room: 'r', seq: i + 1, ...draft } as never),
      )
      const read = await store.read('r', { after: 0 }, 100)
      assert.deepEqual(read.map(encodeEntry), expected)
      await store.close()
      const again = await open()
      assert.deepEqual((await again.read('r', { before: 1_000 }, 100)).map(encodeEntry), expected)
    })

    test('[S7] [S8] rooms, heads, epochs and log ids outlive the process', async () => {
      const store = await open()
      const a = await store.take('a', 3)
      const b = await store.take('b', 7)
      await appendTo(store, 'a', 3, message('1'), message('2'))
      await store.close()
      const again = await open()
      assert.ok(typeof a !== 'string' && typeof b !== 'string' && a.log !== b.log)
      const held = (await again.held()).toSorted((x, y) => (x.room < y.room ? -1 : 1))
      assert.deepEqual(held, [
        { room: 'a', epoch: 3, head: 2, log: a.log, isWhole: true },
        { room: 'b', epoch: 7, head: 0, log: b.log, isWhole: true },
      ])
      assert.deepEqual(await appendTo(again, 'a', 3, message('3')), [{ is: 'new', seq: 3, ts: 1_000 }])
      assert.deepEqual(await again.take('a', 4), { log: a.log, head: 3, isWhole: true, ...BARE })
    })

    test('a closed store rejects', async () => {
      const store = await open()
      await store.close()
      await store.close()
      await assert.rejects(store.take('r', 1), StoreLost)
      await assert.rejects(store.append([]), StoreLost)
      await assert.rejects(store.read('r', { after: 0 }, 1), StoreLost)
      await assert.rejects(store.held(), StoreLost)
    })

    describeErasing(open, (id) => world!.ref(id))
    describeRuling(open, (id) => world!.ref(id))
    describeTaking(open, (id) => world!.ref(id))
  })
}
