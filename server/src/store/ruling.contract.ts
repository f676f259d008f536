import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { Draft, Store, StoreRef } from './store.ts'
import { ANN, appendTo, BOB, message, texts } from './test/drafts.ts'

const GENESIS: Genesis = { name: 'Öffice', visibility: 'private', createdAt: 1_000, createdBy: ANN }

/** An entry that changes the room itself. */
export function system(id: string, event: string, more: Partial<Draft> = {}): Draft {
  return { id, user: ANN, type: 'system', ts: 1_000, event, data: { for: id }, ...more }
}

/** The rules of what a room is and what stands in its record; part of describeStore. */
export function describeRuling(open: (id?: string) => Promise<Store>, ref: (id: string) => StoreRef): void {
  test('[S7] what a room was made as is kept from the first take on, wherever the room goes', async () => {
    const a = await open('a')
    assert.deepEqual(await genesisOf(a.take('r', 1, [], GENESIS)), GENESIS)
    const other: Genesis = { ...GENESIS, visibility: 'public' }
    assert.deepEqual(await genesisOf(a.take('r', 1, [], other)), GENESIS)
    assert.deepEqual(await genesisOf(a.take('r', 2)), GENESIS)
    assert.deepEqual((await a.held())[0]?.genesis, GENESIS)
    await a.close()
    const again = await open('a')
    assert.deepEqual(await genesisOf(again.take('r', 3)), GENESIS)
    const b = await open('b')
    assert.deepEqual(await genesisOf(b.take('r', 4, [ref('a')], other)), GENESIS)
    assert.deepEqual((await b.held())[0]?.genesis, GENESIS)
  })

  test('[S7] a room without a genesis is given one by a later take', async () => {
    const a = await open('a')
    assert.equal(await genesisOf(a.take('r', 1)), undefined)
    assert.ok(!('genesis' in (await a.held())[0]!))
    assert.deepEqual(await genesisOf(a.take('r', 1, [], GENESIS)), GENESIS)
    await a.take('s', 1)
    const b = await open('b')
    assert.deepEqual(await genesisOf(b.take('s', 2, [ref('a')], GENESIS)), GENESIS)
    assert.deepEqual(await genesisOf(b.take('never used', 2, [ref('a')], GENESIS)), GENESIS)
  })

  test('[S1] who takes a room is told what happened to it, in order', async () => {
    const a = await open('a')
    const first = await a.take('r', 1)
    assert.deepEqual(typeof first !== 'string' && first.chronicle, [])
    const drafts: Draft[] = [
      system('s1', 'join'),
      message('m'),
      system('s2', 'ban', { data: { user: BOB, reason: '…' } }),
      { id: 'd', user: ANN, type: 'delete', ts: 1_000, target: 2 },
      system('s3', 'leave', { data: undefined }),
    ]
    await appendTo(a, 'r', 1, ...drafts)
    const expected = (await a.read('r', { after: 0 }, 10)).filter(({ type }) => type === 'system')
    assert.equal(expected.length, 3)
    const again = await a.take('r', 2)
    assert.deepEqual(typeof again !== 'string' && again.chronicle, expected)
    const b = await open('b')
    const there = await b.take('r', 3, [ref('a')])
    assert.deepEqual(typeof there !== 'string' && there.chronicle, expected)
  })

  test('[S4] whether a send is there already is told without storing it', async () => {
    const store = await open()
    await store.take('r', 1)
    await appendTo(store, 'r', 1, message('a'))
    const asked = (draft: Draft): Draft => ({ ...draft, onlyIfThere: true })
    const before = (await store.append([])).commitNo
    const outcomes = await appendTo(
      store,
      'r',
      1,
      asked(message('a')),
      asked(message('a', 'other')),
      asked(message('b')),
      asked(message('b', 'b', { after: 'never' })),
      asked({ ...message('a'), user: BOB }),
      message('c', 'c', { after: 'b' }),
      message('d'),
      asked(message('d')),
    )
    assert.deepEqual(outcomes, [
      { is: 'repeat', seq: 1, ts: 1_000 },
      { is: 'absent' },
      { is: 'absent' },
      { is: 'absent' },
      { is: 'absent' },
      { is: 'gap' },
      { is: 'new', seq: 2, ts: 1_000 },
      { is: 'repeat', seq: 2, ts: 1_000 },
    ])
    assert.deepEqual(await texts(store, 'r'), ['text of a', 'text of d'])
    const after = (await store.append([])).commitNo
    assert.ok(after > before)
    await appendTo(store, 'r', 1, asked(message('b')))
    assert.equal((await store.append([])).commitNo, after)
  })

  test('[S5] what is about a message is taken only if that is there, and of the user whose it has to be', async () => {
    const store = await open()
    await store.take('r', 1)
    await store.take('other', 1)
    await appendTo(store, 'other', 1, message('x'), message('y'), message('z'))
    const edit = (id: string, target: number, more: Partial<Draft> = {}): Draft => {
      return { id, user: ANN, type: 'edit', ts: 1_000, target, text: 'new', rule: 'author', ...more }
    }
    const react: Draft = { ...edit('re', 1), type: 'react', emoji: '👍', on: true, user: BOB, rule: 'exists' }
    const ask = async (...drafts: Draft[]) => {
      const outcomes = await appendTo(store, 'r', 1, ...drafts)
      return typeof outcomes !== 'string' && outcomes.map(({ is }) => is)
    }
    assert.deepEqual(await ask(edit('e0', 1)), ['absent'])
    assert.deepEqual(
      await ask(
        message('m'),
        edit('e1', 1),
        edit('e2', 1, { user: BOB }),
        react,
        edit('e3', 2),
        edit('e4', 0),
      ),
      ['new', 'new', 'forbidden', 'new', 'absent', 'absent'],
    )
    assert.deepEqual(await ask(system('s', 'join'), edit('e5', 4, { rule: 'exists' })), ['new', 'absent'])
    // A repeat is a repeat, whatever stands there by now; what was refused can be taken later.
    assert.deepEqual(await ask(edit('e1', 1), edit('e1', 9), edit('e0', 1), edit('e6', 1, { after: 'e4' })), [
      'repeat',
      'conflict',
      'new',
      'gap',
    ])
    const stored = await store.read('r', { after: 0 }, 20)
    assert.deepEqual(
      stored.map(({ id }) => id),
      ['m', 'e1', 're', 's', 'e0'],
    )
  })
}

async function genesisOf(taken: ReturnType<Store['take']>): Promise<Genesis | undefined> {
  const found = await taken
  assert.ok(typeof found !== 'string', found as string)
  return found.genesis
}
