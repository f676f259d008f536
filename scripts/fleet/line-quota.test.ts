import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LineQuota } from './line-quota.ts'

describe('the line quota', () => {
  test('shows a line once until the trouble is over', () => {
    const quota = new LineQuota()
    assert.deepEqual(quota.take('port taken', 0), ['port taken'])
    assert.deepEqual(quota.take('port taken', 60_000), [])
    quota.forget()
    assert.deepEqual(quota.take('port taken', 60_001), ['port taken'])
  })

  test('withholds what is too much for its window and says how much that was', () => {
    const quota = new LineQuota({ maxLines: 2, windowMs: 1_000 })
    assert.deepEqual(quota.take('a', 0), ['a'])
    assert.deepEqual(quota.take('b', 1), ['b'])
    assert.deepEqual(quota.take('c', 2), [])
    assert.deepEqual(quota.take('d', 999), [])
    assert.deepEqual(quota.take('e', 1_000), ['(2 more lines)', 'e'])
    assert.deepEqual(quota.take('f', 1_001), ['f'])
  })
})
