import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { A, B, machine } from './test/hand-fed.ts'
import { welcome } from './test/peer.ts'

describe('a move', () => {
  const moving = () => machine().live(A, [B]).feed({ type: 'moved', line: 1, inMs: 4_000 })

  test('[R15] opens a second line within the time, and leaves the first once all rooms are joined', () => {
    const it = moving()
    assert.equal(it.timer('move'), 2_000)
    it.feed({ type: 'due', timer: 'move' })
    assert.deepEqual(it.did1('locate'), { do: 'locate', line: 2 })
    it.feed({ type: 'located', line: 2, url: B, alternatives: [] })
    assert.deepEqual(it.did1('open'), { do: 'open', line: 2, url: B })
    it.feed({ type: 'welcomed', line: 2, welcome: welcome({ server: 's2' }) })
    assert.deepEqual(it.did1('join'), { do: 'join', line: 2 })
    assert.equal(it.shown.status === 'live' && it.shown.url, A, 'the first one still stands')
    assert.equal(it.did1('drop'), undefined)
    it.feed({ type: 'settled', line: 2 })
    assert.equal(it.shown.status === 'live' && it.shown.server, 's2')
    assert.deepEqual(it.did1('drop'), { do: 'drop', line: 1 })
    assert.equal(it.m.failures, 0)
  })

  test('[R15] does not go to the server that is leaving', () => {
    const it = moving().feed({ type: 'due', timer: 'move' })
    it.feed({ type: 'located', line: 2, url: A, alternatives: [A, B] })
    assert.deepEqual(it.did1('open'), { do: 'open', line: 2, url: B })
    const alone = moving().feed({ type: 'due', timer: 'move' })
    alone.feed({ type: 'located', line: 2, url: A, alternatives: [] })
    assert.equal(alone.did1('open'), undefined)
    assert.ok(alone.timer('move')! > 0, 'it asks again')
  })

  test('[R15] a second line that fails is tried again, while the first one stands', () => {
    const it = moving().feed(
      { type: 'due', timer: 'move' },
      { type: 'located', line: 2, url: B, alternatives: [] },
    )
    it.feed({ type: 'lost', line: 2, code: 4403 })
    assert.equal(it.shown.status, 'live')
    assert.ok(it.timer('move')! <= 1_000)
    it.feed({ type: 'due', timer: 'move' })
    assert.deepEqual(it.did1('locate'), { do: 'locate', line: 3 })
  })

  test('[R15] [R16] a second line that is put off goes there again at its slot, while the first one stands', () => {
    const it = moving().feed(
      { type: 'due', timer: 'move' },
      { type: 'located', line: 2, url: B, alternatives: [] },
    )
    it.feed({ type: 'put-off', line: 2, retryMs: 700 })
    assert.deepEqual(it.did1('drop'), { do: 'drop', line: 2 })
    assert.equal(it.timer('move'), 725)
    assert.equal(it.shown.status, 'live')
    it.feed({ type: 'due', timer: 'move' })
    assert.deepEqual(it.did1('open'), { do: 'open', line: 3, url: B })
    assert.equal(it.did1('locate'), undefined)
  })

  test('[R15] when the first line breaks, the second one takes over where it stands', () => {
    const at = {
      waiting: moving(),
      locating: moving().feed({ type: 'due', timer: 'move' }),
      opening: moving().feed(
        { type: 'due', timer: 'move' },
        { type: 'located', line: 2, url: B, alternatives: [] },
      ),
      live: moving().feed(
        { type: 'due', timer: 'move' },
        { type: 'located', line: 2, url: B, alternatives: [] },
        { type: 'welcomed', line: 2, welcome: welcome() },
      ),
    }
    for (const [status, it] of Object.entries(at)) {
      it.lose(1012)
      assert.equal(it.shown.status, status)
      assert.deepEqual(it.did1('drop'), { do: 'drop', line: 1 })
      assert.equal(it.m.next, undefined)
    }
  })

  test('[R15] is not begun twice', () => {
    const it = moving().feed({ type: 'moved', line: 1, inMs: 0 })
    assert.deepEqual(it.did, [])
  })

  test('[R15] a room that never answers does not hold it up for ever', () => {
    const it = moving().feed(
      { type: 'due', timer: 'move' },
      { type: 'located', line: 2, url: B, alternatives: [] },
    )
    it.feed({ type: 'welcomed', line: 2, welcome: welcome() })
    assert.equal(it.timer('move'), 10_000)
    it.feed({ type: 'due', timer: 'move' })
    assert.deepEqual(it.did1('drop'), { do: 'drop', line: 1 })
  })
})
