import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RateLimit } from './rate-limit.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

/** Sends as fast as the limit lets it, until `ms`. @returns when each was taken */
function greedy(limit: RateLimit, ms: number, user = 'u'): number[] {
  const taken: number[] = []
  for (let now = 0; now < ms;) {
    const waitMs = limit.take(user, now)
    if (waitMs === 0) taken.push(now)
    now += waitMs
  }
  return taken
}

/** The most of these that fall into any `ms`. */
function mostWithin(times: readonly number[], ms: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + ms).length))
}

describe('the rate limit', () => {
  test('[S7] lets ten go at once, then one each half second', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) assert.equal(limit.take('u', 0), 0)
    assert.equal(limit.take('u', 0), 500)
    assert.equal(limit.take('u', 499), 1)
    assert.equal(limit.take('u', 500), 0)
    assert.equal(limit.take('u', 500), 500)
  })

  test('[S7] whoever sends as fast as he may has 20 in the first 10 s, and the 21st at their end', () => {
    const taken = greedy(new RateLimit(20), 60_000)
    assert.equal(taken.filter((at) => at < 10_000).length, 20)
    assert.equal(taken[19], 5_000)
    assert.equal(taken[20], 10_000)
    assert.equal(mostWithin(taken, 10_000), 20)
    assert.equal(taken.length, 120, 'nothing of the rate is lost in the long run')
  })

  test('[S7] one each half second is never refused', () => {
    const limit = new RateLimit(20)
    for (let now = 0; now < 600_000; now += 500) assert.equal(limit.take('u', now), 0)
  })

  for (const rate of [1, 3, 5, 10, 11, 20, 50]) {
    test(`[S7] --rate ${rate}: never more than that in any 10 s, and no more than 10 at once`, () => {
      const taken = greedy(new RateLimit(rate), 100_000)
      assert.equal(mostWithin(taken, 10_000), rate)
      assert.equal(mostWithin(taken, 1), Math.min(10, rate))
      assert.ok(taken.length >= 10 * rate - 10, `${taken.length}`)
    })
  }

  test('[S7] neither rule is broken by whatever order of tries, and who waits as told is let through', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.nat({ max: 3_000 }), { maxLength: 200 }),
        (rate, gaps) => {
          const limit = new RateLimit(rate)
          const taken: number[] = []
          let now = 0
          for (const gap of gaps) {
            const waitMs = limit.take('u', now)
            if (waitMs === 0) taken.push(now)
            now += gap
          }
          const waitMs = limit.take('u', now)
          if (waitMs > 0) assert.equal(limit.take('u', now + waitMs), 0)
          if (taken.length === 0) return
          assert.ok(mostWithin(taken, 10_000) <= rate)
          assert.ok(mostWithin(taken, 1) <= Math.min(10, rate))
        },
      ),
      { seed: 11 },
    )
  })

  test('[S7] is one per sender', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) limit.take('u', 0)
    assert.equal(limit.take('v', 0), 0)
  })

  test('a refused try costs nothing', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 500; i += 1) limit.take('u', 0)
    assert.equal(limit.take('u', 500), 0)
  })

  test('a clock that goes back does not give or take', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) limit.take('u', 10_000_000)
    assert.equal(limit.take('u', 0), 500)
    for (let now = 500; now <= 5_000; now += 500) assert.equal(limit.take('u', now), 0)
    assert.equal(limit.take('u', 5_500), 4_500)
  })

  test('0 means no limit', () => {
    const limit = new RateLimit(0)
    for (let i = 0; i < 1_000; i += 1) assert.equal(limit.take('u', 0), 0)
  })

  test('forgetting who was quiet gives nobody more than he had', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) limit.take('u', 0)
    for (let now = 500; now <= 5_000; now += 500) limit.take('u', now)
    limit.sweep(9_999)
    assert.equal(limit.take('u', 9_999), 1)
    limit.sweep(30_000)
    for (let i = 0; i < 10; i += 1) assert.equal(limit.take('u', 30_000), 0)
    assert.notEqual(limit.take('u', 30_000), 0)
  })
})
