import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pace } from './pacing.ts'

for (const rate of [50, 2_000]) {
  test(`at ${rate} a second every send is due its gap after the one before, and none leaves early`, async () => {
    const due: number[] = []
    let early = 0
    const total = await pace(rate, 100, (dueAt) => {
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

test('what a slow sender misses is made up for: the rate does not yield', async () => {
  let sent = 0
  const block = () => {
    sent += 1
    const until = performance.now() + (sent === 1 ? 60 : 0)
    while (performance.now() < until);
  }
  await pace(1_000, 50, block)
  assert.equal(sent, 50)
})
