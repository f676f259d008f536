import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { delays, holds, percentile, prove, type Journal, type Seen } from './proof.ts'

const seen = (...entries: [seq: number, id: string][]): Seen[] =>
  entries.map(([seq, id]) => ({ seq, id, at: 10 * seq }))
const LOG = seen([7, 'old'], [8, 'a1'], [9, 'b1'], [10, 'a2'])
const GOOD: Journal = {
  sent: [
    { id: 'a1', by: 'a', at: 1, ackedAt: 5, seq: 8 },
    { id: 'b1', by: 'b', at: 2, ackedAt: 12, seq: 9 },
    { id: 'a2', by: 'a', at: 50, ackedAt: 51, seq: 10 },
  ],
  seen: new Map([
    ['a', LOG],
    ['b', LOG.slice(1)],
  ]),
  log: LOG,
  mishaps: [],
}
const shownTo = (b: Seen[]) => prove({ ...GOOD, seen: new Map([['b', b]]) })

describe('the proof of a rolling restart', () => {
  test('holds when every ack is in the log at its seq and everybody saw the log', () => {
    const proof = prove(GOOD)
    assert.equal(holds(proof), true)
    assert.deepEqual([proof.sent, proof.acked], [3, 3])
  })

  test('counts what was acked and is not in the log, or stands there under another seq, or twice', () => {
    assert.equal(prove({ ...GOOD, log: LOG.slice(0, 3) }).lost, 1)
    assert.equal(
      prove({ ...GOOD, log: seen([7, 'old'], [8, 'b1'], [9, 'a1'], [10, 'a2']) }).different >= 2,
      true,
    )
    assert.equal(prove({ ...GOOD, log: [...LOG, ...seen([11, 'a1'])] }).doubled, 1)
  })

  test('counts what somebody did not see, saw twice, saw too late, or saw otherwise than it stands in the log', () => {
    assert.equal(shownTo(seen([8, 'a1'], [10, 'a2'])).lost, 1)
    assert.equal(shownTo(seen([8, 'a1'], [9, 'b1'], [9, 'b1'], [10, 'a2'])).doubled, 1)
    assert.equal(shownTo(seen([8, 'a1'], [10, 'a2'], [9, 'b1'])).reordered, 1)
    assert.equal(shownTo(seen([8, 'a1'], [9, 'x'], [10, 'a2'])).different, 1)
  })

  test('counts sends of one client that stand in the log in another order', () => {
    const sent = [GOOD.sent[2]!, GOOD.sent[0]!]
    assert.equal(prove({ ...GOOD, sent }).reordered, 1)
  })

  test('does not hold with nothing sent, something unanswered, or a mishap', () => {
    assert.equal(holds(prove({ ...GOOD, sent: [] })), false)
    const unanswered = [...GOOD.sent, { id: 'b2', by: 'b', at: 60 }]
    assert.equal(holds(prove({ ...GOOD, sent: unanswered })), false)
    assert.equal(holds(prove({ ...GOOD, mishaps: ['a: reset'] })), false)
  })

  test('says how long writers and readers waited for what was sent in a time', () => {
    assert.deepEqual(delays(GOOD, 0, 40), { ack: [4, 10], shown: [79, 79, 88, 88] })
    const figures = Array.from({ length: 200 }, (_, i) => i + 1)
    assert.deepEqual(
      [percentile(figures, 0.5), percentile(figures, 0.99), percentile([], 0.5)],
      [100, 198, 0],
    )
  })
})
