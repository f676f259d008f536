import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../test/fleet.ts'
import { ANN, BEN, CAT, GUEST, startRooms } from '../../test/rooms-stage.ts'

describe('rooms that not everybody sees', () => {
  test('a private room is made by who has an account, who owns it, and is listed to nobody else', async (t) => {
    const { call, make } = await startRooms(t)
    const room = await make(ANN, 'private', { topic: 'What to do' })
    const { body } = await call(ANN, `GET /api/rooms/${room}`)
    const { createdAt, ...facts } = body
    assert.ok(Number(createdAt) > 0)
    assert.deepEqual(facts, {
      ...{
        roomId: room,
        name: 'Tea',
        visibility: 'private',
        home: 'a',
        membership: 'owner',
        topic: 'What to do',
      },
    })
    const ids = async (user: typeof ANN) =>
      ((await call(user, 'GET /api/rooms')).body as unknown as { roomId: string }[]).map(
        ({ roomId }) => roomId,
      )
    assert.deepEqual(
      [await ids(ANN), await ids(BEN), await ids(GUEST)],
      [['general', room], ['general'], ['general']],
    )
    const asGuest = await call(GUEST, 'POST /api/rooms', { name: 'Tea', visibility: 'private' })
    assert.equal(asGuest.code, 'forbidden')
    assert.equal((await call(GUEST, 'POST /api/rooms', { name: 'Tea', topic: 'x' })).code, 'forbidden')
    assert.equal((await call(GUEST, 'POST /api/rooms', { name: 'Tea' })).status, 201)
  })

  test('a room whose topic could not be set was not made', async (t) => {
    const { call, down, patience } = await startRooms(t)
    down.add('a')
    patience.ms = 10
    assert.equal((await call(ANN, 'POST /api/rooms', { name: 'Half', topic: 'x' })).code, 'busy')
    assert.doesNotMatch((await call(ANN, 'GET /api/rooms')).text, /Half/)
  })

  test('it is looked up by its members, and by nobody else', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'private')
    const { body } = await call(ANN, `POST /api/rooms/${room}`)
    assert.deepEqual(body, { roomId: room, url: homes[0]?.peer.url, home: 'a' })
    assert.equal((await call(BEN, `POST /api/rooms/${room}`)).code, 'no_such_room')
  })

  test('each change of a room is an act of its own, and an archive is closed last and opened first', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'private')
    const all = { archived: true, name: ' New ', topic: 'New', slowMs: 5_000, retentionDays: 30 }
    const { body } = await call(ANN, `PATCH /api/rooms/${room}`, all)
    assert.deepEqual(
      ['name', 'topic', 'slowMs', 'retentionDays', 'archived'].map((fact) => body[fact]),
      ['New', 'New', 5_000, 30, true],
    )
    const listed = (await call(ANN, 'GET /api/rooms')).body as unknown as Record<string, unknown>[]
    assert.deepEqual([listed[1]?.['name'], listed[1]?.['archived']], ['New', true])
    assert.equal((await call(ANN, `PATCH /api/rooms/${room}`, { topic: 'Newer' })).code, 'forbidden')
    const back = await call(ANN, `PATCH /api/rooms/${room}`, {
      topic: 'Newer',
      archived: false,
      retentionDays: null,
    })
    assert.deepEqual(
      [back.body['topic'], back.body['archived'], back.body['retentionDays']],
      ['Newer', undefined, undefined],
    )
    for (const wrong of [{ name: 'a\u202eb' }, { topic: 'a\u202eb' }, { topic: 'a\nb' }])
      assert.equal((await call(ANN, `PATCH /api/rooms/${room}`, wrong)).code, 'bad_name')
    const events = homes[0]?.rooms.get(room)?.entries.map(({ event }) => event)
    const done = ['rename', 'topic', 'slow', 'retention', 'archive', 'unarchive', 'topic', 'retention']
    assert.deepEqual(events, done)
  })

  test('between two people there is one room, whoever asks, with the other one’s name', async (t) => {
    const { call, accounts } = await startRooms(t)
    const one = await call(ANN, 'POST /api/direct', { username: 'BEN' })
    const other = await call(BEN, 'POST /api/direct', { username: 'ann' })
    assert.deepEqual([one.status, one.body], [200, other.body])
    const room = String(one.body['roomId'])
    accounts.set(BEN.id, { ...BEN, name: 'Benjamin' })
    const listed = (await call(ANN, 'GET /api/rooms')).body as unknown as Record<string, unknown>[]
    const { name, people, visibility, membership } = listed[1] ?? {}
    assert.deepEqual([name, people], ['Benjamin', [ANN, { ...BEN, name: 'Benjamin' }]])
    assert.deepEqual([visibility, membership], ['direct', 'member'])
    assert.equal((await call(CAT, `GET /api/rooms/${room}`)).code, 'no_such_room')
    assert.equal((await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'cat' })).code, 'forbidden')
    assert.equal((await call(ANN, `DELETE /api/rooms/${room}`)).code, 'forbidden')
    accounts.delete(BEN.id)
    assert.equal((await call(ANN, `GET /api/rooms/${room}`)).body['name'], 'deleted user')
  })

  test('who blocks whom, or is nobody, is not written to', async (t) => {
    const { call, blocks, retold, rooms, homes } = await startRooms(t)
    const direct = async (user: typeof ANN, username: string) =>
      (await call(user, 'POST /api/direct', { username })).code
    assert.deepEqual(
      [await direct(GUEST, 'ann'), await direct(ANN, 'ann'), await direct(ANN, 'nobody')],
      ['forbidden', 'forbidden', 'no_such_user'],
    )
    blocks.add(`${BEN.id} ${ANN.id}`)
    assert.equal(await rooms.blocked(BEN, ANN.id, true), undefined)
    assert.deepEqual([await direct(ANN, 'ben'), await direct(BEN, 'ann')], ['forbidden', 'forbidden'])
    blocks.clear()
    assert.deepEqual(retold, [])
    const room = String((await call(ANN, 'POST /api/direct', { username: 'ben' })).body['roomId'])
    assert.deepEqual(retold, [`${ANN.id} ${BEN.id}`], 'who blocked the other meanwhile found no room')
    assert.equal(await rooms.blocked(BEN, ANN.id, true), undefined)
    assert.equal(await rooms.blocked(BEN, ANN.id, false), undefined)
    const events = homes[0]?.rooms.get(room)?.entries.map(({ event, user }) => [event, user.id])
    assert.deepEqual(events, [
      ['block', BEN.id],
      ['unblock', BEN.id],
    ])
  })

  test('a new name is told to all the rooms of its bearer', async (t) => {
    const { call, make, rooms } = await startRooms(t)
    const room = await make(ANN, 'private')
    await rooms.renamed({ ...ANN, name: 'Anna' })
    const { body } = await call(ANN, `GET /api/rooms/${room}/members`)
    assert.deepEqual(body['members'], [{ user: { ...ANN, name: 'Anna' }, role: 'owner' }])
  })

  test('of two names told one after the other the second stands, though a home put the first off', async (t) => {
    const { call, make, rooms, homes, accounts } = await startRooms(t)
    const room = await make(ANN, 'private')
    homes[0]?.troubles.push({ status: 503, code: 'busy' })
    const renamed = (name: string) => {
      accounts.set(ANN.id, { ...ANN, name })
      return rooms.renamed({ ...ANN, name })
    }
    await Promise.all([renamed('Anna'), renamed('Anne')])
    const { body } = await call(ANN, `GET /api/rooms/${room}/members`)
    assert.deepEqual(body['members'], [{ user: { ...ANN, name: 'Anne' }, role: 'owner' }])
  })

  test('the lists of a lost directory come back from what the homes know', async (t) => {
    const { call, make, rooms, store, file } = await startRooms(t)
    const room = await make(ANN, 'private')
    await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    await call(ANN, `PATCH /api/rooms/${room}`, { name: 'Later' })
    const genesis = (await store.room(room))?.genesis
    file.db.exec(`DELETE FROM rooms WHERE room_id <> 'general'; DELETE FROM members`)
    assert.ok(genesis)
    const learnt = await store.adoptRooms('a', [{ room, epoch: 1, head: 3, genesis }], 9)
    rooms.learnt(learnt)
    const rows = async () => (await call(BEN, 'GET /api/rooms')).body as unknown as Record<string, unknown>[]
    await until(async () => (await rows()).some(({ name }) => name === 'Later'))
    assert.equal((await rows())[1]?.['membership'], 'member')
    assert.equal((await call(CAT, `GET /api/rooms/${room}`)).code, 'no_such_room')
  })

  test('who is no more is in no list', async (t) => {
    const { call, make, rooms } = await startRooms(t)
    await make(ANN, 'private')
    await rooms.forgotten(ANN.id)
    assert.equal(((await call(ANN, 'GET /api/rooms')).body as unknown as []).length, 1)
  })
})

