import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  PlacedSchema,
  RoomFactsSchema,
  RoomListSchema,
  RoomPlaceSchema,
  type Placed,
  type Problem,
} from '@flotilla/protocol/control.ts'
import { register, signIn, startBalancer, startPeers, type Balancer, type Peer } from '../../test/fleet.ts'
import { normaliseRoomName } from './room-name.ts'

const codeOf = ({ body }: { body: never }) => (body as Problem).code

async function createRoom(balancer: Balancer, name: string, as: Record<string, string>): Promise<string> {
  const { status, body } = await balancer.post('/api/rooms', { name }, as)
  assert.equal(status, 201)
  return (body as { roomId: string }).roomId
}

describe('rooms', () => {
  test('general is there from the start', async (t) => {
    const balancer = await startBalancer(t)
    const rooms = RoomListSchema.parse((await balancer.get('/api/rooms', await signIn(balancer))).body)
    assert.deepEqual(
      rooms.map(({ roomId, visibility, home }) => [roomId, visibility, home]),
      [['general', 'public', undefined]],
    )
  })

  test('a room that was made is listed, has its facts, and an id that fits a link', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signIn(balancer)
    const roomId = await createRoom(balancer, '  Tea & Möhren 🥕 ', ann)
    assert.match(roomId, /^[A-Za-z0-9_-]{10}$/)
    const { body } = await balancer.get(`/api/rooms/${roomId}`, ann)
    const facts = RoomFactsSchema.parse(body)
    assert.deepEqual([facts.roomId, facts.name, facts.home], [roomId, 'Tea & Möhren 🥕', undefined])
    assert.equal(RoomListSchema.parse((await balancer.get('/api/rooms', ann)).body)[1]?.roomId, roomId)
  })

  test('the look-up of a room places it, and answers its home ever after', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signIn(balancer)
    const [peer] = (await startPeers(t, balancer, ['a'])) as [Peer]
    const roomId = await createRoom(balancer, 'Tea', ann)
    const { status, body } = await balancer.post(`/api/rooms/${roomId}`, undefined, ann)
    assert.equal(status, 200)
    assert.deepEqual(RoomPlaceSchema.parse(body), { roomId, url: peer.registration().url, home: 'a' })
    assert.deepEqual((await balancer.post(`/api/rooms/${roomId}`, {}, ann)).body, body)
    assert.equal(RoomFactsSchema.parse((await balancer.get(`/api/rooms/${roomId}`, ann)).body).home, 'a')
  })

  test('no token, no answer', async (t) => {
    const balancer = await startBalancer(t)
    const calls = [
      balancer.get('/api/rooms'),
      balancer.post('/api/rooms', { name: 'x' }),
      balancer.get('/api/rooms/general'),
    ]
    calls.push(
      balancer.post('/api/rooms/general'),
      balancer.get('/api/rooms', { authorization: 'Bearer x.y.z' }),
    )
    // The secret of the fleet is no token of a person.
    calls.push(balancer.get('/api/rooms', { authorization: `Bearer ${balancer.fleetSecret}` }))
    for (const reply of await Promise.all(calls))
      assert.deepEqual([reply.status, codeOf(reply)], [401, 'unauthenticated'])
  })

  test('what is refused says why', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signIn(balancer)
    const codes = async (body: unknown) => codeOf(await balancer.post('/api/rooms', body, ann))
    assert.equal(await codes({ name: '   ' }), 'bad_name')
    assert.equal(await codes({ name: 'a\u202eb' }), 'bad_name')
    assert.equal(await codes({ name: 'x', visibility: 'private' }), 'forbidden')
    assert.equal(await codes({ name: 'x', visibility: 'direct' }), 'bad_request')
    assert.equal(await codes({ name: 'x'.repeat(65) }), 'bad_request')
    assert.equal(await codes({}), 'bad_request')
    for (const path of [
      '/api/rooms/nowhere',
      '/api/rooms/..%2f',
      '/api/rooms/%00',
      `/api/rooms/${'x'.repeat(65)}`,
    ]) {
      for (const reply of [await balancer.get(path, ann), await balancer.post(path, undefined, ann)])
        assert.deepEqual([reply.status, codeOf(reply)], [404, 'no_such_room'], path)
    }
    assert.equal(codeOf(await balancer.post('/api/rooms/general', undefined, ann)), 'no_server')
  })

  test('names of rooms are trimmed, composed, printable and of 1 to 64 characters', () => {
    assert.equal(normaliseRoomName(' u\u0308ber '), 'über')
    assert.equal(normaliseRoomName('🥕'.repeat(64)), '🥕'.repeat(64))
    for (const bad of ['', ' ', 'x'.repeat(65), 'a\nb', 'a\u0000', '\ud800', 'a\u200fb'])
      assert.equal(normaliseRoomName(bad), undefined, JSON.stringify(bad))
  })
})

