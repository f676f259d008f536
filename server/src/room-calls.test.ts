import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Act } from '@flotilla/protocol/acts.ts'
import type { LoggedIn } from '@flotilla/protocol/control.ts'
import type { Entry, User } from '@flotilla/protocol/frames.ts'
import type { Client } from './test/client.ts'
import { Fleet } from './test/kit.ts'

describe('what the balancer asks of servers, about rooms', { timeout: 120_000 }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.start({ servers: 2 })
  })
  after(() => fleet.close())

  const ask = async (
    server: number,
    path: string,
    body: unknown = {},
    secret = fleet.balancer.fleetSecret,
  ) => {
    const url = (fleet.servers[server]?.url ?? '').replace(/^ws/, 'http').replace(/ws$/, `internal/${path}`)
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return {
      status: answer.status,
      body: (await answer.json()) as Record<string, unknown> & { code?: string },
    }
  }
  let acts = 0
  const act = (room: string, by: User, what: Act, server = 0) =>
    ask(server, `rooms/${room}/act`, { id: `act-${(acts += 1)}`, by, act: what })

  const account = async (username: string): Promise<LoggedIn> => {
    const password = 'correct horse battery'
    await fleet.call('POST', '/api/signup', { username, password })
    return fleet.call('POST', '/api/login', { username, password })
  }
  /** A room of hers, at home on the first server. */
  const roomOf = async ({ token, user }: LoggedIn, visibility: 'public' | 'private') => {
    const { roomId } = await fleet.call<{ roomId: string }>(
      'POST',
      '/api/rooms',
      { name: 'hall', visibility },
      token,
    )
    const client = await fleet.client(0, { token })
    await client.join(roomId)
    return { roomId, client, owner: user }
  }
  const say = async (client: Client, room: string, text: string) =>
    (await client.send(room, `m${(acts += 1)}`, text)).seq

  test('a home acts, and says what it knows; another server says that it is none, and a stranger to the fleet learns nothing', async () => {
    const ann = await account('ann')
    const { roomId, owner } = await roomOf(ann, 'private')
    const bob = { id: 'user:bob', name: 'bob' }
    const invited = await act(roomId, owner, { act: 'invite', user: bob })
    assert.equal(invited.status, 200)
    assert.partialDeepStrictEqual(invited.body, { seq: 1, event: 'invite', data: { user: bob } })
    assert.deepEqual((await act(roomId, owner, { act: 'invite', user: bob })).body, {})
    const { body: look } = await ask(0, `rooms/${roomId}/look`, { user: bob })
    assert.partialDeepStrictEqual(look, {
      role: 'invited',
      invited: [bob],
      version: 1,
      facts: { name: 'hall' },
    })
    assert.equal((await act(roomId, owner, { act: 'topic', topic: 'x' }, 1)).body.code, 'not_home')
    for (const path of ['act', 'look', 'read', 'audit', 'erase']) {
      assert.equal((await ask(0, `rooms/${roomId}/${path}`, {}, 'no secret')).status, 401, path)
    }
    assert.equal((await ask(0, `rooms/..%2f${roomId}/erase`)).body.code, 'no_such_room')
  })

  test('refusals keep their codes, and to strangers of a private room there is none', async () => {
    const dan = await account('dan')
    const { roomId, owner } = await roomOf(dan, 'private')
    const eve = { id: 'user:eve', name: 'eve' }
    const answers = [
      await act(roomId, eve, { act: 'topic', topic: 'x' }),
      await ask(0, `rooms/${roomId}/look`, { user: eve }),
      await act('nowhere', eve, { act: 'topic', topic: 'x' }),
      await act(roomId, owner, { act: 'leave' }),
      await act(roomId, owner, { act: 'role', user: eve, role: 'moderator' }),
      await act(roomId, owner, { act: 'mute', user: eve, until: 1 }),
      await ask(0, `rooms/${roomId}/act`, { id: 'x', by: owner, act: { act: 'fly' } }),
    ]
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.code]),
      [
        [404, 'no_such_room'],
        [404, 'no_such_room'],
        [404, 'no_such_room'],
        [403, 'forbidden'],
        [409, 'conflict'],
        [400, 'bad_request'],
        [400, 'bad_request'],
      ],
    )
    const [first, , third] = answers
    assert.deepEqual(first, third, 'nothing tells the room that is hidden from the one that is not there')
  })

  test('what was said is read on either side of a seq, and what was done and deleted is on record', async () => {
    const fay = await account('fay')
    const { roomId, owner, client } = await roomOf(fay, 'public')
    const seq = await say(client, roomId, 'one')
    await say(client, roomId, 'two')
    await client.expect('ack', { type: 'delete', room: roomId, id: 'd', target: seq })
    await act(roomId, owner, { act: 'topic', topic: 'news' })
    const entries = async (path: string, body: object) =>
      ((await ask(0, `rooms/${roomId}/${path}`, body)).body['entries'] as Entry[]).map((entry) => entry.type)
    assert.deepEqual(await entries('read', { after: 1, limit: 10 }), ['message', 'delete', 'system'])
    assert.deepEqual(await entries('read', { before: 3, limit: 1 }), ['message'])
    assert.deepEqual(await entries('audit', { limit: 10 }), ['system', 'delete'])
    const own = await ask(0, 'entries-of', { user: owner.id, limit: 10 })
    assert.equal((own.body['entries'] as Entry[]).length, 4)
  })

  test('[J9] a room that is erased is left by everybody on every server, and does not come back', async () => {
    const gus = await account('gus')
    const { roomId, client } = await roomOf(gus, 'private')
    await say(client, roomId, 'secret')
    const elsewhere = await fleet.client(1, { token: gus.token })
    await elsewhere.join(roomId)
    assert.equal((await ask(0, `rooms/${roomId}/erase`)).status, 200)
    for (const each of [client, elsewhere]) assert.equal((await each.frame('left')).reason, 'deleted')
    assert.equal((await client.ask({ type: 'join', room: roomId })).code, 'no_such_room')
    assert.equal((await ask(0, `rooms/${roomId}/look`)).body.code, 'no_such_room')
    assert.equal((await ask(0, `rooms/${roomId}/erase`)).status, 200, 'asked again')
  })

  test('of who deleted his account no room keeps the name, nor a place', async () => {
    const [hal, ivo] = [await account('hal'), await account('ivo')]
    const { roomId, client, owner } = await roomOf(hal, 'private')
    await act(roomId, owner, { act: 'invite', user: ivo.user })
    await act(roomId, ivo.user, { act: 'join' })
    const guest = await fleet.client(1, { token: ivo.token })
    await guest.join(roomId)
    await say(guest, roomId, 'mine')
    for (let again = 0; again < 2; again += 1) {
      assert.equal((await ask(0, 'forget-user', { user: { ...ivo.user, name: 'deleted user' } })).status, 200)
    }
    assert.equal((await guest.frame('left')).reason, 'deleted')
    const { entries } = await client.history(roomId)
    assert.equal(entries.filter((entry) => entry.type === 'system' && entry.event === 'gone').length, 1)
    assert.deepEqual(
      entries.filter(({ user }) => user.id === ivo.user.id).map(({ user }) => user.name),
      ['deleted user', 'deleted user', 'deleted user'],
    )
    const { body: look } = await ask(0, `rooms/${roomId}/look`)
    assert.equal(JSON.stringify(look).includes('ivo'), false)
  })
})
