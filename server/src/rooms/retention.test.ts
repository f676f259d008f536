import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Retention } from './retention.ts'

const NOW = 1_700_000_000_000
const MINUTE_MS = 60_000

function open(sweep = () => Promise.resolve([{ room: 'r', floor: 7 }])) {
  const swept: number[] = []
  const raised: [string, number][] = []
  const notes: string[] = []
  const retention = new Retention({
    store: {
      sweep(now) {
        swept.push(now)
        return sweep()
      },
    },
    raised: (room, floor) => void raised.push([room, floor]),
    note: (event) => void notes.push(event),
  })
  return { retention, swept, raised, notes }
}

describe('retention', () => {
  test('has what is old forgotten now and then, and tells from where on there is something left', async () => {
    const { retention, swept, raised } = open()
    for (const minutes of [0, 1, 9, 10, 11]) await retention.look(NOW + minutes * MINUTE_MS)
    assert.deepEqual(swept, [NOW, NOW + 10 * MINUTE_MS])
    assert.deepEqual(raised[0], ['r', 7])
  })

  test('looks at once when a room has another time', async () => {
    const { retention, swept } = open()
    await retention.look(NOW)
    retention.hurry()
    await retention.look(NOW + 1)
    assert.equal(swept.length, 2)
  })

  test('does one look at a time, and one that fails keeps it from no other', async () => {
    const { retention, swept, notes, raised } = open(() => Promise.reject(new Error('full')))
    await Promise.all([retention.look(NOW), retention.look(NOW + 11 * MINUTE_MS)])
    assert.equal(swept.length, 1)
    assert.deepEqual([notes, raised], [['old messages not forgotten'], []])
    await retention.look(NOW + 20 * MINUTE_MS)
    assert.equal(swept.length, 2)
  })
})
