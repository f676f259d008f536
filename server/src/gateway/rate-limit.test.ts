import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RateLimit } from './rate-limit.ts'

describe('the rate limit', () => {
  test('[S7] lets a burst of ten go, then two per second', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) assert.equal(limit.take('u', 0), 0)
    assert.equal(limit.take('u', 0), 500)
    assert.equal(limit.take('u', 500), 0)
    assert.equal(limit.take('u', 500), 500)
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
    for (let i = 0; i < 10; i += 1) limit.take('u', 10_000)
    assert.equal(limit.take('u', 0), 500)
  })

  test('0 means no limit', () => {
    const limit = new RateLimit(0)
    for (let i = 0; i < 1_000; i += 1) assert.equal(limit.take('u', 0), 0)
  })

  test('forgetting who was quiet gives nobody more than a burst', () => {
    const limit = new RateLimit(20)
    for (let i = 0; i < 10; i += 1) limit.take('u', 0)
    limit.sweep(4_999)
    assert.equal(limit.take('u', 4_999), 0)
    limit.sweep(20_000)
    for (let i = 0; i < 10; i += 1) assert.equal(limit.take('u', 20_000), 0)
    assert.notEqual(limit.take('u', 20_000), 0)
  })
})
