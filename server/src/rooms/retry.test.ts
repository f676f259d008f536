import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { retryAfter } from './retry.ts'

describe('when a send that found no home comes again', () => {
  test('soon while the room has only just lost its home, later the longer it is away, and never very late', () => {
    assert.deepEqual([0, 10, 100, 333.3, 10_000].map(retryAfter), [25, 25, 100, 333, 500])
  })
})
