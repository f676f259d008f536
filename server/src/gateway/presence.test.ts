import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Client } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

const names = (users: readonly User[] = []) => users.map(({ name }) => name).sort()

/** Who is in the room as this client was told, from its last `joined` on; @throws if it was told nonsense (P1). */
function people(client: Client, room: string): string[] {
  const shown = new Map<string, User>()
  let count = 0
  for (const frame of client.frames) {
    if (frame.type === 'joined' && frame.room === room) {
      shown.clear()
      for (const user of frame.members) shown.set(user.id, user)
      count = frame.count
    } else if (frame.type === 'presence' && frame.room === room) {
      for (const user of frame.leave) assert.ok(shown.delete(user.id), `${user.name} was not there`)
      for (const user of frame.join) {
        assert.ok(!shown.has(user.id), `${user.name} was there already`)
        shown.set(user.id, user)
      }
      count = frame.count
    }
  }
  assert.equal(count, shown.size)
  return names([...shown.values()])
}

const sees = (client: Client, room: string, expected: string[]) =>
  client.until(`sees ${expected.join()}`, () => people(client, room).join() === expected.toSorted().join())

describe('presence', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start({ servers: 2 })))
  after(() => fleet.close())

  for (const [where, at] of [
    ['on one server', 0],
    ['on two servers', 1],
  ] as const) {
    test(`[P1] ${where}: each is told who came and went since he joined, and himself among the members`, async () => {
      const room = await fleet.room()
      const ada = await fleet.member(room, 0, 'ada')
      assert.deepEqual(people(ada, room), ['ada'])
      const bob = await fleet.member(room, at, 'bob')
      await sees(ada, room, ['ada', 'bob'])
      await sees(bob, room, ['ada', 'bob'])
      const cas = await fleet.member(room, at, 'cas')
      await sees(ada, room, ['ada', 'bob', 'cas'])
      await sees(cas, room, ['ada', 'bob', 'cas'])
      await bob.expect('left', { type: 'leave', room })
      await sees(ada, room, ['ada', 'cas'])
      cas.terminate()
      await sees(ada, room, ['ada'])
      const told = bob.of('presence').length
      const dora = await fleet.member(room, at, 'dora')
      await sees(ada, room, ['ada', 'dora'])
      assert.equal(bob.of('presence').length, told)
      for (const client of [ada, bob, dora]) client.terminate()
    })

    test(`[P2] ${where}: who has two sessions counts once, and stays while one is left`, async () => {
      const room = await fleet.room()
      const ada = await fleet.member(room, 0, 'ada')
      const one = await fleet.member(room, at, 'bob')
      await sees(ada, room, ['ada', 'bob'])
      const two = await fleet.member(room, 0, 'bob')
      await sees(two, room, ['ada', 'bob'])
      one.terminate()
      const cas = await fleet.member(room, at, 'cas')
      await sees(ada, room, ['ada', 'bob', 'cas'])
      assert.ok(!ada.of('presence').some(({ leave }) => leave.length > 0))
      two.terminate()
      await sees(ada, room, ['ada', 'cas'])
      for (const client of [ada, cas]) client.terminate()
    })
  }

  test('[P1] the first of a room on another server is shown everybody at once, as one who moved there was before', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 0, 'ada')
    const bob = await fleet.member(room, 1, 'bob')
    await sees(ada, room, ['ada', 'bob'])
    await sees(bob, room, ['ada', 'bob'])
    const fresh = await fleet.open()
    const cas = await fleet.client(fresh, 'cas')
    const { members, count } = await cas.join(room)
    assert.deepEqual([names(members), count], [['ada', 'bob', 'cas'], 3])
    for (const client of [ada, bob, cas]) client.terminate()
    await fleet.stop(fresh)
  })

  test('[P1] who joins again, or moves to another server and then leaves the first, never left', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 0, 'ada')
    const bob = await fleet.member(room, 0, 'bob')
    await sees(ada, room, ['ada', 'bob'])
    await bob.join(room)
    const moved = await fleet.member(room, 1, 'bob')
    await bob.expect('left', { type: 'leave', room })
    const back = await fleet.member(room, 0, 'bob')
    await moved.expect('left', { type: 'leave', room })
    const cas = await fleet.member(room, 1, 'cas')
    await sees(ada, room, ['ada', 'bob', 'cas'])
    await sees(back, room, ['ada', 'bob', 'cas'])
    assert.deepEqual(names(ada.of('presence').flatMap(({ leave }) => leave)), [])
    for (const client of [ada, bob, moved, back, cas]) client.terminate()
  })

  test('[P5] [P6] typing reaches the others on every server, is not answered, and is no entry', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 1, 'ada')
    const others = [await fleet.member(room, 0, 'bob'), await fleet.member(room, 1, 'cas')]
    const heard = ada.frames.length
    ada.say({ type: 'typing', room, ref: 'unanswered' })
    for (const other of others) {
      assert.deepEqual(await other.frame('typing'), {
        type: 'typing',
        room,
        user: { id: 'guest:ada', name: 'ada' },
      })
    }
    await ada.settled()
    assert.deepEqual(
      ada.frames
        .slice(heard)
        .map(({ type }) => type)
        .filter((type) => type !== 'presence' && type !== 'head'),
      ['pong'],
    )
    assert.deepEqual((await ada.history(room)).entries, [])
    const stranger = await fleet.client()
    assert.equal((await stranger.ask({ type: 'typing', room })).code, 'not_joined')
  })

  test('[P3] above 200 people `joined` names some, presence only counts, and below they are named again', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 0, 'ada')
    const crowd = await Promise.all(Array.from({ length: 220 }, (_, i) => fleet.member(room, i % 2, `p${i}`)))
    const count = (client: Client, expected: number) =>
      client.until(`${expected} people`, () => client.of('presence').at(-1)?.count === expected)
    await count(ada, 221)
    const late = await fleet.client(1, 'late')
    const joined = await late.join(room)
    assert.equal(joined.members.length, LIMITS.presenceNames)
    assert.ok(names(joined.members).includes('late'))
    await count(ada, 222)
    await until('a count of everybody', async () => {
      const { count } = await late.join(room)
      return count === 222
    })
    for (const { join, leave, count } of ada.of('presence')) {
      if (count > LIMITS.presenceNames) assert.deepEqual([join, leave], [[], []])
    }
    const told = late.of('presence').length
    for (const client of crowd.slice(0, 19)) client.terminate()
    await count(ada, 203)
    await count(late, 203)
    for (const { join, leave } of late.of('presence').slice(told)) assert.deepEqual([join, leave], [[], []])
    for (const client of crowd.slice(19, 40)) client.terminate()
    await count(ada, 182)
    const here = ['ada', 'late', ...crowd.slice(40).map((_, i) => `p${i + 40}`)].sort()
    await ada.until('everybody named', () => {
      const shown = new Map<string, User>()
      for (const { join, leave } of ada.of('presence')) {
        for (const user of leave) shown.delete(user.id)
        for (const user of join) shown.set(user.id, user)
      }
      return names([...shown.values(), { id: '', name: 'ada' }]).join() === [...here, 'ada'].sort().join()
    })
    await count(late, 182)
    const { members } = await late.join(room)
    assert.deepEqual(names(members), here)
    for (const client of crowd.slice(40)) client.terminate()
  })
})

