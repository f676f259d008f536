import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MOST, serverCount } from './server-count.ts'

describe('how many chat servers a machine gets', () => {
  test('one per core, and three on a small one', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 16].map((cores) => serverCount(cores, 8080, [9000, 5173])),
      [3, 3, 3, 4, 16],
    )
  })

  test('however many cores there are, a bounded number', () => {
    assert.equal(serverCount(1_000, 8080, [9000, 5173]), MOST)
    assert.equal(serverCount(1_000, 0, [9000, 5173]), MOST)
  })

  test('they end before a port that is not theirs, and before the last there is', () => {
    assert.equal(serverCount(32, 8990, [9000, 5173]), 10)
    assert.equal(serverCount(32, 5160, [9000, 5173]), 13)
    assert.equal(serverCount(32, 65_530, [9000, 5173]), 6)
    assert.equal(serverCount(32, 9001, [9000, 5173]), 32)
  })

  test('where not even three fit there are three, and whoever asked hears of the ports that meet', () => {
    assert.equal(serverCount(32, 8999, [9000]), 3)
    assert.equal(serverCount(32, 9000, [9000]), 3)
  })
})
