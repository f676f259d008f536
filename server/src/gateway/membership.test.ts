import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Act } from '@flotilla/protocol/acts.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { Rooms } from '../rooms/rooms.ts'
import { Person } from '../test/person.ts'
import { openTwoServers } from '../test/two-servers.ts'

const account = (name: string): User => ({ id: `user:${name}`, name })
const [ann, bob, eve] = [account('ann'), account('bob'), account('eve')]
const gil: User = { id: 'guest:gil', name: 'gil' }

/** Ann's room `r`, at home on a, with bob as its member; `there` says on which server others connect. */
async function open(visibility: Genesis['visibility'], there: 'a' | 'b' = 'a') {
  const people = visibility === 'direct' ? { people: [ann, bob] as [User, User] } : { createdBy: ann }
  const fleet = openTwoServers({ name: 'the room', visibility, createdAt: 1, ...people })
  const { clock, a, world } = fleet
  let acts = 0
  const act = async (by: User, what: Act, id = `act${(acts += 1)}`, rooms: Rooms = a) => {
    const at = await rooms.atHome('r')
    assert.ok(typeof at !== 'string', at as string)
    const acting = at.home.act(id, by, what)
    await clock.pass(100)
    const acted = await acting
    return acted.ok ? acted.done : acted.code
  }
  const opening = a.atHome('r')
  await clock.pass(100)
  await opening
  if (visibility !== 'direct') {
    await act(ann, { act: 'invite', user: bob })
    await act(bob, { act: 'join' })
  }
  const person = (user: User, on: 'a' | 'b' = there) => new Person(user, fleet[on], clock)
  return { ...fleet, world, act, person }
}

test('[J9] who was removed while his server heard nothing is sent out there, though what sent him out is forgotten by then', async () => {
  const { person, act, world, clock, stores, a } = await open('private', 'b')
  const [owner, removed] = [person(ann, 'a'), person(bob)]
  for (const each of [owner, removed]) assert.equal(await each.join(), 'joined')
  world.isHeld = true
  await act(ann, { act: 'remove', user: bob })
  await owner.send('old')
  const floor = await stores.get('a')!.forget('r', clock.now() + 1)
  assert.notEqual(floor, 'fenced')
  a.open('r').raiseFloor(floor as number)
  world.held.length = 0 // lost on the way
  world.isHeld = false
  await clock.pass(5_000)
  await owner.send('among us')
  assert.deepEqual(removed.of('left'), [{ type: 'left', room: 'r', reason: 'removed' }])
  assert.deepEqual(removed.of('message'), [])
})

