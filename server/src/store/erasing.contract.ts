import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { system } from './ruling.contract.ts'
import { StoreLost, type Draft, type Store, type StoreRef } from './store.ts'
import { ANN, appendTo, BOB, message, texts } from './test/drafts.ts'

const at = (ts: number, id: string, more: Partial<Draft> = {}) =>
  message(id, `text of ${id}`, { ts, ...more })

/** The rules of what goes: rooms that are deleted, what is forgotten, the names of those who are gone; part of describeStore. */
export function describeErasing(open: (id?: string) => Promise<Store>, ref: (id: string) => StoreRef): void {
  test('[S10] a room that was erased is not there any more, and never again', async () => {
    const store = await open()
    const before = await store.take('r', 1)
    await store.take('other', 1)
    await appendTo(store, 'r', 1, message('a'), system('s', 'join'))
    await appendTo(store, 'other', 1, message('b'))
    await store.erase('r')
    await store.erase('r')
    await store.erase('never used')
    const isGone = async (now: Store) => {
      assert.deepEqual(await now.read('r', { after: 0 }, 10), [])
      assert.deepEqual(await now.audit('r', undefined, 10), [])
      assert.deepEqual(await now.roomsOf(ANN.id), ['other'])
      assert.equal((await now.entriesOf(ANN.id, undefined, 10)).entries.length, 1)
      assert.equal(await appendTo(now, 'r', 1, message('a')), 'fenced')
      assert.equal(await now.forget('r', 5_000), 'fenced')
      assert.equal(await now.take('r', 2), 'erased')
      assert.equal(await now.take('never used', 1, []), 'erased')
      assert.equal(await now.take('r', 2 ** 40, [ref('b')]), 'erased')
      assert.deepEqual(
        (await now.held()).map(({ room }) => room),
        ['other'],
      )
      assert.deepEqual(await texts(now, 'other'), ['text of b'])
    }
    await open('b')
    await isGone(store)
    await store.close()
    await isGone(await open())
    assert.ok(typeof before !== 'string')
  })

  test('[S10] a room that was erased where it is to be taken from is not taken, and what is here of it goes', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await a.take('r', 1)
    await appendTo(a, 'r', 1, message('a'))
    await b.take('r', 2, [ref('a')])
    await appendTo(b, 'r', 2, message('b'))
    await a.take('r', 3, [ref('b')])
    await a.erase('r')
    assert.equal(await b.take('r', 4, [ref('a')]), 'erased')
    assert.deepEqual(await b.read('r', { after: 0 }, 10), [])
    assert.equal(await b.take('r', 5), 'erased')
    const c = await open('c')
    assert.equal(await c.take('r', 5, [ref('b')]), 'erased')
    assert.equal(await c.take('r', 6), 'erased')
    assert.deepEqual([await a.held(), await b.held(), await c.held()], [[], [], []])
  })

  test('[S11] what is forgotten is not read, and what changed the room stays on record', async () => {
    const store = await open()
    await store.take('r', 1)
    const deletion: Draft = { id: 'd', user: ANN, type: 'delete', ts: 1_500, target: 2 }
    await appendTo(
      store,
      'r',
      1,
      system('s', 'join'),
      at(1_000, 'a'),
      deletion,
      at(2_000, 'b'),
      at(3_000, 'c'),
    )
    assert.equal(await store.forget('r', 0), 1)
    assert.equal(await store.forget('r', 1_000), 1)
    assert.equal(await store.forget('r', 2_000), 4)
    assert.equal(await store.forget('r', 1_500), 4, 'it never falls')
    const seqs = async (side: { after: number } | { before: number }, limit = 10) =>
      (await store.read('r', side, limit)).map(({ seq }) => seq)
    assert.deepEqual(await seqs({ after: 0 }), [4, 5])
    assert.deepEqual(await seqs({ after: 0 }, 1), [4])
    assert.deepEqual(await seqs({ after: 4 }), [5])
    assert.deepEqual(await seqs({ before: 9 }), [4, 5])
    assert.deepEqual(await seqs({ before: 5 }), [4])
    assert.deepEqual(await seqs({ before: 4 }), [])
    assert.deepEqual(await seqs({ before: 2 }), [])
    assert.deepEqual(seqsOf(await store.audit('r', undefined, 10)), [3, 1])
    const taken = await store.take('r', 2)
    assert.ok(typeof taken !== 'string')
    assert.deepEqual([taken.floor, taken.head, seqsOf(taken.chronicle)], [4, 5, [1]])
    // What was forgotten is not known any more, and nothing can be about it.
    const edit: Draft = { id: 'e', user: ANN, type: 'edit', ts: 1, target: 2, text: 'x', rule: 'exists' }
    const outcomes = await appendTo(store, 'r', 2, { ...at(1, 'a'), onlyIfThere: true }, edit, at(1, 'a'))
    assert.deepEqual(outcomes, [{ is: 'absent' }, { is: 'absent' }, { is: 'new', seq: 6, ts: 3_000 }])
  })

  test('[S11] a room of which all was forgotten goes on at the next seq, here and elsewhere', async () => {
    const a = await open('a')
    await a.take('r', 1)
    await appendTo(a, 'r', 1, system('s', 'join'), at(1_000, 'a'), at(1_000, 'b'))
    assert.equal(await a.forget('r', 9_000), 4)
    assert.deepEqual(await texts(a, 'r'), [])
    await a.close()
    const again = await open('a')
    const taken = await again.take('r', 2)
    assert.ok(typeof taken !== 'string')
    assert.deepEqual([taken.floor, taken.head, seqsOf(taken.chronicle)], [4, 3, [1]])
    const b = await open('b')
    const there = await b.take('r', 3, [ref('a')])
    assert.deepEqual(there, { ...taken, log: taken.log })
    assert.equal(await again.forget('r', 9_000), 'fenced')
    assert.deepEqual(await appendTo(b, 'r', 3, at(500, 'c')), [{ is: 'new', seq: 4, ts: 1_000 }])
    assert.deepEqual(await texts(b, 'r'), ['text of c'])
    assert.deepEqual(seqsOf(await b.audit('r', undefined, 10)), [1])
    const back = await again.take('r', 4, [ref('b')])
    assert.ok(typeof back !== 'string')
    assert.deepEqual([back.floor, back.head, seqsOf(back.chronicle)], [4, 4, [1]])
    assert.deepEqual(await texts(again, 'r'), ['text of c'])
  })

  test('[S11] what is kept of a room elsewhere goes when it comes back from where it was forgotten', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await a.take('r', 1)
    await appendTo(a, 'r', 1, at(1_000, 'a'), system('s', 'join'), at(2_000, 'b'))
    await b.take('r', 2, [ref('a')])
    assert.equal(await b.forget('r', 1_500), 3)
    const back = await a.take('r', 3, [ref('b')])
    assert.ok(typeof back !== 'string')
    assert.deepEqual([back.floor, seqsOf(back.chronicle)], [3, [2]])
    assert.deepEqual(await texts(a, 'r'), ['text of b'])
    assert.deepEqual(seqsOf((await a.entriesOf(ANN.id, undefined, 10)).entries).toSorted(), [2, 3])
  })

  test('[S11] a sweep forgets in each room what that says of itself, by its last word', async () => {
    const DAY = 86_400_000
    const store = await open()
    const retention = (id: string, days: number | null) => system(id, 'retention', { ts: 1, data: { days } })
    const rooms: [string, Draft[]][] = [
      ['keeps all', []],
      ['two days', [retention('r', 2)]],
      ['three days', [retention('r', 1), retention('r2', 3)]],
      ['all again', [retention('r', 1), retention('r2', null)]],
      ['says so in a text', [message('r', '{"event":"retention","data":{"days":1}}', { ts: 1 })]],
      ['moved', [retention('r', 1)]],
      ['an act is lost', [retention('r', 1), system('l', 'damaged', { ts: 1, data: { was: 'system' } })]],
      ['a text is lost', [retention('r', 2), system('l', 'damaged', { ts: 1, data: { was: 'message' } })]],
    ]
    for (const [room, drafts] of rooms) {
      await store.take(room, 1)
      await appendTo(store, room, 1, ...drafts, ...[1, 2, 3, 4, 5].map((day) => at(day * DAY, `${day}`)))
    }
    const b = await open('b')
    await b.take('moved', 2, [ref('a')])
    const swept = async (now: number) =>
      (await store.sweep(now)).toSorted((x, y) => (x.room < y.room ? -1 : 1))
    assert.deepEqual(await swept(4 * DAY), [
      { room: 'a text is lost', floor: 4 },
      { room: 'three days', floor: 3 },
      { room: 'two days', floor: 3 },
    ])
    assert.equal((await texts(store, 'three days')).length, 5)
    assert.deepEqual(await swept(5 * DAY + 1), [
      { room: 'a text is lost', floor: 6 },
      { room: 'three days', floor: 5 },
      { room: 'two days', floor: 5 },
    ])
    assert.deepEqual(await store.sweep(5 * DAY + 1), [])
    assert.deepEqual(await texts(store, 'two days'), ['text of 4', 'text of 5'])
    assert.deepEqual(await texts(store, 'three days'), ['text of 3', 'text of 4', 'text of 5'])
    for (const room of ['keeps all', 'all again', 'an act is lost']) {
      assert.equal((await texts(store, room)).filter((text) => text !== undefined).length, 5)
    }
  })

  test('[S12] who is gone has no name in the room any more, wherever it stood', async () => {
    const ann = { id: 'user:1', name: 'Ännchen' }
    const genesis: Genesis = {
      name: 'Ännchen and bob',
      visibility: 'direct',
      createdAt: 1,
      createdBy: ann,
      people: [ann, BOB],
    }
    const a = await open('a')
    await a.take('r', 1, [], genesis)
    await a.take('other', 1)
    await appendTo(a, 'other', 1, message('0', 'x', { user: ann }))
    const drafts = [
      message('1', 'Ännchen was here', { user: ann }),
      message('2', 'hello', { user: BOB }),
      system('3', 'mute', {
        user: BOB,
        data: { user: ann, until: 5, more: [{ id: 'user:1', name: 'Ann' }, ann.id] },
      }),
      system('4', 'name', { user: ann, data: { name: 'Annie' } }),
    ]
    const b = await open('b')
    await appendTo(a, 'r', 1, ...drafts)
    await b.take('r', 2, [ref('a')])
    await appendTo(b, 'r', 2, system('5', 'gone', { user: { ...ann, name: 'deleted user' }, data: {} }))
    const isNameless = async (store: Store) => {
      const entries = await store.read('r', { after: 0 }, 10)
      assert.deepEqual(
        entries.map(({ user }) => user.name),
        ['deleted user', 'bob', 'bob', 'deleted user', 'deleted user'],
      )
      const gone = { id: 'user:1', name: 'deleted user' }
      assert.deepEqual(
        entries.map((entry) => ('data' in entry ? entry.data : undefined)),
        [undefined, undefined, { user: gone, until: 5, more: [gone, ann.id] }, { name: 'deleted user' }, {}],
      )
      assert.equal((entries[0] as { text?: string }).text, 'Ännchen was here')
      assert.deepEqual(seqsOf(await store.audit('r', undefined, 10)), [5, 4, 3])
      assert.deepEqual((await store.held()).find(({ room }) => room === 'r')?.genesis, {
        ...genesis,
        createdBy: gone,
        people: [gone, BOB],
      })
    }
    await isNameless(b)
    await b.close()
    await isNameless(await open('b'))
    // What a still has of it from before has the name.
    await a.take('r', 3, [ref('b')])
    await isNameless(a)
    assert.equal((await a.read('other', { after: 0 }, 1))[0]?.user.name, 'Ännchen')
    assert.deepEqual(await appendTo(a, 'r', 3, message('1', 'Ännchen was here', { user: ann })), [
      { is: 'repeat', seq: 1, ts: 1_000 },
    ])
  })

  test('[S12] the name goes from where the room was homed before, too, and nothing else does', async () => {
    const ann = { id: 'user:1', name: 'Ännchen' }
    const [a, b] = [await open('a'), await open('b')]
    for (const room of ['moved', 'stays']) {
      const genesis: Genesis = { name: 'r', visibility: 'private', createdAt: 1, createdBy: ann }
      await a.take(room, 1, [], genesis)
      const drafts = [message('1', 'hello', { user: ann }), message('2'), system('3', 'join', { user: ann })]
      await appendTo(a, room, 1, ...drafts, system('4', 'mute', { user: BOB, data: { user: ann, until: 5 } }))
    }
    await b.take('moved', 2, [ref('a')])
    await a.forgetName('user:nobody')
    const entries = await a.read('moved', { after: 0 }, 10)
    assert.match(JSON.stringify(entries), /Ännchen/)
    await a.forgetName(ann.id)
    const nameless = JSON.parse(JSON.stringify(entries).replaceAll('Ännchen', 'deleted user')) as Entry[]
    assert.deepEqual(await a.read('moved', { after: 0 }, 10), nameless)
    assert.match(JSON.stringify(await a.read('stays', { after: 0 }, 10)), /Ännchen/)
    const there = JSON.stringify(await b.read('moved', { after: 0 }, 10))
    assert.equal(there.replaceAll('Ännchen', 'deleted user'), JSON.stringify(nameless))
    // What is there is what it was, but for the name: it can be taken on, and a repeat is one.
    const back = await a.take('moved', 3, [ref('b')])
    assert.ok(typeof back !== 'string')
    assert.deepEqual(await appendTo(a, 'moved', 3, message('1', 'hello', { user: ann })), [
      { is: 'repeat', seq: 1, ts: 1_000 },
    ])
  })

  test('[S12] the record of a room is given in pages, the last first', async () => {
    const store = await open()
    await store.take('r', 1)
    const deletion: Draft = { id: 'd', user: BOB, type: 'delete', ts: 1_000, target: 1 }
    await appendTo(
      store,
      'r',
      1,
      message('a'),
      system('s1', 'join'),
      deletion,
      message('b'),
      system('s2', 'leave'),
    )
    const all = (await store.read('r', { after: 0 }, 10))
      .filter(({ type }) => type !== 'message')
      .toReversed()
    assert.deepEqual(await store.audit('r', undefined, 10), all)
    assert.deepEqual(seqsOf(await store.audit('r', undefined, 2)), [5, 3])
    assert.deepEqual(seqsOf(await store.audit('r', 3, 2)), [2])
    assert.deepEqual(await store.audit('r', 2, 2), [])
    assert.deepEqual(await store.audit('never', undefined, 2), [])
  })

  test('what one user has said is found, in the rooms that are served from here', async () => {
    const [a, b] = [await open('a'), await open('b')]
    for (const room of ['x', 'y', 'z']) await a.take(room, 1)
    await appendTo(a, 'x', 1, message('1'), message('2', 'his', { user: BOB }), system('3', 'join'))
    await appendTo(a, 'y', 1, message('1', 'his', { user: BOB }))
    await appendTo(a, 'z', 1, message('1'), message('2'), message('3'))
    assert.deepEqual((await a.roomsOf(ANN.id)).toSorted(), ['x', 'z'])
    assert.deepEqual((await a.roomsOf(BOB.id)).toSorted(), ['x', 'y'])
    assert.deepEqual(await a.roomsOf('user:nobody'), [])
    for (const limit of [1, 2, 3, 5, 9]) {
      const found: Entry[] = []
      let after: string | undefined
      do {
        const sent: Awaited<ReturnType<Store['entriesOf']>> = await a.entriesOf(ANN.id, after, limit)
        assert.ok(sent.entries.length <= limit && sent.isWhole)
        found.push(...sent.entries)
        after = sent.next
      } while (after !== undefined)
      const keys = found.map(({ room, id }) => `${room}${id}`).toSorted()
      assert.deepEqual(keys, ['x1', 'x3', 'z1', 'z2', 'z3'])
    }
    await b.take('z', 2, [ref('a')])
    assert.deepEqual(await a.roomsOf(ANN.id), ['x'])
    assert.deepEqual(await b.roomsOf(ANN.id), ['z'])
    const sent = await b.entriesOf(ANN.id, undefined, 10)
    assert.ok(sent.entries.length === 3 || !sent.isWhole)
  })

  test('a closed store says so whatever it is asked', async () => {
    const store = await open()
    await store.close()
    await assert.rejects(store.erase('r'), StoreLost)
    await assert.rejects(store.forget('r', 1), StoreLost)
    await assert.rejects(store.audit('r', undefined, 1), StoreLost)
    await assert.rejects(store.roomsOf(ANN.id), StoreLost)
    await assert.rejects(store.entriesOf(ANN.id, undefined, 1), StoreLost)
  })
}

function seqsOf(entries: readonly Entry[]): number[] {
  return entries.map(({ seq }) => seq)
}
