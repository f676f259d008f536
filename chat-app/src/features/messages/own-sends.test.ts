import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PendingSend } from '@flotilla/protocol/client/client.ts'
import { settle } from './own-sends.ts'
import { append, EMPTY } from './timeline.ts'

const ME = { id: 'guest:ana', name: 'ana' }
const pending = (id: string, state: 'sending' | 'failed' = 'sending'): PendingSend => ({
  id,
  text: `text ${id}`,
  state,
  at: 0,
  ...(state === 'failed' ? { code: 'too_long' as const } : {}),
})
const logged = (...ids: string[]) =>
  append(
    EMPTY,
    ids.map((id, index) => ({ type: 'message', room: 'r', seq: index + 1, id, user: ME, text: 'x', ts: 1 })),
  )
const sketch = (own: readonly { id: string; state: string }[]) => own.map(({ id, state }) => `${id} ${state}`)

describe("one's own sends below the log", () => {
  test('a send is shown at once, and its time stays', () => {
    const first = settle([], [], [pending('a')], EMPTY, ME.id, 100)
    const second = settle(first, [pending('a')], [pending('a'), pending('b')], EMPTY, ME.id, 200)
    assert.deepEqual(
      second.map(({ id, at }) => [id, at]),
      [
        ['a', 100],
        ['b', 200],
      ],
    )
  })

  test('between ack and entry a send stays, as sent', () => {
    const first = settle([], [], [pending('a')], EMPTY, ME.id, 100)
    const acked = settle(first, [pending('a')], [], EMPTY, ME.id, 200)
    assert.deepEqual(sketch(acked), ['a sent'])
    assert.deepEqual(sketch(settle(acked, [], [], EMPTY, ME.id, 300)), ['a sent'])
    assert.deepEqual(settle(acked, [], [], logged('a'), ME.id, 300), [])
  })

  test('an entry that comes before its ack replaces the send', () => {
    const first = settle([], [], [pending('a')], EMPTY, ME.id, 100)
    assert.deepEqual(settle(first, [pending('a')], [pending('a')], logged('a'), ME.id, 100), [])
  })

  test("another person's entry with the same id replaces nothing", () => {
    const other = append(EMPTY, [
      { type: 'message', room: 'r', seq: 1, id: 'a', user: { id: 'guest:bo', name: 'bo' }, text: 'x', ts: 1 },
    ])
    assert.deepEqual(sketch(settle([], [], [pending('a')], other, ME.id, 1)), ['a sending'])
  })

  test('a failed send says why, and is sending again after a retry', () => {
    const first = settle([], [], [pending('a')], EMPTY, ME.id, 100)
    const failed = settle(first, [pending('a')], [pending('a', 'failed')], EMPTY, ME.id, 200)
    assert.deepEqual(failed, [{ id: 'a', text: 'text a', at: 100, state: 'failed', code: 'too_long' }])
    const again = settle(failed, [pending('a', 'failed')], [pending('a')], EMPTY, ME.id, 300)
    assert.deepEqual(sketch(again), ['a sending'])
  })

  test('nothing new leaves the very same array', () => {
    const own = settle([], [], [pending('a')], EMPTY, ME.id, 100)
    assert.equal(settle(own, [pending('a')], [pending('a')], EMPTY, ME.id, 200), own)
  })
})