for (const there of ['a', 'b'] as const) {
  describe(there === 'a' ? 'people at the home of the room' : 'people at another server', () => {
    test('[J8] a private room is entered by its members; to everybody else there is none, whatever he asks', async () => {
      const { person, act } = await open('private', there)
      await act(ann, { act: 'invite', user: account('invited') })
      await act(ann, { act: 'ban', user: account('banned') })
      for (const user of [eve, gil, account('invited'), account('banned')]) {
        const stranger = person(user)
        assert.equal(await stranger.join(), 'no_such_room', user.id)
        assert.equal(await stranger.send(), 'not_joined')
        const asked = await stranger.say({ type: 'history', room: 'r' }, { type: 'typing', room: 'r' })
        assert.deepEqual(
          asked.map((answer) => answer.type === 'error' && answer.code),
          ['not_joined', 'not_joined'],
        )
      }
      assert.equal(await person(bob).join(), 'joined')
    })

    test('[J1] who joins is told what the room is, and what he is in it', async () => {
      const { person, act } = await open('private', there)
      await act(ann, { act: 'topic', topic: 'news' })
      const [owner, member] = [person(ann), person(bob)]
      for (const each of [owner, member]) await each.join()
      const told = [owner, member].map((each) => each.of('joined')[0])
      assert.deepEqual(
        told.map((joined) => joined && [joined.name, joined.topic, joined.visibility, joined.role]),
        [
          ['the room', 'news', 'private', 'owner'],
          ['the room', 'news', 'private', 'member'],
        ],
      )
    })

    for (const [event, reason] of [
      ['remove', 'removed'],
      ['ban', 'banned'],
    ] as const) {
      test(`[J9] after a ${event} nothing more of the room comes to any of his connections`, async () => {
        const { person, act } = await open('private', there)
        const [owner, one, two] = [person(ann, 'a'), person(bob), person(bob)]
        for (const each of [owner, one, two]) assert.equal(await each.join(), 'joined')
        await act(ann, { act: event, user: bob })
        await owner.send('among us')
        for (const each of [one, two]) {
          assert.deepEqual(each.of('left'), [{ type: 'left', room: 'r', reason }])
          assert.deepEqual(each.of('message'), [])
          assert.equal(await each.send(), 'not_joined')
          assert.equal(await each.join(), 'no_such_room')
        }
        assert.equal(owner.of('left').length, 0)
      })
    }

    test('[J9] who leaves, or has no account any more, is in the room on no connection', async () => {
      const { person, act } = await open('private', there)
      const cas = account('cas')
      await act(ann, { act: 'invite', user: cas })
      await act(cas, { act: 'join' })
      const [leaving, gone] = [person(bob), person(cas)]
      for (const each of [leaving, gone]) await each.join()
      await act(bob, { act: 'leave' })
      await act(cas, { act: 'gone' })
      assert.equal(leaving.of('left')[0]?.reason, 'left')
      assert.equal(gone.of('left')[0]?.reason, 'deleted')
      assert.equal(gone.of('system').at(-1)?.event, 'leave', 'of his own end he hears no entry')
    })

    test('who is muted reads, and is told so when he sends; what was taken before is acked again', async () => {
      const { person, act, clock } = await open('public', there)
      const [one, owner] = [person(bob), person(ann)]
      for (const each of [one, owner]) await each.join()
      assert.equal(await one.send('before', 'first'), 'ack')
      await act(ann, { act: 'mute', user: bob, until: clock.now() + 60_000 })
      assert.equal(await one.send('after', 'second'), 'forbidden')
      assert.equal(await one.send('before', 'first'), 'ack')
      assert.equal(await one.send('other', 'first'), 'forbidden', 'that was not taken')
      await owner.send('to bob')
      assert.deepEqual(
        one.of('message').map(({ text }) => text),
        ['before', 'to bob'],
      )
      await clock.pass(60_000)
      assert.equal(await one.send('after', 'second'), 'ack')
    })

    test('who was let in is a guest, or banned: of a public room it is said', async () => {
      const { person, act } = await open('public', there)
      assert.equal(await person(gil).join(), 'joined')
      await act(ann, { act: 'ban', user: gil })
      assert.equal(await person(gil).join(), 'forbidden')
      await act(ann, { act: 'unban', user: gil })
      assert.equal(await person(gil).join(), 'joined')
    })

    test('slow mode tells how long to wait, counts only what was taken, and moderators are free', async () => {
      const { person, act, clock } = await open('public', there)
      await act(ann, { act: 'slow', everyMs: 10_000 })
      const [member, owner] = [person(bob), person(ann)]
      for (const each of [member, owner]) await each.join()
      assert.equal(await member.send('one', 'one'), 'ack')
      assert.equal(await member.send('two', 'two'), 'rate_limited')
      assert.ok((member.of('error')[0]?.retryMs ?? 0) > 9_000)
      assert.equal(await member.send('one', 'one'), 'ack', 'it stands there')
      assert.equal(await owner.send(), 'ack')
      assert.equal(await owner.send(), 'ack')
      await clock.pass(10_000)
      assert.equal(await member.send('two', 'two'), 'ack')
    })

    test('an archived room is read, and nothing more is said in it', async () => {
      const { person, act } = await open('private', there)
      const member = person(bob)
      await member.join()
      await act(ann, { act: 'archive' })
      assert.equal(await member.send(), 'forbidden')
      assert.equal(await member.join(), 'joined')
      await act(ann, { act: 'unarchive' })
      assert.equal(await member.send(), 'ack')
    })

    test('between two people, one who blocks silences both', async () => {
      const { person, act } = await open('direct', there)
      const [one, other] = [person(ann), person(bob)]
      for (const each of [one, other]) assert.equal(await each.join(), 'joined')
      assert.equal(await person(eve).join(), 'no_such_room')
      await act(bob, { act: 'block' })
      assert.equal(await one.send(), 'forbidden')
      assert.equal(await other.send(), 'forbidden')
      await act(bob, { act: 'unblock' })
      assert.equal(await one.send(), 'ack')
    })

    test('a message is edited by who wrote it, and deleted by him or by who keeps order', async () => {
      const { person } = await open('private', there)
      const [member, owner] = [person(bob), person(ann)]
      for (const each of [member, owner]) await each.join()
      await member.send('helo')
      await owner.send('mine')
      const [first, second] = member.of('message').map(({ seq }) => seq)
      assert.equal(await member.change({ type: 'edit', target: first, text: 'hello' }), 'ack')
      assert.equal(await owner.change({ type: 'edit', target: first, text: 'hullo' }), 'forbidden')
      assert.equal(await member.change({ type: 'delete', target: second }), 'forbidden')
      assert.equal(await owner.change({ type: 'delete', target: first }), 'ack')
      assert.equal(await member.change({ type: 'react', target: second, emoji: '👍', on: true }), 'ack')
      assert.equal(
        await member.change({ type: 'react', target: 99, emoji: '👍', on: true }),
        'no_such_message',
      )
      assert.equal(
        await member.change({ type: 'edit', target: 1, text: 'x' }),
        'no_such_message',
        'an entry, no message',
      )
      assert.equal(
        await member.change({ type: 'react', target: second, emoji: 'ok', on: true }),
        'bad_message',
      )
      const { edit, delete: deleted, react } = Object.groupBy(owner.frames, ({ type }) => type)
      assert.deepEqual([edit?.length, deleted?.length, react?.length], [1, 1, 1])
    })
  })
}

