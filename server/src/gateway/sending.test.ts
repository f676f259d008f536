import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Client } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { WarpClock } from '../test/warp-clock.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const send = (room: string, id: string, text: string, more: object = {}) => {
  return { type: 'send', room, id, text, ...more }
}

describe('sending', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start({ servers: 2 })))
  after(() => fleet.close())

  for (const [where, at] of [
    ['at the home of the room', 0],
    ['through another server', 1],
  ] as const) {
    describe(where, () => {
      const away = 1 - at

      test('[S1] [E1] a send is acked with its place, and everybody gets its entry', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at, `ada-${at}`)
        const bob = await fleet.member(room, away)
        const ack = await ada.send(room, 'one', 'Hello', { replyTo: 7 })
        assert.deepEqual({ ...ack, ref: 0, ts: 0 }, { type: 'ack', ref: 0, room, id: 'one', seq: 1, ts: 0 })
        for (const client of [ada, bob]) {
          await client.upTo(room, 1)
          assert.deepEqual(client.entries(room), [
            {
              type: 'message',
              room,
              seq: 1,
              id: 'one',
              user: { id: `guest:ada-${at}`, name: `ada-${at}` },
              text: 'Hello',
              ts: ack.ts,
              replyTo: 7,
            },
          ])
        }
        assert.ok(Math.abs(ack.ts - Date.now()) < 60_000)
      })

      test('[E1] `ts` never falls within a room', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        const bob = await fleet.member(room, away)
        for (const id of upTo(1, 20)) {
          ada.say(send(room, `a${id}`, 'x'))
          bob.say(send(room, `b${id}`, 'x'))
        }
        await ada.upTo(room, 40)
        const times = ada.entries(room).map(({ ts }) => ts)
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        )
      })

      test('[E3] an entry that anybody was sent is in the log that is read', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        const bob = await fleet.member(room, away)
        ada.say(...upTo(1, 30).map((i) => send(room, `${i}`, `text ${i}`)))
        for (const seq of upTo(1, 30)) {
          await bob.upTo(room, seq)
          const { entries } = await bob.history(room, { before: seq + 1, limit: 1 })
          assert.equal(entries[0]?.seq, seq)
        }
      })

      test('[S2] [S11] a repeat gets the same ack and makes nothing new, on any connection and server', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at, 'same-ada')
        const first = await ada.send(room, 'one', 'Hello')
        await ada.send(room, 'two', 'Hello')
        ada.terminate()
        for (const server of [at, away]) {
          const again = await fleet.member(room, server, 'same-ada')
          for (const more of [{}, { after: 'one' }, { after: 'never-sent' }]) {
            const { seq, ts } = await again.send(room, 'one', 'Hello', more)
            assert.deepEqual([seq, ts], [first.seq, first.ts])
          }
          assert.equal((await again.history(room)).entries.length, 2)
          again.terminate()
        }
      })

      test('[S2] two repeats in one frame make one entry', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        ada.say(...upTo(1, 5).map((i) => send(room, 'one', 'Hello', { ref: i })))
        for (const ref of upTo(1, 5)) assert.equal((await ada.frame('ack', (ack) => ack.ref === ref)).seq, 1)
        assert.equal((await ada.history(room)).entries.length, 1)
      })

      test('[S2] the same id of another sender, and in another room, is another send', async () => {
        const [room, other] = [await fleet.room(), await fleet.room()]
        const ada = await fleet.member(room, at)
        await ada.join(other)
        const bob = await fleet.member(room, away)
        assert.equal((await ada.send(room, 'one', 'a')).seq, 1)
        assert.equal((await bob.send(room, 'one', 'b')).seq, 2)
        assert.equal((await ada.send(other, 'one', 'c')).seq, 1)
      })

      test('[S3] [X2] the same id with another text is a conflict, wherever it comes from', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at, 'conflict-ada')
        await ada.send(room, 'one', 'Hello')
        const again = await fleet.member(room, away, 'conflict-ada')
        for (const client of [ada, again]) {
          const error = await client.ask(send(room, 'one', 'hello'))
          assert.deepEqual([error.code, error.room, error.id], ['conflict', room, 'one'])
        }
        assert.equal((await ada.history(room)).entries.length, 1)
        ada.terminate()
        again.terminate()
      })

      test('[S4] a chain of `after` in one frame goes in, in order', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        ada.say(...upTo(1, 50).map((i) => send(room, `${i}`, `${i}`, i > 1 ? { after: `${i - 1}` } : {})))
        await ada.upTo(room, 50)
        assert.deepEqual(
          ada.entries(room).map(({ id }) => Number(id)),
          upTo(1, 50),
        )
      })

      test('[S4] [S8] after a send that is not in the log is a gap, and so is what builds on it', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        const bob = await fleet.member(room, away)
        await bob.send(room, 'of-bob', 'x')
        ada.say(send(room, 'two', '2', { after: 'one' }), send(room, 'three', '3', { after: 'two' }))
        for (const id of ['two', 'three']) {
          assert.equal((await ada.frame('error', (error) => error.id === id)).code, 'gap')
        }
        assert.equal((await ada.ask(send(room, 'four', '4', { after: 'of-bob' }))).code, 'gap')
        await ada.send(room, 'one', '1')
        await ada.send(room, 'two', '2', { after: 'one' })
        await ada.send(room, 'three', '3', { after: 'two' })
        await ada.upTo(room, 4)
        assert.deepEqual(
          ada.entries(room).map(({ id }) => id),
          ['of-bob', 'one', 'two', 'three'],
        )
      })

      test('[S5] [F5] sends of one connection enter in the order of their lines, those refused left out', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        const bob = await fleet.member(room, away)
        for (const i of upTo(0, 9)) {
          const ids = upTo(i * 10 + 1, i * 10 + 10)
          ada.say(...ids.map((id) => send(room, `${id}`, id % 7 === 0 ? ' ' : `${id}`)))
          bob.say(...ids.map((id) => send(room, `${id}`, `bob ${id}`)))
        }
        await bob.until('all of ada’s', () => bob.entries(room).length === 186)
        const of = (name: string) =>
          bob
            .entries(room)
            .filter(({ user }) => (user.id === bob.of('welcome')[0]?.user.id) === (name === 'bob'))
            .map(({ id }) => Number(id))
        assert.deepEqual(
          of('ada'),
          upTo(1, 100).filter((id) => id % 7 !== 0),
        )
        assert.deepEqual(of('bob'), upTo(1, 100))
      })

      test('[S6] a text above the limit is too long, a blank one a bad message, and neither makes an entry', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        const code = async (text: string) => (await ada.ask(send(room, 'x', text))).code
        assert.equal(await code('x'.repeat(LIMITS.textChars + 1)), 'too_long')
        assert.equal(await code('💬'.repeat(LIMITS.textChars / 2 + 1)), 'too_long')
        for (const blank of ['', ' ', '\n\t', '\u2028\u00a0']) assert.equal(await code(blank), 'bad_message')
        assert.equal((await ada.send(room, 'x', '💬'.repeat(LIMITS.textChars / 2))).seq, 1)
      })

      test('[S10] a send to a room that is not joined on this connection is refused', async () => {
        const room = await fleet.room()
        const ada = await fleet.member(room, at)
        await ada.expect('left', { type: 'leave', room })
        const stranger = await fleet.client(at)
        for (const client of [ada, stranger]) {
          const error = await client.ask(send(room, 'x', 'x'))
          assert.deepEqual([error.code, error.room, error.id], ['not_joined', room, 'x'])
        }
      })
    })
  }

  /** Somebody who joins a room of another server, which nobody has there yet, and does not wait for it; another one if it was busy. */
  async function unlessBusy(tell: (client: Client, room: string) => void) {
    for (let tries = 1; tries <= 20; tries += 1) {
      const [room, client] = [await fleet.room(1), await fleet.client(0)]
      tell(client, room)
      const { type } = await client.until('an answer to the join', ({ frames }) =>
        frames.find((frame) => frame.type === 'joined' || (frame.type === 'error' && frame.code === 'busy')),
      )
      if (type === 'joined') return { room, client }
    }
    throw new Error('every room was busy')
  }

  test('[F5] a send behind its join in one frame finds the room joined, and one behind a leave does not', async () => {
    const { client: ada } = await unlessBusy((client, room) =>
      client.say(
        { type: 'join', room },
        send(room, 'one', '1'),
        { type: 'leave', room },
        send(room, 'two', '2'),
        { type: 'join', room },
        send(room, 'three', '3'),
      ),
    )
    assert.equal((await ada.frame('error', ({ id }) => id === 'two')).code, 'not_joined')
    assert.equal((await ada.frame('ack', ({ id }) => id === 'three')).seq, 2)
    assert.equal((await ada.frame('ack', ({ id }) => id === 'one')).seq, 1)
  })

  test('[F5] lines that came while a join was under way are taken after it, in their order', async () => {
    const { client: ada, room } = await unlessBusy((client, room) => {
      client.say({ type: 'join', room })
      for (const id of upTo(1, 40)) client.say(send(room, `${id}`, `${id}`))
    })
    await ada.upTo(room, 40)
    assert.deepEqual(
      ada.entries(room).map(({ id }) => Number(id)),
      upTo(1, 40),
    )
    assert.deepEqual(ada.of('error'), [])
  })
})

