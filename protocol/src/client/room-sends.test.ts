import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock } from './test/fake-clock.ts'
import { joined, LIMITS_SAID, message } from './test/peer.ts'
import { ack, error, heard, liveStage, own, sent, stage } from './test/stage.ts'

/** When the line is asked after a send [R3]; not what these tests look at. */
const ASKED_PING_MS = 1_500

describe('what a room sends', { timeout: 120_000 }, () => {
  test('[R14] ack and entry settle a send in any order, once, and it is shown at every moment', async (t) => {
    const { line, room, seen } = await liveStage(t)
    const visible = () => new Set([...room.pending.map(({ id }) => id), ...seen.entries.map(({ id }) => id)])
    room.listen({ ack: () => assert.deepEqual(visible(), new Set(['x', 'y'])) })
    room.send('1', { id: 'x' })
    room.send('2', { id: 'y', replyTo: 1 })
    assert.partialDeepStrictEqual(await line.next('send'), { id: 'x', text: '1' })
    assert.partialDeepStrictEqual(await line.next('send'), { id: 'y', text: '2', replyTo: 1, after: 'x' })
    line.say(ack('x', 1))
    await seen.until(() => seen.acks.length === 1)
    assert.deepEqual(
      room.pending.map(({ id }) => id),
      ['x', 'y'],
      'its entry is not there yet',
    )
    line.say(own('x', 1))
    line.say(own('y', 2))
    await seen.until(() => seen.entries.length === 2)
    line.say(ack('y', 2), message(3))
    await seen.until(() => seen.entries.length === 3)
    assert.deepEqual(seen.acks, ['x@1', 'y@2'])
    assert.deepEqual(room.pending, [])
  })

  test('[C3] an entry of somebody else with the same id settles nothing', async (t) => {
    const { line, room, seen } = await liveStage(t)
    room.send('1', { id: 'x' })
    line.say(message(1, { id: 'x', user: { id: 'user:1', name: 'anna' } }))
    await seen.until(() => seen.entries.length === 1)
    assert.equal(room.pending.length, 1)
  })

  test('[R11] [S7] [S8] a rate limit holds the burst once, and it goes out again from the refused, in order', async (t) => {
    const clock = new FakeClock()
    const set = await liveStage(t, { clock })
    const { line, room, seen } = set
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) room.send(id, { id })
    const tries = [
      await line.next('send'),
      await line.next('send'),
      await line.next('send'),
      await line.next('send'),
    ]
    line.say(
      ack('a', 1),
      own('a', 1),
      error('rate_limited', tries[1]!, 700),
      error('gap', tries[2]!),
      error('gap', tries[3]!),
    )
    await heard(set)
    room.send('e', { id: 'e' })
    clock.advance(699)
    assert.deepEqual(await sent(set), [], 'held')
    clock.advance(1)
    const taken: string[] = []
    let seq = 1
    while (taken.length < 4) {
      const { id, after } = await line.next('send')
      taken.push(after === undefined ? id : `${id}<${after}`)
      seq += 1
      line.say(ack(id, seq), own(id, seq))
    }
    await seen.until(() => room.pending.length === 0)
    assert.deepEqual(
      taken.map((one) => one[0]),
      ['b', 'c', 'd', 'e'],
    )
    assert.deepEqual(await sent(set), [], 'each once')
    assert.deepEqual(seen.refused, [])
  })

  test('[R11] without retryMs the time grows with each refusal', async (t) => {
    const clock = new FakeClock()
    const set = await liveStage(t, { clock, random: () => 0.999999 })
    const waits: number[] = []
    set.room.send('x', { id: 'x' })
    for (let i = 0; i < 4; i++) {
      set.line.say(error('busy', await set.line.next('send')))
      await heard(set)
      const holds = clock.pending.filter((ms) => ms < 12_000 && Math.abs(ms - ASKED_PING_MS) > 5)
      waits.push(Math.round(Math.min(...holds)))
      clock.advance(waits.at(-1)! + 1)
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 5_000])
  })

  test('[R12] a final refusal fails one send; what followed goes out again without it', async (t) => {
    const set = await liveStage(t)
    const { line, room, seen } = set
    for (const id of ['a', 'b', 'c']) room.send(id, { id })
    const [a, b, c] = [await line.next('send'), await line.next('send'), await line.next('send')]
    line.say(error('forbidden', b), error('gap', c))
    const again = await line.next('send')
    assert.deepEqual([again.id, again.after], ['c', 'a'])
    assert.deepEqual(seen.refused, ['b:forbidden'])
    line.say(ack('a', 1), ack('c', 2), own('a', 1), own('c', 2))
    await seen.until(() => seen.entries.length === 2)
    assert.deepEqual(await sent(set), [], 'the gap was of the try before')
    assert.partialDeepStrictEqual(room.pending, [{ id: 'b', state: 'failed', code: 'forbidden' }])
    room.retry('b')
    assert.equal((await line.next('send')).id, 'b')
    assert.equal(a.id, 'a')
    assert.partialDeepStrictEqual(room.pending, [{ id: 'b', state: 'sending' }])
  })

  test('[R12] [S10] not_joined: it joins, then sends again', async (t) => {
    const { line, room, seen } = await liveStage(t, { head: 4 })
    room.send('a', { id: 'a' })
    room.send('b', { id: 'b' })
    line.say(error('not_joined', await line.next('send')), error('not_joined', await line.next('send')))
    const join = await line.next('join')
    assert.equal(join.since, 4)
    line.say(joined({ ref: join.ref!, head: 4, first: 5 }))
    assert.equal((await line.next('send')).id, 'a')
    assert.equal((await line.next('send')).after, 'a')
    assert.deepEqual(seen.statuses, ['joining', 'live', 'recovering', 'live'])
  })

  test('sends again what a living server says nothing about', async (t) => {
    const clock = new FakeClock()
    const set = await liveStage(t, { clock })
    set.room.send('x', { id: 'x' })
    const first = await set.line.next('send')
    clock.advance(1_000)
    await heard(set)
    clock.advance(11_000)
    await heard(set)
    clock.advance(3_000)
    const second = await set.line.next('send')
    assert.equal(second.id, 'x')
    assert.notEqual(second.ref, first.ref)
  })

  test('[R10] no more is under way than the server allows, over all rooms, and each gets its turn', async (t) => {
    const { peer, client } = await stage(t)
    peer.welcome = { limits: { ...LIMITS_SAID, unackedSends: 2 } }
    const rooms = ['r1', 'r2'].map((id) => client.room(id))
    for (const room of rooms) for (let i = 0; i < 5; i++) room.send(`${i}`)
    client.start()
    const line = await peer.connection(0)
    const seqs = new Map<string, number>()
    const open = new Set<string>()
    const served: string[] = []
    for (let n = 0; n < 2; n++) {
      const join = await line.next('join')
      line.say(joined({ ref: join.ref!, room: join.room }))
    }
    while (served.length < 10) {
      const send = await line.next('send')
      open.add(send.id)
      for (const { id } of line.inbox as { id: string }[]) open.add(id)
      assert.ok(open.size <= 2)
      const seq = (seqs.get(send.room) ?? 0) + 1
      seqs.set(send.room, seq)
      served.push(send.room)
      open.delete(send.id)
      line.say({ ...ack(send.id, seq), room: send.room })
    }
    assert.ok(served.slice(0, 6).includes('r1') && served.slice(0, 6).includes('r2'), served.join())
  })

  test('[S6] what no server would take is refused here, and closes no connection', async (t) => {
    const { line, room, seen } = await liveStage(t)
    assert.equal(room.send('x'.repeat(4_001), { id: 'long' }).state, 'failed')
    assert.equal(room.send(' \n', { id: 'blank' }).code, 'bad_message')
    assert.equal(room.send('x', { id: 'i'.repeat(65) }).code, 'bad_message')
    room.send('good', { id: 'good' })
    const { id, after } = await line.next('send')
    assert.deepEqual([id, after], ['good', undefined])
    await seen.until(() => seen.refused.length === 3)
    room.discard('long')
    assert.equal(room.pending.length, 3)
  })

  test('the same id is not sent twice', async (t) => {
    const { line, room } = await liveStage(t)
    const first = room.send('x', { id: 'x' })
    assert.equal(room.send('x', { id: 'x' }), first)
    room.send('y', { id: 'y' })
    assert.equal((await line.next('send')).id, 'x')
    assert.equal((await line.next('send')).id, 'y')
  })

  test('many sends share frames, none of them too large', async (t) => {
    const { line, room } = await liveStage(t)
    const sizes: number[] = []
    line.socket.on('message', (data: Buffer) => sizes.push(data.length))
    for (let i = 0; i < 64; i++) room.send('é€'.repeat(i % 3 ? 5 : 2_000))
    for (let i = 0; i < 64; i++) await line.next('send')
    assert.ok(sizes.length < 40, `${sizes.length} frames`)
    assert.ok(Math.max(...sizes) <= 65_536, `${Math.max(...sizes)} bytes`)
  })

  test('[P5] typing is told at most every 3 s', async (t) => {
    const clock = new FakeClock()
    const { line, room } = await liveStage(t, { clock })
    for (let i = 0; i < 5; i++) room.typing()
    clock.advance(3_000)
    room.typing()
    room.send('x')
    await line.next('typing')
    await line.next('typing')
    assert.deepEqual(
      line.inbox.map(({ type }) => type),
      line.inbox.length === 0 ? [] : ['send'],
    )
  })
})
