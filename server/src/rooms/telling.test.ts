import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Telling } from './telling.ts'

describe('when rooms tell what they gathered', () => {
  test('those that began together end one after the other, the further apart the more are to be told', () => {
    const telling = new Telling(0)
    const times = Array.from({ length: 4 }, () => Math.round(telling.later(1_000, 0, 500)))
    assert.deepEqual(times, [500, 530, 560, 590])
    assert.equal(telling.later(10, 1_000, 500), 500, 'later on nobody is in the way')
  })

  test('nobody waits longer than five seconds', () => {
    const telling = new Telling(0)
    const times = Array.from({ length: 100 }, () => telling.later(10_000, 0, 500))
    assert.equal(Math.max(...times), 5_000)
  })
})
