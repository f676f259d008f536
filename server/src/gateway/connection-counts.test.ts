import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { ConnectionCounts } from './connection-counts.ts'

describe('the counts of connections', () => {
  test('say when an address and an account have all they may, and no more once one is gone', () => {
    const counts = new ConnectionCounts(2, 1)
    counts.add('a', 'user:1')
    assert.deepEqual([counts.isFullIp('a'), counts.isFullUser('user:1')], [false, true])
    counts.add('a', 'user:2')
    assert.deepEqual([counts.isFullIp('a'), counts.isFullIp('b')], [true, false])
    counts.remove('a', 'user:1')
    assert.deepEqual([counts.isFullIp('a'), counts.isFullUser('user:1')], [false, false])
    assert.equal(counts.isFullUser('user:2'), true)
  })

  test('take the name of a guest for nobody’s, and know no limit where there is none', () => {
    const counts = new ConnectionCounts(0, 1)
    const ip = counts.ipOf(new Socket())
    for (let i = 0; i < 3; i += 1) counts.add(ip, 'guest:ann')
    assert.deepEqual([counts.isFullIp(ip), counts.isFullUser('guest:ann')], [false, false])
    const free = new ConnectionCounts(0, 0)
    for (let i = 0; i < 3; i += 1) free.add(ip, 'user:1')
    assert.deepEqual([free.isFullIp(ip), free.isFullUser('user:1')], [false, false])
  })
})