describe('the rate of sends', () => {
  let fleet: Fleet
  let clock: WarpClock
  before(async () => {
    clock = new WarpClock()
    fleet = await Fleet.start({ flags: ['--rate', '20'], clock })
  })
  after(() => fleet.close())

  test('[S7] [S8] [X2] [L6] beyond ten at once a sender is told when to go on, and then the same id goes in', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 0, 'ada')
    const { limits } = await ada.frame('welcome')
    assert.deepEqual([limits.rate, limits.rateMs], [20, 10_000])
    clock.hold() // nothing is allowed anew while this goes on
    ada.say(...upTo(1, 14).map((id) => send(room, `${id}`, 'x')))
    const { retryMs = 0, room: inRoom } = await ada.frame('error', ({ id }) => id === '14')
    assert.equal(inRoom, room)
    const refused = ada.of('error').filter(({ id }) => id !== undefined) // a join may have been told busy
    assert.deepEqual([...new Set(refused.map(({ code }) => code))], ['rate_limited'])
    assert.ok(retryMs > 0 && retryMs <= 500, `${retryMs}`)
    await ada.frame('ack', ({ id }) => id === '10')
    assert.equal((await ada.history(room)).entries.length, 10)
    await clock.pass(retryMs)
    assert.equal((await ada.send(room, '14', 'x')).seq, 11)
    assert.equal((await ada.ask(send(room, '15', 'x'))).code, 'rate_limited')
    clock.release()
    await clock.pass(10_000)
    ada.say(...upTo(21, 30).map((id) => send(room, `${id}`, 'x')))
    await ada.upTo(room, 21)
  })

  test('[S7] the bound is the person’s, whatever his connections, and no one else’s', async () => {
    const room = await fleet.room()
    const [one, two] = [await fleet.member(room, 0, 'bob'), await fleet.member(room, 0, 'bob')]
    clock.hold()
    one.say(...upTo(1, 10).map((id) => send(room, `${id}`, 'x')))
    await one.frame('ack', ({ id }) => id === '10')
    assert.equal((await two.ask(send(room, '11', 'x'))).code, 'rate_limited')
    clock.release()
    const other = await fleet.member(room, 0, 'cas')
    await other.send(room, '1', 'x')
  })
})