describe('servers ask for homes', () => {
  const place = async (balancer: Balancer, room: string, server: string): Promise<Placed> => {
    const { status, body, text } = await balancer.tell('/internal/place', { room, server })
    assert.equal(status, 200, text)
    return PlacedSchema.parse(body)
  }

  test('the asking server becomes the home of a fresh room; the others are told the same', async (t) => {
    const balancer = await startBalancer(t)
    await startPeers(t, balancer, ['a', 'b'])
    const first = await place(balancer, 'general', 'b')
    assert.deepEqual([first.home.id, first.epoch, first.visibility], ['b', 1, 'public'])
    assert.deepEqual(await place(balancer, 'general', 'a'), first)
  })

  test('a room that does not exist is not placed', async (t) => {
    const balancer = await startBalancer(t)
    await startPeers(t, balancer, ['a'])
    const reply = await balancer.tell('/internal/place', { room: 'nowhere', server: 'a' })
    assert.deepEqual([reply.status, codeOf(reply)], [404, 'no_such_room'])
  })

  test('many rooms asked for by one server are spread, not all given to it', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signIn(balancer)
    await startPeers(t, balancer, ['a', 'b', 'c', 'd'])
    const rooms = await Promise.all(
      Array.from({ length: 100 }, (_, at) => createRoom(balancer, `r${at}`, ann)),
    )
    const placed = await Promise.all(rooms.map((room) => place(balancer, room, 'a')))
    const counts = Map.groupBy(placed, ({ home }) => home.id)
    assert.equal(counts.size, 4)
    assert.ok((counts.get('a')?.length ?? 0) <= 25 + 8)
  })

  test('a directory that was lost is learnt again from what the servers hold', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signIn(balancer)
    const [a, b] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    const held = (room: string, epoch: number) => ({ rooms: [{ room, epoch, head: 10 }] })
    await register(balancer, a, held('lost', 4))
    await register(balancer, b, held('lost', 3))
    const { home, epoch } = await place(balancer, 'lost', 'b')
    assert.deepEqual([home.id, epoch], ['a', 4])
    assert.equal(RoomFactsSchema.parse((await balancer.get('/api/rooms/lost', ann)).body).name, 'lost')
  })

  test('a home that drains is replaced when somebody needs the room', async (t) => {
    const balancer = await startBalancer(t)
    const [a] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    await place(balancer, 'general', 'a')
    await balancer.tell('/update', a.report({ draining: true }))
    const placed = await place(balancer, 'general', 'b')
    assert.deepEqual([placed.home.id, placed.epoch, placed.from[0]?.id], ['b', 2, 'a'])
  })

  test('a home that says it has all of a room is the only one to be asked for it', async (t) => {
    const balancer = await startBalancer(t)
    const [a] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    await place(balancer, 'general', 'a')
    await balancer.tell('/update', a.report({ draining: true }))
    await place(balancer, 'general', 'b')
    const rooms = [{ room: 'general', epoch: 2, head: 7 }]
    assert.equal((await balancer.tell('/internal/taken', { server: 'b', rooms })).status, 200)
    assert.deepEqual((await place(balancer, 'general', 'b')).from, [])
  })
})
