import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { longestWithin, quantile, writeGaps } from './gaps.ts'

const sent = (id: string, at: number, room = 'r') => ({ room, id, at })

describe('the write gap of a room', () => {
  test('is from the last ack to the next one while a send was waiting, whoever sent', () => {
    const gaps = writeGaps([
      { invoked: [sent('a', 0), sent('c', 15)], acked: [sent('a', 10), sent('c', 510)] },
      { invoked: [sent('b', 5)], acked: [sent('b', 20)] },
    ])
    assert.deepEqual(gaps.get('r'), [
      { from: 0, to: 10 },
      { from: 10, to: 20 },
      { from: 20, to: 510 },
    ])
  })

  test('does not count the time in which nobody sent anything', () => {
    const gaps = writeGaps([
      { invoked: [sent('a', 0), sent('b', 990)], acked: [sent('a', 10), sent('b', 1_000)] },
    ])
    assert.deepEqual(gaps.get('r')?.at(-1), { from: 990, to: 1_000 })
  })

  test('of one room is not closed by the acks of another', () => {
    const gaps = writeGaps([
      {
        invoked: [sent('a', 0), sent('b', 100, 'other')],
        acked: [sent('a', 900), sent('b', 110, 'other')],
      },
    ])
    assert.deepEqual(gaps.get('r'), [{ from: 0, to: 900 }])
  })

  test('counts for a fault when it reaches into its time', () => {
    const gaps = [
      { from: 0, to: 300 },
      { from: 300, to: 310 },
      { from: 310, to: 400 },
      { from: 900, to: 2_000 },
    ]
    assert.equal(longestWithin(gaps, { from: 305, to: 500 }), 90)
    assert.equal(longestWithin(gaps, { from: 299, to: 500 }), 300)
    assert.equal(longestWithin(gaps, { from: 500, to: 901 }), 1_100)
    assert.equal(longestWithin(gaps, { from: 400, to: 900 }), 0)
    assert.equal(longestWithin([], { from: 0, to: 10 }), 0)
  })
})

test('a quantile is one of the values: the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  assert.equal(quantile(hundred, 0.5), 50)
  assert.equal(quantile(hundred, 0.99), 99)
  assert.equal(quantile(hundred, 1), 100)
  assert.equal(quantile([7], 0.5), 7)
  assert.equal(quantile([], 0.5), undefined)
})
