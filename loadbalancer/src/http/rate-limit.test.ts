import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit } from './rate-limit.ts'

test('so many per key and window, each key by itself, again and again', () => {
  const limit = new RateLimit(2, 1_000)
  for (const start of [0, 1_000, 5_500]) {
    assert.deepEqual(
      [0, 1, 2, 999].map((ms) => limit.take('a', start + ms)),
      [0, 0, 998, 1],
      `from ${start}`,
    )
    assert.equal(limit.take('b', start), 0)
  }
})

test('0 is no limit', () => {
  const limit = new RateLimit(0, 1_000)
  for (let at = 0; at < 100; at += 1) assert.equal(limit.take('a', 0), 0)
})

test('it remembers no more keys than it may, the youngest', () => {
  const limit = new RateLimit(1, 1_000, 2)
  for (const key of ['a', 'b', 'c']) limit.take(key, 0)
  assert.equal(limit.take('c', 1), 999)
  assert.equal(limit.take('b', 1), 999)
  assert.equal(limit.take('a', 1), 0, 'forgotten')
})

test('what is given back may be taken again', () => {
  const limit = new RateLimit(1, 1_000)
  assert.equal(limit.take('a', 0), 0)
  limit.giveBack('a')
  limit.giveBack('b')
  assert.equal(limit.take('a', 1), 0)
  assert.equal(limit.take('a', 2), 998)
})