describe('acts at the home', () => {
  test('asked again under the same id they happen once, and the same is answered; under another one nothing is left to do', async () => {
    const { act } = await open('private')
    const done = await act(ann, { act: 'remove', user: bob }, 'once')
    assert.deepEqual(await act(ann, { act: 'remove', user: bob }, 'once'), done)
    assert.equal(typeof done === 'object' && done.event, 'remove')
    assert.equal(await act(ann, { act: 'remove', user: bob }, 'twice'), 'conflict')
    assert.deepEqual(await act(ann, { act: 'unban', user: bob }), {})
    assert.equal(await act(ann, { act: 'topic', topic: 'x' }, 'once'), 'conflict', 'the id was used')
  })

  test('what is accepted behind a removal that is being committed is refused', async () => {
    const { person, a, clock } = await open('private')
    const member = person(bob)
    await member.join()
    const at = await a.atHome('r')
    assert.ok(typeof at !== 'string')
    const removing = at.home.act('id', ann, { act: 'remove', user: bob })
    assert.equal(await member.send(), 'no_such_room')
    assert.ok((await removing).ok)
    await clock.pass(100)
    assert.deepEqual(member.of('message'), [])
  })

  test('who may do what outlives the home: the next one reads it from the log', async () => {
    const { world, act, person, a, b, clock } = await open('private')
    await act(ann, { act: 'mute', user: bob, until: clock.now() + 600_000 }, 'the mute')
    const leaving = a.handOver()
    await clock.pass(3_000)
    await leaving
    assert.equal(world.home, 'b')
    const member = person(bob, 'b')
    assert.equal(await member.join(), 'joined')
    assert.equal(await member.send(), 'forbidden')
    assert.equal(await person(eve, 'b').join(), 'no_such_room')
    const again = await act(ann, { act: 'mute', user: bob, until: clock.now() + 1 }, 'the mute', b)
    assert.equal(typeof again === 'object' && again.event, 'mute', 'by its id')
  })

  for (const visibility of ['private', 'public'] as const) {
    test(`[J9] who was removed from a ${visibility} room is sent out at its next home, which had not heard of it yet`, async () => {
      const { world, act, person, a, clock } = await open(visibility, 'b')
      const member = person(bob)
      assert.equal(await member.join(), 'joined')
      world.isHeld = true // nothing a says reaches b
      await act(ann, { act: 'remove', user: bob })
      const leaving = a.handOver()
      await clock.pass(50)
      assert.equal(member.of('left').length, 0)
      const take = world.held.at(-1)
      world.held.length = 0
      take?.()
      await clock.pass(1_000)
      world.isHeld = false
      await clock.pass(5_000)
      await leaving
      assert.deepEqual(member.of('left'), [{ type: 'left', room: 'r', reason: 'removed' }])
      assert.ok(member.of('system').every(({ event }) => event !== 'remove'))
    })
  }

  test('[J9] who is let in while what sends him out is on its way does not stay', async () => {
    const { world, act, person, clock } = await open('private', 'b')
    await person(ann).join() // so that b follows
    const member = person(bob)
    world.isHeld = true
    const joining = member.join() // the home lets him in …
    await clock.pass(100)
    await act(ann, { act: 'remove', user: bob }) // … and then removes him
    const [entered, ...rest] = world.held.splice(0)
    world.isHeld = false
    for (const run of [...rest, entered]) run?.() // in another order
    await clock.pass(1_000)
    await joining
    assert.equal(member.of('joined').length, 0)
    assert.deepEqual(member.of('message'), [])
  })
})