describe('a room is deleted', () => {
  test('by its owner alone, at once and for good, on each server', async (t) => {
    const { call, make, homes, store } = await startRooms(t, { homes: 2 })
    const room = await make(ANN, 'public')
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    for (const user of [BEN, CAT, GUEST])
      assert.equal((await call(user, `DELETE /api/rooms/${room}`)).code, 'forbidden')
    const { status, body } = await call(ANN, `DELETE /api/rooms/${room}`)
    assert.deepEqual([status, body], [200, { pending: 0 }])
    assert.deepEqual(
      homes.map(({ erased }) => [...erased]),
      [[room], [room]],
    )
    for (const line of ['GET', 'POST', 'DELETE'])
      assert.equal((await call(ANN, `${line} /api/rooms/${room}`)).code, 'no_such_room')
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).code, 'no_such_room')
    assert.doesNotMatch((await call(ANN, 'GET /api/rooms')).text, /Tea/)
    assert.equal(await store.moveRoom(room, 'a', 99), undefined)
    assert.equal((await call(ANN, 'DELETE /api/rooms/general')).code, 'forbidden')
  })

  test('who was away erases it when he is back', async (t) => {
    const { call, make, homes, down, rooms } = await startRooms(t, { homes: 2 })
    const room = await make(ANN, 'private')
    await call(ANN, `GET /api/rooms/${room}`)
    down.add('b')
    assert.deepEqual((await call(ANN, `DELETE /api/rooms/${room}`)).body, { pending: 1 })
    assert.equal(homes[1]?.erased.size, 0)
    down.delete('b')
    homes[1]?.troubles.push({ status: 503, code: 'busy' })
    rooms.start()
    await until(() => homes[1]?.erased.has(room) === true)
  })

  test('a room that a server cannot erase keeps it from no other', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const [first, second] = [await make(ANN, 'private'), await make(ANN, 'private')].toSorted()
    homes[0]?.kept.add(first ?? '')
    assert.deepEqual((await call(ANN, `DELETE /api/rooms/${first}`)).body, { pending: 1 })
    assert.deepEqual((await call(ANN, `DELETE /api/rooms/${second}`)).body, { pending: 0 })
  })
})
