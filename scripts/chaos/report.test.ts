import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FaultRecord } from './injector.ts'
import type { ClientJournal, Outage } from './journal.ts'
import { figuresOf, tableOf } from './report.ts'

/** Two clients that send to two rooms every 100 ms, and are acked at once but from 1,000 to `until[room]`. */
function journals(until: { a: number; b: number }, outages: Outage[] = []) {
  const all = ['ann', 'bob'].map((name) => {
    const rooms = ['a', 'b'] as const
    const sends = rooms.flatMap((room) =>
      Array.from({ length: 50 }, (_, i) => ({ at: i * 100, room, id: `${name}${room}${i}`, text: '' })),
    )
    const acked = sends.map(({ at, room, id }, i) => {
      const isIn = at >= 1_000 && at < until[room]
      return { at: isIn ? until[room] : at + 1, room, id, seq: i }
    })
    return { name, invoked: sends, acked } as unknown as ClientJournal
  })
  return { all, outages }
}

function record(kind: FaultRecord['kind'], more: Partial<FaultRecord> = {}): FaultRecord {
  const window = { at: 950, mendedAt: 2_000, settledAt: 3_000 }
  return { kind, detail: '', target: '', rooms: ['a', 'b'], ...window, isAlone: true, ...more }
}

describe('the figures of a run', () => {
  test('are of each room that was hit the longest gap, of faults that came alone', () => {
    const [kill] = figuresOf(
      [record('kill', { rooms: ['b'] }), record('kill', { isAlone: false })],
      journals({ a: 1_200, b: 1_700 }),
    )
    assert.deepEqual([kill?.count, kill?.alone, kill?.gaps], [2, 1, [700]])
  })

  test('say of everything killed how long it took from the first restart until the last room was written', () => {
    const [all] = figuresOf([record('all', { restartedAt: 1_150 })], journals({ a: 1_900, b: 1_400 }))
    assert.deepEqual(all?.gaps, [750])
  })

  test('say of a rolling restart how long each client was without a connection, if at all', () => {
    const [roll] = figuresOf(
      [record('roll')],
      journals({ a: 0, b: 0 }, [
        { name: 'bob', from: 1_000, to: 1_020, isPlain: true },
        { name: 'bob', from: 1_200, to: 1_500, isPlain: false },
        { name: 'ann', from: 3_200, to: 3_900, isPlain: true },
      ]),
    )
    assert.deepEqual(roll?.outages, [0, 300])
  })

  test('measure nothing of a fault that never came to its end', () => {
    const [pause] = figuresOf([record('pause', { settledAt: Infinity })], journals({ a: 0, b: 0 }))
    assert.deepEqual([pause?.count, pause?.gaps], [1, []])
  })

  test('are held to their goals', () => {
    const goals = (until: number) => tableOf(figuresOf([record('kill')], journals({ a: until, b: 0 })))[2]
    assert.match(goals(2_900)!, /2000 ms met/)
    assert.match(goals(3_100)!, /2000 ms MISSED/)
  })
})
