import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Client } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Puts entries 1 … `count` into a room, with `after` chains, as fast as the bound of unacked sends allows. */
async function fill(client: Client, room: string, count: number): Promise<void> {
  for (let from = 1; from <= count; from += 50) {
    const ids = upTo(from, Math.min(from + 49, count))
    client.say(...ids.map((id) => ({ type: 'send', room, id: `fill-${id}`, text: `text ${id}` })))
    await client.frame('ack', ({ id }) => id === `fill-${ids.at(-1)}`)
  }
}

describe('joining', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start({ servers: 2 })))
  after(() => fleet.close())

  for (const [where, at] of [
    ['at the home of the room', 0],
    ['at another server', 1],
  ] as const) {
    describe(where, () => {
      let room: string
      let writer: Client
      before(async () => {
        room = await fleet.room(0)
        writer = await fleet.member(room, 0)
        await fill(writer, room, 600)
      })

      test('[J1] `joined` says where the room stands, and comes before anything else of the room', async () => {
        const client = await fleet.client(at)
        const joined = await client.join(room)
        assert.deepEqual(
          [joined.room, joined.head, joined.first, joined.log.length > 0],
          [room, 600, 551, true],
        )
        assert.ok(joined.members.some(({ id }) => id === client.of('welcome')[0]?.user.id))
        assert.equal(joined.count, joined.members.length)
        await client.upTo(room, 600)
        const first = client.frames.find((frame) => 'room' in frame)
        assert.equal(first?.type, 'joined')
      })

      test('[J2] [J3] without `since` the last 50 entries are streamed, then what is new', async () => {
        const client = await fleet.client(at)
        const { first, head } = await client.join(room)
        await client.upTo(room, head)
        const { seq } = await writer.send(room, `new-${at}`, 'new')
        await client.upTo(room, seq)
        assert.deepEqual(client.seqs(room), upTo(first, seq))
        assert.equal(first, head - 49)
      })

      test('[J4] with `since` exactly the entries after it are streamed', async () => {
        const client = await fleet.client(at)
        const { log } = await client.join(room)
        for (const given of [{ since: 300, log }, { since: 300 }]) {
          const again = await fleet.client(at)
          const { first, head } = await again.join(room, given)
          assert.equal(first, 301)
          await again.upTo(room, head)
          assert.deepEqual(again.seqs(room), upTo(301, head))
        }
      })

      test('[J4] [J2] who is level gets no entry, and `first` is head + 1', async () => {
        const client = await fleet.client(at)
        const { head: since } = await client.join(room)
        const again = await fleet.client(at)
        assert.equal((await again.join(room, { since })).first, since + 1)
        await again.settled()
        assert.deepEqual(again.seqs(room), [])
      })

      test('[J4] exactly 500 behind is streamed as a whole; one more, and the stream starts later', async () => {
        const client = await fleet.client(at)
        const { head } = await client.join(room)
        const whole = await fleet.client(at)
        assert.equal((await whole.join(room, { since: head - 500 })).first, head - 499)
        await whole.upTo(room, head)
        assert.deepEqual(whole.seqs(room), upTo(head - 499, head))
        const late = await fleet.client(at)
        assert.equal((await late.join(room, { since: head - 501 })).first, head - 499)
        await late.upTo(room, head)
        assert.deepEqual(late.seqs(room), upTo(head - 499, head))
        const { entries } = await late.history(room, { after: head - 501, limit: 1 })
        assert.deepEqual(
          entries.map(({ seq }) => seq),
          [head - 500],
        )
      })

      test('[J5] [E7] another log is answered with the room’s own, a `reset`, and the last entries', async () => {
        const client = await fleet.client(at)
        const joined = await client.join(room, { since: 3, log: 'of-another-life' })
        assert.notEqual(joined.log, 'of-another-life')
        assert.equal(joined.first, joined.head - 49)
        assert.equal((await client.frame('reset')).log, joined.log)
        await client.upTo(room, joined.head)
        assert.deepEqual(client.seqs(room), upTo(joined.first, joined.head))
      })

      test('[J5] a `since` above the head is no reset: `first` is head + 1', async () => {
        const client = await fleet.client(at)
        const { log, head: at1 } = await client.join(room)
        const ahead = await fleet.client(at)
        const { first, head } = await ahead.join(room, { since: at1 + 1_000, log })
        assert.equal(first, head + 1)
        const { seq } = await writer.send(room, `ahead-${at}`, 'new')
        await ahead.upTo(room, seq)
        assert.deepEqual(ahead.seqs(room), upTo(first, seq))
        assert.deepEqual(ahead.of('reset'), [])
      })

      test('[J6] a join again on the same connection is answered, and its stream starts as asked', async () => {
        const client = await fleet.client(at)
        const { head } = await client.join(room)
        await client.upTo(room, head)
        const before = client.entries(room).length
        const again = await client.join(room, { since: head - 2 })
        assert.equal(again.first, head - 1)
        await client.until('the stream', () => client.entries(room).length >= before + 2)
        const { seq } = await writer.send(room, `again-${at}`, 'new')
        await client.upTo(room, seq)
        assert.deepEqual(client.seqs(room).slice(before), upTo(head - 1, seq))
        assert.equal(again.members.filter(({ id }) => id === client.of('welcome')[0]?.user.id).length, 1)
      })

      test('[J7] `leave` is answered, joined or not, and nothing of the room comes after it', async () => {
        const client = await fleet.member(room, at)
        await client.expect('left', { type: 'leave', room })
        const heard = client.frames.length
        const { seq } = await writer.send(room, `left-${at}`, 'unheard')
        const watcher = await fleet.client(at)
        await watcher.join(room, { since: seq - 1 })
        await watcher.upTo(room, seq)
        await client.settled()
        assert.deepEqual(
          client.frames.slice(heard).map(({ type }) => type),
          ['pong'],
        )
        assert.deepEqual(await client.expect('left', { type: 'leave', room: 'never-joined' }), {
          type: 'left',
          ref: client.of('left').at(-1)?.ref,
          room: 'never-joined',
        })
      })

      test('[E2] from `first` on the seq rises by one, also while others write and the reader resumes', async () => {
        const ids = upTo(1, 200)
        const readers: Client[] = []
        for (const id of ids) {
          writer.say({ type: 'send', room, id: `busy-${at}-${id}`, text: 'busy' })
          if (id % 40 === 0) {
            const reader = await fleet.client(at)
            void reader.join(room, { since: 590 })
            readers.push(reader)
          }
        }
        const { seq } = await writer.frame('ack', ({ id }) => id === `busy-${at}-200`)
        for (const reader of readers) {
          await reader.upTo(room, seq)
          assert.deepEqual(reader.seqs(room), upTo(591, seq))
        }
      })
    })
  }

  test('[J8] what does not exist is no such room, here as for the balancer', async () => {
    const client = await fleet.client()
    for (const room of ['nowhere', '__proto__', 'constructor']) {
      const error = await client.ask({ type: 'join', room })
      assert.deepEqual([error.code, error.room], ['no_such_room', room])
    }
  })

  test('[J8] a guest may join a public room, which makes no entry', async () => {
    const room = await fleet.room(1)
    const client = await fleet.client(0)
    assert.deepEqual([(await client.join(room)).head, (await client.join('general')).room], [0, 'general'])
    const other = await fleet.client(1)
    assert.equal((await other.join(room)).head, 0)
  })

  test('[J8] above 200 rooms on one connection a join is forbidden, but not one of a room it has', async () => {
    const client = await fleet.client()
    const rooms: string[] = []
    const { token } = await fleet.login('landlord')
    while (rooms.length <= LIMITS.joinedRooms) {
      const made = upTo(1, 67).map(() =>
        fleet.call<{ roomId: string }>('POST', '/api/rooms', { name: 'many' }, token),
      )
      rooms.push(...(await Promise.all(made)).map(({ roomId }) => roomId))
    }
    for (const room of rooms.slice(0, LIMITS.joinedRooms)) await client.join(room)
    const room = rooms[LIMITS.joinedRooms] as string
    assert.equal((await client.ask({ type: 'join', room })).code, 'forbidden')
    await client.join(rooms[0] as string)
    await client.expect('left', { type: 'leave', room: rooms[1] })
    await client.join(room)
  })
})
