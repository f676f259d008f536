import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChatError } from './client.ts'
import { FakeClock } from './test/fake-clock.ts'
import { ANNA, BERT, joined, message, messages } from './test/peer.ts'
import {
  admit,
  connectionIs,
  error,
  follow,
  general,
  heard,
  history,
  liveStage,
  sent,
  stage,
} from './test/stage.ts'

describe('what a room shows', { timeout: 120_000 }, () => {
  test('[R6] a gap in the live stream is filled before what is beyond it', async (t) => {
    const { line, seen } = await liveStage(t, { head: 10 })
    line.say(message(11), message(14))
    const ask = await line.next('history')
    assert.deepEqual([ask.after, ask.limit, ask.before], [11, 200, undefined])
    line.say(message(15))
    line.say(history(ask.ref, messages(12, 14)))
    await seen.until(() => seen.entries.length === 5)
    assert.deepEqual(seen.calls, [[11], [12, 13, 14, 15]])
  })

  test('[J4] [R6] a resume that starts later is paged until the gap is closed', async (t) => {
    const { peer, line, seen, room } = await liveStage(t, { head: 10 })
    line.cut()
    const again = await peer.connection(1)
    const { ref } = await again.next('join')
    again.say(joined({ ref: ref!, head: 900, first: 401 }), ...messages(401, 900))
    const first = await again.next('history')
    assert.equal(first.after, 10)
    again.say(history(first.ref, messages(11, 210), false))
    const second = await again.next('history')
    assert.equal(second.after, 210)
    again.say(history(second.ref, messages(211, 410), false))
    await seen.until(() => seen.entries.length === 890)
    assert.deepEqual(
      seen.seqs,
      messages(11, 900).map(({ seq }) => seq),
    )
    assert.equal(room.state.head, 900)
  })

  test('[R6] [H1] what was forgotten on the server is not waited for', async (t) => {
    const { peer, line, seen, room } = await liveStage(t, { head: 10 })
    line.cut()
    const again = await peer.connection(1)
    const { ref } = await again.next('join')
    again.say(joined({ ref: ref!, head: 901, first: 900 }), ...messages(900, 901))
    const ask = await again.next('history')
    assert.equal(ask.after, 10)
    again.say(history(ask.ref, messages(898, 901)))
    await seen.until(() => seen.entries.length === 4)
    assert.deepEqual(seen.seqs, [898, 899, 900, 901])
    assert.equal(room.state.head, 901)
  })

  test('[R6] [H5] where nothing is left of what was missed, nothing is waited for, and what is new is shown at once', async (t) => {
    const set = await liveStage(t, { head: 10 })
    const { peer, line, room } = set
    line.cut()
    const again = await peer.connection(1)
    const { ref } = await again.next('join')
    again.say(joined({ ref: ref!, head: 901, first: 902 }), message(902))
    const ask = await again.next('history')
    assert.equal(ask.after, 10)
    again.say(history(ask.ref, []))
    const { seen } = set
    await seen.until(() => seen.entries.length === 1)
    again.say(message(903))
    await seen.until(() => seen.entries.length === 2)
    assert.deepEqual(seen.calls, [[902], [903]])
    assert.equal(room.state.head, 903)
    assert.deepEqual(await sent({ ...set, line: again }), [], 'it asks no more')
  })

  test('[R6] a history answer that does not help is asked for again, later', async (t) => {
    const clock = new FakeClock()
    const set = await liveStage(t, { clock })
    const { line, seen } = set
    line.say(message(2))
    const first = await line.next('history')
    line.say(history(first.ref, []), message(3))
    assert.deepEqual(await sent(set), [], 'not at once')
    clock.advance(1_000)
    const second = await line.next('history')
    line.say(error('busy', { ref: second.ref }, 300))
    await heard(set)
    clock.advance(300)
    line.say(history((await line.next('history')).ref, [message(1)]))
    await seen.until(() => seen.entries.length === 3)
  })

  test('[R6] [E6] entries that a head promised are fetched if they do not come', async (t) => {
    const clock = new FakeClock()
    const set = await liveStage(t, { clock, head: 3 })
    const { line, seen, room } = set
    line.say({ type: 'head', ...general, seq: 5 })
    assert.deepEqual(await sent(set), [], 'they may be on the way')
    assert.equal(room.state.head, 5)
    clock.advance(3_000)
    const { ref, after } = await line.next('history')
    assert.equal(after, 3)
    line.say(history(ref, messages(4, 5)))
    await seen.until(() => seen.entries.length === 2)
  })

  test('[R8] [J5] another log after a reconnect: what was shown is dropped once, whichever frame says so first', async (t) => {
    for (const order of ['joined first', 'reset first']) {
      const { peer, line, seen, room } = await liveStage(t, { head: 10 })
      line.say(message(11))
      await seen.until(() => seen.entries.length === 1)
      line.cut()
      const again = await peer.connection(1)
      const { ref } = await again.next('join')
      const reset = { type: 'reset', ...general, log: 'M' }
      const answer = joined({ ref: ref!, log: 'M', head: 2, first: 1 })
      again.say(...(order === 'joined first' ? [answer, reset] : [reset, answer]), message(1))
      again.say(message(2))
      await seen.until(() => seen.entries.length === 2)
      assert.equal(seen.resets, 1, order)
      assert.deepEqual(seen.seqs, [1, 2])
      assert.deepEqual([room.state.log, room.state.first, room.state.head], ['M', 1, 2])
      assert.deepEqual(await sent({ line: again, seen, room }), [], 'nothing more is asked for')
    }
  })

  test('[R8] [E7] a reset in the middle of a stream: it joins again, and takes nothing of the old log', async (t) => {
    const { line, seen, room } = await liveStage(t, { head: 10 })
    line.say(message(11), { type: 'reset', ...general, log: 'M' }, message(12))
    const join = await line.next('join')
    assert.deepEqual([join.since, join.log], [undefined, undefined])
    line.say(joined({ ref: join.ref!, log: 'M', head: 1, first: 1 }), message(1))
    await seen.until(() => seen.entries.length === 1 && room.state.status === 'live')
    assert.deepEqual(seen.calls, [[11], [1]])
    assert.equal(seen.resets, 1)
  })

  test('[P1] people come and go', async (t) => {
    const set = await liveStage(t)
    const { line, room, seen } = set
    line.say({ type: 'presence', ...general, join: [BERT], leave: [], count: 2 })
    await seen.until(() => room.state.count === 2)
    assert.deepEqual(room.state.members, [ANNA, BERT])
    const before = room.state
    await heard(set)
    assert.equal(room.state, before, 'a snapshot stays the same until something changes')
    line.say({ type: 'presence', ...general, join: [BERT], leave: [ANNA], count: 1 })
    await seen.until(() => room.state.count === 1)
    assert.deepEqual(room.state.members, [BERT])
  })

  test('a listener that throws keeps nothing else from going on', async (t) => {
    const thrown: unknown[] = []
    const catching = (cause: unknown) => thrown.push(cause)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', catching)
    t.after(() => {
      process.removeListener('uncaughtException', catching)
      for (const other of others) process.on('uncaughtException', other)
    })
    const { line, room } = await liveStage(t)
    room.listen({
      entries: () => {
        throw new Error('a fault on the screen')
      },
    })
    const seen = follow(room)
    line.say(message(1), { type: 'presence', ...general, join: [], leave: [], count: 9 })
    await seen.until(() => room.state.count === 9 && seen.entries.length === 1)
    assert.deepEqual(thrown.map(String), ['Error: a fault on the screen'])
  })
})

