import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { A, B, machine } from './test/hand-fed.ts'
import { joined, message, Peer, welcome } from './test/peer.ts'
import { follow, liveStage } from './test/stage.ts'

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

describe('a client that is asked to move', { timeout: 120_000 }, () => {
  test('[R15] moves by making before breaking: all is shown once, and no screen notices', async (t) => {
    const { balancer, client, room, seen, line } = await liveStage(t, { head: 5 })
    const other = await Peer.open()
    t.after(() => other.close())
    other.welcome = { server: 's2' }
    balancer.choose(other.url)
    room.send('on the way', { id: 'w' })
    await line.next('send')
    line.say(message(6), { type: 'move', inMs: 20, reason: 'drain' })
    const next = await other.connection(0)
    const join = await next.next('join')
    assert.deepEqual([join.since, join.log], [6, 'L'])
    assert.equal(line.isClosed, false, 'the old line stands')
    line.say(message(7))
    await seen.until(() => seen.entries.length === 2)
    next.say(joined({ ref: join.ref!, head: 7, first: 7 }), message(7), message(8))
    line.say(message(8), message(9))
    assert.equal((await next.next('send')).id, 'w')
    next.say(message(9), message(10))
    await line.closed()
    await seen.until(() => seen.entries.length === 5)
    assert.deepEqual(seen.seqs, [6, 7, 8, 9, 10])
    assert.deepEqual(seen.statuses, ['joining', 'live'])
    assert.equal(client.connection.status === 'live' && client.connection.server, 's2')
  })

  test('[R8] [R15] when the log of the new line is another, nothing of the old line is shown any more', async (t) => {
    const { balancer, client, seen, line } = await liveStage(t, { head: 2 })
    const slow = client.room('slow')
    const slowSeen = follow(slow)
    line.say(joined({ ref: (await line.next('join')).ref!, room: 'slow' }))
    await slowSeen.until(() => slow.state.status === 'live')
    const other = await Peer.open()
    t.after(() => other.close())
    balancer.choose(other.url)
    line.say(message(3), { type: 'move', inMs: 0, reason: 'drain' })
    const next = await other.connection(0)
    const { ref } = await next.next('join')
    next.say(joined({ ref: ref!, log: 'M', head: 0, first: 1 }))
    await seen.until(() => seen.resets === 1)
    // The old line stands until the other room has its answer on the new one, too.
    line.say(message(1), { type: 'presence', room: 'slow', join: [], leave: [], count: 9 })
    await slowSeen.until(() => slow.state.count === 9)
    next.say(message(1), message(2))
    await seen.until(() => seen.entries.length === 2)
    assert.deepEqual(seen.calls, [[3], [1, 2]])
  })

  test('[R15] an old line that breaks during a move leaves the new one in charge', async (t) => {
    const { balancer, client, room, seen, line } = await liveStage(t)
    const other = await Peer.open()
    t.after(() => other.close())
    balancer.choose(other.url)
    line.say({ type: 'move', inMs: 0, reason: 'drain' })
    const next = await other.connection(0)
    const join = await next.next('join')
    line.cut()
    await seen.until(() => room.state.status === 'recovering')
    assert.equal(client.connection.status, 'live')
    next.say(joined({ ref: join.ref! }), message(1))
    await seen.until(() => seen.entries.length === 1)
    assert.equal(other.connections.length, 1)
  })

  test('[R11] [R15] a room that the new server is busy for is asked for again there, also if the old one answers meanwhile', async (t) => {
    const { balancer, room, seen, line } = await liveStage(t)
    const other = await Peer.open()
    t.after(() => other.close())
    balancer.choose(other.url)
    line.say({ type: 'move', inMs: 0, reason: 'drain' })
    const next = await other.connection(0)
    const { ref } = await next.next('join')
    next.say({ type: 'error', code: 'busy', message: '', room: 'general', ref: ref!, retryMs: 300 })
    // The old server has forgotten the room, and is joined anew: it leads again for a moment, and then is gone.
    room.send('x')
    const send = await line.next('send')
    const forgotten = { type: 'error', code: 'not_joined', message: '', room: 'general' } as const
    line.say({ ...forgotten, id: send.id, ref: send.ref! })
    line.say(joined({ ref: (await line.next('join')).ref! }))
    await line.next('send')
    line.cut()
    next.say(joined({ ref: (await next.next('join')).ref! }), message(1))
    await seen.until(() => seen.entries.length === 1)
    assert.equal(room.state.status, 'live')
  })

  test('[R15] a room that the new server refuses is refused', async (t) => {
    const { balancer, room, seen, line } = await liveStage(t)
    const other = await Peer.open()
    t.after(() => other.close())
    balancer.choose(other.url)
    line.say({ type: 'move', inMs: 0, reason: 'drain' })
    const next = await other.connection(0)
    const { ref } = await next.next('join')
    next.say({ type: 'error', code: 'no_such_room', message: '', room: 'general', ref })
    await line.closed()
    await seen.until(() => room.state.status === 'refused')
    assert.equal(room.state.code, 'no_such_room')
  })
})
