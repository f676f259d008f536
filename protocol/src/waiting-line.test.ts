import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WaitingLine, type Asked } from './waiting-line.ts'

const placeOf = (asked: Asked) => (asked.isIn ? 0 : asked.place)

describe('a line of people who wait for a place', () => {
  test('lets everybody in while there are places, and keeps nothing of them', () => {
    const line = new WaitingLine()
    for (const key of ['a', 'b', 'c']) assert.deepEqual(line.ask(key, 1, 0), { isIn: true })
    assert.equal(line.length, 0)
  })

  test('tells each where he is, and lets them in in the order of their coming', () => {
    const line = new WaitingLine()
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => placeOf(line.ask(key, 0, 0))),
      [1, 2, 3],
    )
    assert.equal(placeOf(line.ask('b', 0, 0)), 2, 'asking again costs nobody his place')
    assert.equal(placeOf(line.ask('newcomer', 1, 0)), 4, 'the free place is for the first')
    assert.equal(placeOf(line.ask('b', 2, 0)), 0, 'two are free')
    assert.equal(placeOf(line.ask('c', 1, 0)), 2)
    assert.equal(placeOf(line.ask('a', 1, 0)), 0)
    assert.equal(placeOf(line.ask('c', 1, 0)), 0)
  })

  test('forgets who does not come back in time, and the others move up', () => {
    const line = new WaitingLine()
    const first = line.ask('gone', 0, 0)
    assert.ok(!first.isIn)
    line.ask('b', 0, 0)
    line.ask('b', 0, first.retryMs)
    assert.equal(placeOf(line.ask('gone', 0, 2 * first.retryMs)), 1, 'he may be late')
    assert.equal(placeOf(line.ask('b', 0, 2 * first.retryMs)), 2)
    assert.equal(placeOf(line.ask('b', 0, 4 * first.retryMs)), 2)
    assert.equal(placeOf(line.ask('b', 0, 6 * first.retryMs)), 1)
    assert.equal(placeOf(line.ask('gone', 0, 6 * first.retryMs)), 2)
  })

  test('hands a place on to whoever shows what it was taken with', () => {
    const line = new WaitingLine()
    line.ask('address', 0, 0)
    line.ask('other', 0, 0)
    assert.equal(placeOf(line.ask('ticket', 0, 0, 'address')), 1)
    assert.equal(placeOf(line.ask('address', 0, 0)), 3, 'it is his now')
    assert.equal(placeOf(line.ask('ticket', 1, 0, 'address')), 0)
  })

  test('has people far behind ask less often', () => {
    const line = new WaitingLine()
    const asked = Array.from({ length: 12_000 }, (_, i) => line.ask(`${i}`, 0, 0))
    const waits = asked.map((one) => (one.isIn ? 0 : one.retryMs))
    assert.equal(waits[0], 2_000)
    assert.equal(waits[999], 20_000)
    assert.equal(waits[11_999], 30_000)
    assert.equal(line.length, 10_000, 'and keeps no more of them than it may')
    assert.equal(placeOf(asked[11_999] as Asked), 10_001)
  })

  test('keeps its order whoever comes, leaves and stays away', () => {
    // A model that is slow and plain: a list.
    const line = new WaitingLine()
    let model: { key: string; until: number }[] = []
    let state = 1
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    let now = 0
    for (let step = 0; step < 5_000; step += 1) {
      now += 500 + Math.floor(random() * 500)
      model = model.filter(({ until }) => until > now)
      const key = `k${Math.floor(random() * 30)}`
      const free = Math.floor(random() * 4)
      const found = model.findIndex((one) => one.key === key)
      const at = found < 0 ? model.length : found
      const asked = line.ask(key, free, now)
      assert.equal(asked.isIn, at < free, `step ${step}`)
      if (asked.isIn) model = model.filter((one) => one.key !== key)
      else {
        assert.equal(asked.place, at + 1, `step ${step}`)
        const until = now + 2 * asked.retryMs + 3_000
        if (found < 0) model.push({ key, until })
        else (model[found] as { until: number }).until = until
      }
    }
  })
})