describe('what a room asks', { timeout: 120_000 }, () => {
  test('[H1] pages of history are what the server says', async (t) => {
    const { line, room } = await liveStage(t, { head: 99 })
    const page = room.history(60, 10)
    const { ref, before, limit, after } = await line.next('history')
    assert.deepEqual([before, limit, after], [60, 10, undefined])
    line.say(history(ref, messages(50, 59), false))
    assert.deepEqual(await page, { entries: messages(50, 59), done: false })
  })

  test('a page that is refused, or whose connection is lost, is refused with a code', async (t) => {
    const { line, room, peer, client } = await liveStage(t)
    const refused = room.history(60)
    line.say(error('forbidden', { ref: (await line.next('history')).ref }))
    await assert.rejects(refused, (cause) => cause instanceof ChatError && cause.code === 'forbidden')
    const busy = room.history(60)
    const { ref } = await line.next('history')
    line.say({ type: 'error', code: 'busy', message: '', room: 'general', ref: ref!, retryMs: 700 })
    await assert.rejects(busy, { code: 'busy', retryMs: 700 })
    const lost = room.history(60)
    await line.next('history')
    line.cut()
    await assert.rejects(lost, { name: 'ChatError', code: 'busy' })
    await assert.rejects(room.history(60), { code: 'busy' })
    await admit(await peer.connection(1), 0)
    await connectionIs(client, 'live')
  })

  test('[J8] a room that is refused says why, fails its sends, and is asked for again after a reconnect', async (t) => {
    const { peer, client } = await stage(t)
    const room = client.room('secret')
    const seen = follow(room)
    room.send('x', { id: 'x' })
    client.start()
    const line = await peer.connection(0)
    const join = await line.next('join')
    line.say({ ...error('no_such_room', { ref: join.ref }), room: 'secret' })
    await seen.until(() => room.state.status === 'refused')
    assert.equal(room.state.code, 'no_such_room')
    assert.deepEqual(seen.refused, ['x:no_such_room'])
    assert.equal(room.send('y').code, 'no_such_room')
    line.cut()
    const again = await peer.connection(1)
    again.say(joined({ ref: (await again.next('join')).ref!, room: 'secret' }))
    await seen.until(() => room.state.status === 'live')
    assert.equal('code' in room.state, false)
  })

  test('a join that is busy is tried again', async (t) => {
    const { peer, client } = await stage(t)
    const room = client.room('general')
    const seen = follow(room)
    client.start()
    const line = await peer.connection(0)
    const first = await line.next('join')
    line.say(error('busy', { ref: first.ref }, 5))
    const second = await line.next('join')
    line.say(joined({ ref: first.ref! }), joined({ ref: second.ref!, head: 2, first: 3 }))
    await seen.until(() => room.state.status === 'live')
    assert.equal(room.state.head, 2, 'the answer to the first is late')
  })

  test('[J7] a room that is left tells nothing more; asked for again it is a new one', async (t) => {
    const { line, room, seen, client } = await liveStage(t)
    room.leave()
    assert.equal(room.state.status, 'left')
    assert.equal(room.send('x').state, 'failed')
    await line.next('leave')
    const next = client.room('general')
    assert.notEqual(next, room)
    const nextSeen = follow(next)
    const { ref } = await line.next('join')
    line.say(message(1), { type: 'left', ...general }, joined({ ref: ref!, head: 7, first: 7 }), message(7))
    await nextSeen.until(() => nextSeen.entries.length === 1)
    assert.deepEqual(nextSeen.seqs, [7])
    assert.deepEqual(seen.entries, [])
  })
})
