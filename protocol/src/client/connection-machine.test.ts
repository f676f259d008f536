import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLOSE_CODES } from '../close-codes.ts'
import { LIMITS } from '../limits.ts'
import { STABLE_MS } from './connection-machine.ts'
import { A, B, C, machine } from './test/hand-fed.ts'
import { welcome } from './test/peer.ts'

describe('the connection', () => {
  test('[R1] is located, opened and greeted, then joins the rooms', () => {
    const it = machine()
    assert.deepEqual(it.shown, { status: 'waiting', attempt: 0, delayMs: 0 })
    it.feed({ type: 'start' })
    assert.deepEqual(it.shown, { status: 'locating', attempt: 0 })
    assert.deepEqual(it.did, [{ do: 'locate', line: 1 }])
    it.feed({ type: 'start' })
    assert.deepEqual(it.did, [], 'start is idempotent')
    it.feed({ type: 'located', line: 1, url: A, alternatives: [B] })
    assert.deepEqual(it.shown, { status: 'opening', attempt: 0, url: A })
    assert.deepEqual(it.did1('open'), { do: 'open', line: 1, url: A })
    it.feed({ type: 'welcomed', line: 1, welcome: welcome({ alternatives: [B] }) })
    assert.equal(it.shown.status, 'live')
    assert.deepEqual(it.did1('join'), { do: 'join', line: 1 })
  })

  test('[R2] waits longer after each failure, and starts anew only after 30 s of stable connection', () => {
    const it = machine(() => 1 - Number.EPSILON).live()
    const delays: number[] = []
    for (let i = 0; i < 4; i++) {
      it.lose()
      assert.equal(it.shown.status, 'waiting')
      delays.push(Math.round(it.timer('retry')!))
      it.live() // greeted, but not for long
      assert.equal(it.timer('stable'), STABLE_MS)
    }
    assert.deepEqual(delays, [500, 1_000, 2_000, 4_000])
    it.feed({ type: 'due', timer: 'stable' })
    it.lose()
    assert.equal(Math.round(it.timer('retry')!), 500)
  })

  test('[R2] a handshake that takes longer than 5 s is given up', () => {
    const it = machine().feed({ type: 'start' }, { type: 'located', line: 1, url: A, alternatives: [] })
    assert.equal(it.timer('handshake'), LIMITS.handshakeMs)
    it.feed({ type: 'due', timer: 'handshake' })
    assert.equal(it.shown.status, 'waiting')
    assert.deepEqual(it.did1('drop'), { do: 'drop', line: 1 })
  })

  test('[R1] takes the servers it knows, one after the other, when no balancer answers', () => {
    const it = machine().live(A, [B, C]).lose()
    const tried: string[] = []
    for (let i = 0; i < 4; i++) {
      it.feed({ type: 'due', timer: 'retry' })
      it.feed({ type: 'unlocated', line: it.m.line })
      assert.equal(it.shown.status, 'opening')
      if (it.shown.status === 'opening') tried.push(it.shown.url)
      it.lose()
    }
    assert.deepEqual(new Set(tried.slice(0, 2)), new Set([B, C]), 'not first where it was just lost')
    assert.ok(tried.includes(A), 'that one, too, in its turn')
  })

  test('[R1] what the balancer named is not forgotten for a server that knows of no other yet', () => {
    const it = machine().feed(
      { type: 'start' },
      { type: 'located', line: 1, url: A, alternatives: [B] },
      { type: 'welcomed', line: 1, welcome: welcome({ alternatives: [] }) },
    )
    it.lose().feed({ type: 'due', timer: 'retry' })
    it.feed({ type: 'unlocated', line: it.m.line })
    assert.deepEqual(it.shown, { status: 'opening', attempt: 1, url: B })
  })

  test('[R1] clients that lose the same server do not all take the same alternative', () => {
    const counts = new Map<string, number>()
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    for (let i = 0; i < 300; i++) {
      const it = machine(random).live(A, [B, C, 'ws://d/ws']).lose()
      it.feed({ type: 'due', timer: 'retry' })
      it.feed({ type: 'unlocated', line: it.m.line })
      if (it.shown.status === 'opening') counts.set(it.shown.url, (counts.get(it.shown.url) ?? 0) + 1)
    }
    for (const url of [B, C, 'ws://d/ws']) assert.ok((counts.get(url) ?? 0) > 50, `${url} ${counts.get(url)}`)
  })

  test('[R1] a balancer that still names the server that was just lost is not followed, if there is another', () => {
    const it = machine().live(A, [B]).lose()
    it.feed({ type: 'due', timer: 'retry' })
    it.feed({ type: 'located', line: it.m.line, url: A, alternatives: [B] })
    assert.deepEqual(it.shown, { status: 'opening', attempt: 1, url: B })
    const alone = machine().live(A).lose()
    alone.feed({ type: 'due', timer: 'retry' })
    alone.feed({ type: 'located', line: alone.m.line, url: A, alternatives: [] })
    assert.deepEqual(alone.shown, { status: 'opening', attempt: 1, url: A })
  })

  test('[R2] a balancer that has no server is waited for, as long as it says', () => {
    const it = machine(() => 0)
      .live(A, [B])
      .lose()
    it.feed({ type: 'due', timer: 'retry' })
    it.feed({ type: 'unlocated', line: it.m.line, retryAfterMs: 7_000 })
    assert.equal(it.shown.status, 'waiting')
    assert.equal(it.timer('retry'), 7_000)
  })

  test('[R2] [L1] every close code is followed as the table says', () => {
    for (const [code, { back }] of Object.entries(CLOSE_CODES)) {
      const it = machine(() => 1)
        .live()
        .lose(Number(code))
      if (back === 'never') {
        assert.deepEqual(it.shown, { status: 'closed', code: Number(code) })
        assert.equal(it.did1('drop')?.do, 'drop')
        it.feed({ type: 'retry' }, { type: 'start' })
        assert.equal(it.shown.status, 'closed')
      } else {
        assert.equal(it.timer('retry'), back === 'soon' ? 500 : 8_000, code)
      }
    }
  })

  test('[R16] one that is put off waits for its slot, and goes to that server again without asking anybody', () => {
    const it = machine(() => 0.5)
      .live(B, [A])
      .lose()
      .feed({ type: 'due', timer: 'retry' })
    it.feed({ type: 'located', line: it.m.line, url: A, alternatives: [] })
    const { line } = it.m
    it.feed({ type: 'put-off', line, retryMs: 4_000 })
    assert.deepEqual(it.shown, { status: 'waiting', attempt: 1, delayMs: 4_025 })
    assert.deepEqual(it.did1('drop'), { do: 'drop', line })
    assert.equal(it.timer('retry'), 4_025)
    const waiting = it.m
    it.feed({ type: 'lost', line, code: 1013 }, { type: 'put-off', line, retryMs: 1 })
    assert.equal(it.m, waiting, 'the close that follows says nothing new')
    it.feed({ type: 'due', timer: 'retry' })
    assert.deepEqual(it.shown, { status: 'opening', attempt: 1, url: A })
    assert.deepEqual(it.did1('open'), { do: 'open', line: line + 1, url: A })
    assert.equal(it.did1('locate'), undefined)
    it.feed({ type: 'welcomed', line: it.m.line, welcome: welcome() })
    assert.equal(it.shown.status, 'live')
  })

  test('[R16] being put off is no failure: however often, the next real one waits no longer for it', () => {
    const it = machine(() => 1 - Number.EPSILON).feed({ type: 'start' })
    it.feed({ type: 'located', line: 1, url: A, alternatives: [] })
    for (let i = 0; i < 5; i++) {
      it.feed({ type: 'put-off', line: it.m.line, retryMs: 100 }, { type: 'due', timer: 'retry' })
    }
    it.lose()
    assert.equal(Math.round(it.timer('retry')!), 500)
  })

  test('[R16] a server that is gone when the slot comes is a failure like any other, and another one is asked for', () => {
    const it = machine().feed({ type: 'start' }, { type: 'located', line: 1, url: A, alternatives: [B] })
    it.feed({ type: 'put-off', line: 1, retryMs: 100 }, { type: 'due', timer: 'retry' }).lose()
    it.feed({ type: 'due', timer: 'retry' })
    assert.equal(it.shown.status, 'locating')
    it.feed({ type: 'located', line: it.m.line, url: A, alternatives: [B] })
    assert.deepEqual(it.shown, { status: 'opening', attempt: 1, url: B })
  })

  test('[R16] who does not want to wait for the slot asks anew', () => {
    const it = machine().feed({ type: 'start' }, { type: 'located', line: 1, url: A, alternatives: [] })
    it.feed({ type: 'put-off', line: 1, retryMs: 9_000 }, { type: 'retry' })
    assert.equal(it.shown.status, 'locating')
  })

  test('what a replaced line reports late changes nothing', () => {
    const it = machine().live(A)
    const old = it.m.line
    it.lose().live(B)
    const before = it.m
    it.feed(
      { type: 'lost', line: old, code: 4403 },
      { type: 'welcomed', line: old, welcome: welcome() },
      { type: 'located', line: old, url: C, alternatives: [] },
      { type: 'unlocated', line: old },
      { type: 'silent', line: old, silentMs: 1e9 },
      { type: 'moved', line: old, inMs: 0 },
    )
    assert.equal(it.m.shown, before.shown)
    assert.equal(it.m.line, before.line)
  })

  test('[R3] pings after 1.25 heartbeats of silence, and gives the line up after 2.5', () => {
    const it = machine().feed({ type: 'start' }, { type: 'located', line: 1, url: A, alternatives: [] })
    it.feed({ type: 'welcomed', line: 1, welcome: welcome({ heartbeatMs: 1_000 }) })
    assert.equal(it.timer('watch'), 1_250)
    it.feed({ type: 'silent', line: 1, silentMs: 400 })
    assert.deepEqual(it.did, [{ do: 'set', timer: 'watch', ms: 850 }])
    it.feed({ type: 'silent', line: 1, silentMs: 1_250 })
    assert.deepEqual(it.did, [
      { do: 'ping', line: 1 },
      { do: 'set', timer: 'watch', ms: 1_250 },
    ])
    it.feed({ type: 'silent', line: 1, silentMs: 2_500 })
    assert.equal(it.shown.status, 'waiting')
  })

  test('[R3] asks after 1.5 s when nothing at all follows a send, and gives the line up after 4 s', () => {
    const it = machine().feed({ type: 'start' }, { type: 'located', line: 1, url: A, alternatives: [] })
    it.feed({ type: 'welcomed', line: 1, welcome: welcome({ heartbeatMs: 10_000 }) })
    it.feed({ type: 'asked', line: 1 })
    assert.deepEqual(it.did, [{ do: 'set', timer: 'watch', ms: 1_500 }])
    // The line was silent for long before the send: that counts for nothing.
    it.feed({ type: 'silent', line: 1, silentMs: 11_000, askedMs: 1_500 })
    assert.deepEqual(it.did, [
      { do: 'ping', line: 1 },
      { do: 'set', timer: 'watch', ms: 2_500 },
    ])
    it.feed({ type: 'silent', line: 1, silentMs: 13_500, askedMs: 4_000 })
    assert.equal(it.shown.status, 'waiting')
  })

  test('retry skips the wait, and nothing else', () => {
    const it = machine().feed({ type: 'retry' })
    assert.equal(it.m.lines, 0, 'not before start')
    it.live().feed({ type: 'retry' })
    assert.equal(it.shown.status, 'live')
    it.lose().feed({ type: 'retry' })
    assert.equal(it.shown.status, 'locating')
    assert.deepEqual(it.did1('clear'), { do: 'clear', timer: 'retry' })
  })
})