describe('the people of a server that is gone', () => {
  let fleet: Fleet
  let clock: WarpClock
  let room: string
  let ada: Client
  before(async () => {
    clock = new WarpClock()
    fleet = await Fleet.start({ servers: 1, clock })
    room = await fleet.room()
    ada = await fleet.member(room, 0, 'ada')
    await clock.pass(6_000) // the home has heard of everybody there was
  })
  after(() => fleet.close())

  afterEach(() => clock.release())

  /** A second server with bob and cas on it, which then stops. From there on the home has its time from the test. */
  async function comeAndGo(): Promise<number> {
    const server = await fleet.add()
    for (const name of ['bob', 'cas']) await fleet.member(room, server, name)
    await sees(ada, room, ['ada', 'bob', 'cas'])
    clock.hold()
    await fleet.stop(server)
    await clock.pass(1_000, 50)
    return server.port
  }

  test('[P4] they stay for 5 s, then leave in one event', async () => {
    await comeAndGo()
    const told = ada.of('presence').length
    await clock.pass(3_000, 50)
    assert.deepEqual(people(ada, room), ['ada', 'bob', 'cas'])
    await clock.pass(2_000, 50)
    clock.release()
    await sees(ada, room, ['ada'])
    const events = ada.of('presence').slice(told)
    assert.deepEqual(
      events.map(({ leave }) => names(leave)),
      [['bob', 'cas']],
    )
  })

  test('[P4] who comes back meanwhile, here or on that server, never left', async () => {
    const port = await comeAndGo()
    const told = ada.of('presence').length
    const bob = await fleet.member(room, 0, 'bob')
    const again = await fleet.open({ port })
    const cas = await fleet.member(room, again, 'cas')
    await clock.pass(8_000, 50)
    await sees(cas, room, ['ada', 'bob', 'cas'])
    assert.deepEqual(people(ada, room), ['ada', 'bob', 'cas'])
    assert.deepEqual(ada.of('presence').slice(told), [])
    for (const client of [bob, cas]) client.terminate()
  })
})
