import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChatClient } from './client.ts'
import { FakeClock } from './test/fake-clock.ts'
import { ANNA, Balancer, BERT, joined, message, messages, Peer } from './test/peer.ts'
import { admit, connectionIs, follow, liveStage, smallRandom, stage } from './test/stage.ts'

describe('a client', { timeout: 120_000 }, () => {
  test('[C1] [R4] goes where the balancer says, joins its rooms and shows what is streamed', async (t) => {
    const { peer, client } = await stage(t)
    const room = client.room('general')
    const seen = follow(room)
    client.start()
    client.start()
    const line = await peer.connection(0)
    assert.equal(line.url, '/ws?username=anna')
    const join = await line.next('join')
    assert.deepEqual(join, { type: 'join', ref: join.ref, room: 'general' })
    line.say(joined({ ref: join.ref!, head: 12, first: 11 }), ...messages(11, 12))
    await seen.until(() => seen.entries.length === 2)
    line.say(message(13))
    await seen.until(() => seen.entries.length === 3)
    assert.deepEqual(seen.calls, [[11, 12], [13]])
    assert.partialDeepStrictEqual(client.connection, {
      status: 'live',
      url: peer.url,
      server: 's1',
      user: ANNA,
    })
    assert.deepEqual(room.state, {
      status: 'live',
      log: 'L',
      head: 13,
      first: 11,
      view: { visibility: 'public' },
      members: [ANNA],
      count: 1,
    })
    assert.equal(client.room('general'), room)
    assert.equal(peer.connections.length, 1)
  })

  test('[F1] delivers a thousand entries of one frame in one call', async (t) => {
    const { line, seen } = await liveStage(t)
    line.say(...messages(1, 1_000))
    await seen.until(() => seen.entries.length === 1_000)
    assert.equal(seen.calls.length, 1)
  })

  test('[F8] skips what it does not know, and goes on', async (t) => {
    const { line, seen } = await liveStage(t)
    line.say({ type: 'tomorrow', room: 'general' }, message(1))
    line.socket.send('not JSON at all\n{"type":7}')
    line.socket.send(Buffer.from([1, 2, 3]))
    line.say({ type: 'error', code: 'tomorrow', message: '' }, message(2))
    await seen.until(() => seen.entries.length === 2)
  })

  test('[C1] with a token, asks for it at each connection, and comes by subprotocol', async (t) => {
    let asked = 0
    const token = () => {
      asked += 1
      return asked === 2 ? Promise.reject(new Error('the balancer is down')) : Promise.resolve(`jwt${asked}`)
    }
    const { peer, client } = await stage(t, { identity: { token } })
    client.start()
    const line = await peer.connection(0)
    assert.equal(line.protocols, 'chat.v1, bearer.jwt1')
    assert.equal(line.url, '/ws')
    await connectionIs(client, 'live')
    line.cut()
    assert.equal((await peer.connection(1)).protocols, 'chat.v1, bearer.jwt3')
  })

  test('[R4] [R9] [R13] resumes after a cut with since, and sends again under the same ids, in order', async (t) => {
    const { peer, client, room, seen, line } = await liveStage(t, { head: 5 })
    line.say(message(6))
    const ids = ['one', 'two', 'three'].map((text) => room.send(text).id)
    for (const id of ids) assert.equal((await line.next('send')).id, id)
    line.say({ type: 'ack', room: 'general', id: ids[0], seq: 7, ts: 7 })
    await seen.until(() => seen.acks.length === 1)
    line.cut()
    await connectionIs(client, 'waiting')
    assert.equal(room.state.status, 'recovering')
    room.send('four', { id: 'meanwhile' })
    const again = await peer.connection(1)
    const join = await again.next('join')
    assert.deepEqual([join.since, join.log], [6, 'L'])
    // Older than what it has, what is new, and one twice.
    const own = message(7, { id: ids[0]!, user: ANNA })
    again.say(joined({ ref: join.ref!, head: 8, first: 7 }), message(6), own, own, message(8))
    assert.partialDeepStrictEqual(await again.next('send'), { id: ids[1], text: 'two' })
    assert.partialDeepStrictEqual(await again.next('send'), { id: ids[2], text: 'three', after: ids[1] })
    assert.partialDeepStrictEqual(await again.next('send'), { id: 'meanwhile', after: ids[2] })
    await seen.until(() => seen.entries.length === 3)
    assert.deepEqual(seen.seqs, [6, 7, 8])
    assert.deepEqual(seen.statuses, ['joining', 'live', 'recovering', 'live'])
    assert.deepEqual(seen.acks, [`${ids[0]}@7`])
  })

  test('[R1] takes an alternative while the balancer is down', async (t) => {
    const { peer, balancer, client } = await stage(t)
    const other = await Peer.open()
    t.after(() => other.close())
    peer.welcome = { alternatives: [other.url] }
    client.start()
    const line = await peer.connection(0)
    await connectionIs(client, 'live')
    await balancer.close()
    line.cut()
    await other.connection(0)
    await connectionIs(client, 'live')
    assert.equal(client.connection.status === 'live' && client.connection.url, other.url)
  })

  test('[R1] asks the next balancer when one is down', async (t) => {
    const gone = await Balancer.open('')
    const goneBase = gone.base
    await gone.close()
    const { peer, balancer } = await stage(t)
    const client = new ChatClient({
      loadbalancers: [goneBase, balancer.base],
      identity: { username: 'bert' },
      random: smallRandom(),
    })
    t.after(() => client.close())
    client.start()
    assert.equal((await peer.connection(0)).url, '/ws?username=bert')
  })

  test('[R2] waits as long as a balancer without servers says; retry skips that', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    balancer.answer = { status: 503, headers: { 'retry-after': '7' }, body: { code: 'no_server' } }
    client.start()
    await connectionIs(client, 'waiting')
    assert.equal(client.connection.status === 'waiting' && Math.round(client.connection.delayMs), 7_000)
    balancer.choose(peer.url)
    client.retryNow()
    await connectionIs(client, 'live')
  })

  test('[R18] in line for a place it says where, shows the same ticket each time, and is in when its turn has come', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    const inLine = (place: unknown) => ({
      status: 503,
      headers: { 'retry-after': '2' },
      body: { code: 'no_server', place },
    })
    balancer.answer = inLine(12)
    client.start()
    const answered = async (times: number) => {
      while (balancer.asked < times || client.connection.status !== 'waiting') {
        await new Promise<void>((resolve) => {
          const stop = client.subscribe(() => {
            stop()
            resolve()
          })
        })
      }
    }
    await answered(1)
    const placeOf = ({ connection }: ChatClient) => ('place' in connection ? connection.place : undefined)
    assert.equal(placeOf(client), 12)
    balancer.answer = inLine(3)
    client.retryNow()
    assert.equal(placeOf(client), 12, 'while it asks, it is still there')
    await answered(2)
    assert.equal(placeOf(client), 3)
    for (const [n, nonsense] of ['3', 0, -1, 1.5, null].entries()) {
      balancer.answer = inLine(nonsense)
      client.retryNow()
      await answered(3 + n)
      assert.equal(placeOf(client), undefined, String(nonsense))
    }
    balancer.choose(peer.url)
    client.retryNow()
    await connectionIs(client, 'live')
    const [first, ...later] = balancer.paths
    assert.equal(first, '/get')
    assert.equal(new Set(later).size, 1)
    assert.match(later[0] ?? '', /^\/get\?ticket=[\w-]{8,64}$/)
  })

  test('[R2] waits longer and longer; only 30 s of stable connection start the count anew', async (t) => {
    const clock = new FakeClock()
    const { peer, client } = await stage(t, { clock, random: () => 0.9999 })
    peer.welcome = { heartbeatMs: 60_000 } // silence is not the matter here
    const delays: number[] = []
    client.start()
    for (let n = 0; n < 4; n++) {
      const line = await peer.connection(n)
      await connectionIs(client, 'live')
      if (n === 3) clock.advance(30_000)
      line.cut()
      await connectionIs(client, 'waiting')
      delays.push(client.connection.status === 'waiting' ? Math.round(client.connection.delayMs) : 0)
      client.retryNow()
    }
    assert.deepEqual(delays, [500, 1_000, 2_000, 500])
  })

  test('[C6] gives up a server that does not greet within 5 s', async (t) => {
    const clock = new FakeClock()
    const { peer, client } = await stage(t, { clock })
    peer.welcome = undefined
    client.start()
    const line = await peer.connection(0)
    clock.advance(4_999)
    assert.equal(client.connection.status, 'opening')
    clock.advance(1)
    assert.equal(client.connection.status, 'waiting')
    await line.closed()
  })

  test('[R3] [L4] pings a silent line, and leaves it when there is no answer', async (t) => {
    const clock = new FakeClock()
    const { client, line, room } = await liveStage(t, { clock })
    clock.advance(12_500)
    await line.next('ping')
    assert.equal(client.connection.status, 'live')
    clock.advance(12_500)
    assert.notEqual(client.connection.status, 'live')
    assert.equal(room.state.status, 'recovering')
  })

  test('[L1] stays away after a code that says so', async (t) => {
    const { client, line } = await liveStage(t)
    line.socket.close(4403)
    await connectionIs(client, 'closed')
    assert.deepEqual(client.connection, { status: 'closed', code: 4403 })
  })

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

  test('forgets every timer when it is closed, at whatever moment', async (t) => {
    for (const moment of [
      'new',
      'locating',
      'opening',
      'live',
      'sending',
      'held',
      'waiting',
      'moving',
    ] as const) {
      const clock = new FakeClock()
      const { peer, client } = await stage(t, { clock })
      const room = client.room('general')
      const seen = follow(room)
      if (moment === 'opening') peer.welcome = undefined
      if (moment !== 'new') client.start()
      if (moment !== 'new' && moment !== 'locating') {
        const line = await peer.connection(0)
        if (moment !== 'opening') {
          await admit(line, 3)
          await seen.until(() => room.state.status === 'live')
          line.say(message(6), { type: 'head', room: 'general', seq: 9 }) // a gap is being asked for
          await line.next('history')
          if (moment === 'sending' || moment === 'held') {
            room.send('x')
            const { id, ref } = await line.next('send')
            if (moment === 'held') {
              line.say({
                type: 'error',
                code: 'busy',
                message: '',
                room: 'general',
                id,
                ref,
                retryMs: 50_000,
              })
              line.say({ type: 'typing', room: 'general', user: BERT })
              await seen.until(() => seen.typing.length > 0)
              assert.ok(clock.pending.includes(50_000))
            }
          }
          if (moment === 'moving') {
            line.say(
              { type: 'move', inMs: 90_000, reason: '' },
              { type: 'typing', room: 'general', user: BERT },
            )
            await seen.until(() => seen.typing.length > 0)
          }
          if (moment === 'waiting') {
            line.cut()
            await connectionIs(client, 'waiting')
          }
        }
      }
      if (moment !== 'new') assert.ok(clock.pending.length > 0, moment)
      client.close()
      assert.deepEqual(clock.pending, [], moment)
      assert.deepEqual(client.connection, { status: 'closed', code: 1000 })
    }
  })

  test('[C8] [R16] one that is put off comes again to that server at its slot, and resumes there', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    const room = client.room('general')
    const seen = follow(room)
    peer.welcome = undefined
    peer.onConnection = ({ socket }) => {
      socket.send(JSON.stringify({ type: 'error', code: 'busy', message: '', retryMs: 4_000 }))
      socket.close(1013)
    }
    client.start()
    await connectionIs(client, 'waiting')
    await (await peer.connection(0)).closed()
    assert.deepEqual(clock.pending.length, 1)
    assert.partialDeepStrictEqual(client.connection, { status: 'waiting', attempt: 0 })
    const asked = balancer.asked
    peer.welcome = {}
    peer.onConnection = () => undefined
    clock.advance(3_999)
    assert.equal(peer.connections.length, 1, 'not before its slot')
    clock.advance(51)
    await admit(await peer.connection(1), 0)
    await seen.until(() => room.state.status === 'live')
    assert.equal(balancer.asked, asked, 'the slot was dealt there, nowhere else')
  })

  test('a subscriber is told of each change, and a snapshot stays the same until then', async (t) => {
    const { client, line } = await liveStage(t)
    const before = client.connection
    const statuses: string[] = []
    const stop = client.subscribe(() => statuses.push(client.connection.status))
    line.say({ type: 'pong' }, message(1))
    line.cut()
    await connectionIs(client, 'waiting')
    await connectionIs(client, 'live')
    stop()
    assert.deepEqual(statuses, ['waiting', 'locating', 'opening', 'live'])
    assert.notEqual(client.connection, before)
    assert.equal(client.connection, client.connection)
  })
})
