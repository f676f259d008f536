import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Store } from '../store/store.ts'
import { Retention, type Keeping } from './retention.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const NOW = 100 * DAY_MS

function open(forget: Store['forget'] = () => Promise.resolve(7)) {
  const asked: [string, number][] = []
  const notes: string[] = []
  const store = {
    forget(room: string, before: number) {
      asked.push([room, (NOW - before) / DAY_MS])
      return forget(room, before)
    },
  } as unknown as Store
  const retention = new Retention(store, (event) => void notes.push(event))
  return { asked, notes, retention }
}
const room = (id: string, retentionDays?: number): Keeping & { floor: number } => ({
  id,
  retentionDays,
  floor: 1,
  raiseFloor(floor) {
    this.floor = floor
  },
})

describe('retention', () => {
  test('forgets what is older than a room keeps it, and nothing in rooms that keep it for ever', async () => {
    const { asked, retention } = open()
    const [short, ever] = [room('short', 2), room('ever')]
    await retention.look([short, ever], NOW)
    assert.deepEqual(asked, [['short', 2]])
    assert.deepEqual([short.floor, ever.floor], [7, 1])
  })

  test('looks now and then, and at once when the time is another one', async () => {
    const { asked, retention } = open()
    await retention.look([room('r', 2)], NOW)
    await retention.look([room('r', 2)], NOW + 1_000)
    assert.equal(asked.length, 1)
    await retention.look([room('r', 1)], NOW + 2_000)
    assert.equal(asked.length, 2)
    assert.deepEqual(retention.due(NOW + 3_000), [])
    assert.deepEqual(retention.due(NOW + 700_000), ['r'], 'also when nobody has it open')
    await retention.look([room('r')], NOW + 700_000)
    assert.deepEqual(retention.due(NOW + 9_000_000), [])
  })

  test('goes on with the next room where one cannot be looked at now', async () => {
    const { notes, retention } = open((id) =>
      id === 'a' ? Promise.reject(new Error('no')) : Promise.resolve(3),
    )
    const b = room('b', 1)
    await retention.look([room('a', 1), b], NOW)
    assert.deepEqual(notes, ['old messages not forgotten'])
    assert.equal(b.floor, 3)
  })
})
