import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANN, BEN, startRooms } from '../../test/rooms-stage.ts'

describe('the home of a room is found', () => {
  test('an act whose answer was lost is done once', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    homes[0]?.troubles.push('cut', 'cut')
    const { body } = await call(BEN, `POST /api/rooms/${room}/join`, {})
    assert.deepEqual([body['event'], body['seq']], ['join', 1])
    assert.equal(homes[0]?.rooms.get(room)?.entries.length, 1)
    assert.equal(homes[0]?.asked.length, 3)
  })

  test('one who asks again with the same key gets the same answer, and with another request a conflict', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    const key = { 'idempotency-key': 'k1' }
    const first = await call(ANN, `PATCH /api/rooms/${room}`, { topic: 'one' }, key)
    assert.equal(first.body['topic'], 'one')
    await call(ANN, `PATCH /api/rooms/${room}`, { topic: 'two' })
    await call(ANN, `PATCH /api/rooms/${room}`, { topic: 'one' }, key)
    assert.equal(homes[0]?.rooms.get(room)?.entries.length, 2)
    assert.equal((await call(ANN, `GET /api/rooms/${room}`)).body['topic'], 'two')
    assert.equal((await call(ANN, `PATCH /api/rooms/${room}`, { topic: 'three' }, key)).code, 'conflict')
  })

  test('a home that is not there any more is replaced by another', async (t) => {
    const { call, make, homes, down, store } = await startRooms(t, { homes: 2 })
    const room = await make(ANN, 'public')
    const dead = homes[0]
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).status, 200)
    assert.equal((await store.room(room))?.home, 'a')
    await dead?.stop()
    down.add('a')
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).status, 200)
    assert.equal((await store.room(room))?.home, 'b')
  })

  test('a home that is busy, or does not know yet that it is one, is asked again', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    homes[0]?.troubles.push(
      { status: 409, code: 'not_home' },
      { status: 503, code: 'busy' },
      { status: 500, code: 'internal' },
    )
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).body['event'], 'join')
    assert.equal(homes[0]?.asked.length, 4)
  })

  test('where no home answers in time, it is said when to ask again', async (t) => {
    const { call, make, down, patience } = await startRooms(t)
    const room = await make(ANN, 'public')
    down.add('a')
    patience.ms = 10
    const { status, code } = await call(BEN, `POST /api/rooms/${room}/join`, {})
    assert.deepEqual([status, code], [503, 'busy'])
  })
})
