import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RampSearch, type RampRules } from './ramp.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const RULES: RampRules = { from: 400, least: 10, most: 20_000, precision: 1.1 }

/** Searches a server that stands `limit` a second. */
function climb(limit: number, search = new RampSearch(RULES)) {
  const tried: number[] = []
  for (let rate = search.next(); rate !== undefined; rate = search.next()) {
    tried.push(rate)
    assert.ok(tried.length < 20, `no end: ${tried.join(' ')}`)
    search.note(rate, rate <= limit)
  }
  return { best: search.best, tried }
}

describe('the ramp', () => {
  test('doubles until it is too much, then halves what lies between', () => {
    const { best, tried } = climb(1_500)
    assert.deepEqual(tried, [400, 800, 1_600, 1_131, 1_345, 1_467])
    assert.equal(best, 1_467)
  })

  test('finds any limit to its precision in a dozen tries, without trying one twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: RULES.least, max: RULES.most }), (limit) => {
        const { best = 0, tried } = climb(limit)
        assert.ok(best <= limit && best * RULES.precision >= limit - 1, `${best} for ${limit}`)
        assert.equal(new Set(tried).size, tried.length)
        assert.ok(tried.length <= 12)
      }),
    )
  })

  test('begins where measured rates leave off', () => {
    const search = new RampSearch(RULES)
    for (const rate of [25, 200, 800, 1_600]) search.note(rate, rate <= 200)
    assert.equal(climb(300, search).tried[0], 400)
    assert.ok((search.best ?? 0) >= 270)
  })

  test('a server that stands nothing has no answer, one that stands everything the most that is tried', () => {
    assert.equal(climb(0).best, undefined)
    assert.equal(climb(1e9).best, RULES.most)
  })

  test('a rate that was too much by chance does not hide higher ones that are stood', () => {
    const search = new RampSearch(RULES)
    search.note(400, false)
    search.note(800, true)
    assert.equal(search.next(), 1_600)
  })
})
