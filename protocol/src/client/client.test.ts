import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock } from './test/fake-clock.ts'
import { ANNA, BERT, joined, message, messages } from './test/peer.ts'
import { admit, connectionIs, follow, liveStage, stage } from './test/stage.ts'

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
