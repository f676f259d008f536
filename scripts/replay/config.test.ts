import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readReplayConfig } from './config.ts'

const read = (...argv: string[]) => readReplayConfig(argv, {})

describe('the flags of a replay', () => {
  test('the file stands first or last', () => {
    assert.equal(read('a.log', '--servers', '2').file, 'a.log')
    assert.equal(read('--kill', 'a.log').file, 'a.log')
    assert.throws(() => read('--kill'), /no FILE/)
    assert.throws(() => read(), /no FILE/)
  })

  test('what cannot go together is refused', () => {
    assert.throws(() => read('a', '--speed', '0'), /--speed/)
    assert.throws(() => read('a', '--speed', 'fast'), /--speed/)
    assert.throws(() => read('a', '--speed', '10', '--unordered'), /exclude/)
    assert.throws(() => read('a', '--loadbalancer', 'http://127.0.0.1:9000', '--kill'), /own fleet/)
  })

  test('a room made for a file has a name that is allowed', () => {
    const { roomName } = read(`${'x'.repeat(100)}.log`)
    assert.ok(roomName.length <= 64 && roomName.startsWith('xxx'))
  })
})
