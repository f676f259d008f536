import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pace } from './pacing.ts'
import { SpareTime } from './spare-time.ts'

for (const rate of [50, 2_000]) {
  for (const isAwake of [true, false]) {
    const how = isAwake ? 'awake' : 'by timers'
    test(`at ${rate} a second, ${how}, every send is due its gap after the one before, and none leaves early`, async () => {
      const spare = new SpareTime()
      const due: number[] = []
      let early = 0
      const turn = isAwake ? () => spare.turn() : undefined
      const total = await pace({ rate, forMs: 100, turn }, (dueAt) => {
        if (performance.now() < dueAt) early += 1
        due.push(dueAt)
      })
      assert.equal(total, rate / 10)
      assert.equal(due.length, total)
      assert.equal(early, 0)
      const [first = 0] = due
      due.forEach((at, k) => assert.ok(Math.abs(at - first - (k * 1_000) / rate) < 1e-6))
    })
  }
}

test('what a slow sender misses is made up for: the rate does not yield', async () => {
  let sent = 0
  const block = () => {
    sent += 1
    const until = performance.now() + (sent === 1 ? 60 : 0)
    while (performance.now() < until);
  }
  await pace({ rate: 1_000, forMs: 50 }, block)
  assert.equal(sent, 50)
})

test('nothing more is sent when it is enough', async () => {
  let sent = 0
  const total = await pace({ rate: 1_000, forMs: 60_000, isEnough: () => sent >= 3 }, () => (sent += 1))
  assert.deepEqual([total, sent], [3, 3])
})
