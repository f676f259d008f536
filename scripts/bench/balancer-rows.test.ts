import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxOverMean } from './balancer-rows.ts'

test('an even choice is 1, and servers that were never chosen make it uneven', () => {
  assert.equal(maxOverMean({ a: 5, b: 5 }, 2), 1)
  assert.equal(maxOverMean({ a: 6, b: 4 }, 2), 1.2)
  assert.equal(maxOverMean({ a: 5, b: 5 }, 4), 2)
})
