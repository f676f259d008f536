import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../test/fleet.ts'
import { ANN, BEN, CAT, GUEST, startRooms } from '../../test/rooms-stage.ts'

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('what is looked into', () => {
  test('the record of a room is for its owner and moderators, the newest first', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    for (const user of [BEN, CAT]) await call(user, `POST /api/rooms/${room}/join`, {})
    homes[0]?.say(room, BEN, 'hello')
    await call(ANN, `POST /api/rooms/${room}/role`, { user: BEN.id, role: 'moderator' })
    const { body } = await call(BEN, `GET /api/rooms/${room}/audit`)
    const seen = (body['entries'] as unknown as { seq: number; event: string }[]).map(({ seq, event }) => [
      seq,
      event,
    ])
    assert.deepEqual(seen, [
      [4, 'role'],
      [2, 'join'],
      [1, 'join'],
    ])
    assert.equal(body['next'], undefined)
    const older = (await call(ANN, `GET /api/rooms/${room}/audit?before=2`)).body['entries'] as unknown as []
    assert.equal(older.length, 1)
    for (const user of [CAT, GUEST])
      assert.equal((await call(user, `GET /api/rooms/${room}/audit`)).code, 'forbidden')
    assert.equal((await call(ANN, `GET /api/rooms/${room}/audit?before=x`)).code, 'bad_request')
  })

  test('a long record is read in pages', async (t) => {
    const { call, make } = await startRooms(t)
    const room = await make(ANN, 'public')
    for (const who of [BEN, CAT]) {
      await call(who, `POST /api/rooms/${room}/join`, {})
      await call(ANN, `POST /api/rooms/${room}/role`, { user: who.id, role: 'moderator' })
    }
    const keepers = [ANN, BEN, CAT]
    for (let at = 0; at < 197; at += 1) {
      await call(keepers[at % 3] ?? ANN, `PATCH /api/rooms/${room}`, { topic: `the ${at}th` })
    }
    const first = (await call(ANN, `GET /api/rooms/${room}/audit`)).body
    assert.deepEqual([(first['entries'] as unknown as []).length, first['next']], [200, 2])
    const rest = (
      await call(ANN, `GET /api/rooms/${room}/audit?before=${first['next'] as unknown as number}`)
    ).body
    assert.deepEqual([(rest['entries'] as unknown as []).length, rest['next']], [1, undefined])
  })

  test('what is reported is shown to owner and moderators, with what was said around it', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    for (const user of [BEN, CAT]) await call(user, `POST /api/rooms/${room}/join`, {})
    for (let at = 3; at <= 20; at += 1) homes[0]?.say(room, BEN, `text ${at}`)
    const report = (user: typeof ANN, seq: number) =>
      call(user, `POST /api/rooms/${room}/reports`, { seq, reason: 'rude' })
    assert.equal((await report(CAT, 10)).status, 201)
    assert.equal((await report(CAT, 10)).status, 201)
    assert.equal((await report(GUEST, 20)).status, 201)
    assert.deepEqual([(await report(CAT, 1)).code, (await report(CAT, 21)).code], ['conflict', 'conflict'])
    const { body } = await call(ANN, `GET /api/rooms/${room}/reports`)
    const reports = body['reports'] as unknown as { seq: number; by: object; context: { seq: number }[] }[]
    assert.deepEqual(
      reports.map(({ seq, by }) => [seq, by]),
      [
        [20, GUEST],
        [10, CAT],
      ],
    )
    assert.deepEqual(
      reports.map(({ context }) => [context[0]?.seq, context.at(-1)?.seq]),
      [
        [15, 20],
        [5, 15],
      ],
    )
    assert.equal((await call(CAT, `GET /api/rooms/${room}/reports`)).code, 'forbidden')
    await call(ANN, `POST /api/rooms/${room}/ban`, { user: CAT.id })
    assert.equal((await report(CAT, 11)).code, 'forbidden')
  })

  test('what is reported where nobody keeps order waits for the operator, until he has dealt with it', async (t) => {
    const { call, make, homes, operator, logged } = await startRooms(t)
    const direct = String((await call(ANN, 'POST /api/direct', { username: 'ben' })).body['roomId'])
    const kept = await make(ANN, 'public')
    for (const room of [direct, kept, 'general']) {
      await call(ANN, `POST /api/rooms/${room}/reports`, { seq: 1, reason: 'too early' })
      const seq = homes[0]?.say(room, BEN, 'something rude')
      const reason = 'Xylophone'
      assert.equal((await call(ANN, `POST /api/rooms/${room}/reports`, { seq, reason })).status, 201)
      assert.equal((await call(ANN, `POST /api/rooms/${room}/reports`, { seq, reason })).status, 201)
    }
    const list = async (query = '') => {
      const { body } = await operator(`GET /internal/reports${query}`)
      return body['reports'] as unknown as Record<string, unknown>[]
    }
    const [ofAll, ofBoth] = await list()
    assert.deepEqual([ofAll?.['roomId'], ofBoth?.['roomId']], ['general', direct])
    const { id, roomId, visibility, by, reason, context } = ofBoth ?? {}
    assert.deepEqual([roomId, visibility, by, reason], [direct, 'direct', ANN, 'Xylophone'])
    assert.match(JSON.stringify(context), /something rude/)
    assert.equal((await list('?all')).length, 3)
    assert.deepEqual(await list(`?before=${String(id)}`), [])
    assert.equal((await operator('GET /internal/reports?before=x')).code, 'bad_request')
    const told = logged().filter(({ msg }) => String(msg).includes('report waits'))
    assert.deepEqual(
      told.map(({ room }) => room),
      [direct, 'general'],
    )
    assert.doesNotMatch(JSON.stringify(told), /Xylophone|rude/)
    assert.equal((await operator(`DELETE /internal/reports/${String(id)}`)).status, 200)
    assert.equal((await operator(`DELETE /internal/reports/${String(id)}`)).code, 'not_found')
    assert.equal((await operator('DELETE /internal/reports/x')).code, 'not_found')
    assert.equal((await list()).length, 1)
    for (const line of ['GET /internal/reports', 'DELETE /internal/reports/1'])
      assert.equal((await call(ANN, line)).code, 'unauthenticated')
  })

  test('who reports and reports is put off', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    homes[0]?.say(room, BEN, 'hello')
    const codes = []
    for (let at = 0; at < 11; at += 1)
      codes.push((await call(CAT, `POST /api/rooms/${room}/reports`, { seq: 2, reason: 'rude' })).code)
    assert.deepEqual([codes.at(9), codes.at(10)], [undefined, 'rate_limited'])
  })
})

describe('exports', () => {
  test('of a room: all of it, a line for each entry, for its owner', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'private')
    await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    for (let at = 0; at < 450; at += 1) homes[0]?.say(room, BEN, `text ${at}`)
    const { status, text } = await call(ANN, `GET /api/rooms/${room}/export`)
    assert.equal(status, 200)
    const [head, ...entries] = lines(text)
    assert.deepEqual([head?.['type'], (head?.['members'] as []).length], ['room', 2])
    assert.deepEqual(entries.pop(), { type: 'end', complete: true })
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      Array.from({ length: 452 }, (_, at) => at + 1),
    )
    assert.equal((await call(BEN, `GET /api/rooms/${room}/export`)).code, 'forbidden')
  })

  test('of a room whose home goes away meanwhile: it says that it is not all', async (t) => {
    const { call, make, homes, patience } = await startRooms(t)
    const room = await make(ANN, 'private')
    await call(ANN, `GET /api/rooms/${room}/members`)
    homes[0]?.say(room, ANN, 'hello')
    const busy = Array.from({ length: 99 }, () => ({ status: 503, code: 'busy' }))
    homes[0]?.troubles.push(
      () => {},
      () => (patience.ms = 10),
      ...busy,
    )
    const got = lines((await call(ANN, `GET /api/rooms/${room}/export`)).text)
    assert.deepEqual(got.at(-1), { type: 'end', complete: false, after: 1 })
  })

  test('of one’s own: the account, its rooms, and what it said, also as the guest it was, on whatever server', async (t) => {
    const { call, make, homes, down } = await startRooms(t, { homes: 2 })
    const room = await make(ANN, 'private')
    await call(ANN, `GET /api/rooms/${room}`)
    for (let at = 0; at < 250; at += 1) homes[0]?.say(room, ANN, `text ${at}`)
    homes[0]?.say(room, BEN, 'not hers')
    down.add('a')
    await call(BEN, 'POST /api/rooms/general/join', {})
    homes[1]?.say('general', { id: 'guest:formerly', name: 'formerly' }, 'as a guest')
    down.delete('a')
    const got = lines((await call(ANN, 'GET /api/me/export')).text)
    assert.deepEqual(got[0], { type: 'account', ...ANN, formerly: 'guest:formerly' })
    assert.deepEqual(got[1], { type: 'session' })
    assert.deepEqual(got[2], {
      type: 'room',
      roomId: room,
      name: 'Tea',
      visibility: 'private',
      role: 'owner',
    })
    assert.deepEqual(got.at(-1), { type: 'end', complete: true })
    const texts = got.filter(({ type }) => type === 'message').map(({ text }) => text)
    assert.equal(texts.length, 251)
    assert.ok(texts.includes('as a guest') && !texts.includes('not hers'))
    down.add('b')
    const part = lines((await call(ANN, 'GET /api/me/export')).text)
    assert.deepEqual(part.at(-1), { type: 'end', complete: false, missing: ['b'] })
    assert.equal((await call(GUEST, 'GET /api/me/export')).code, 'forbidden')
  })

  test('one at a time', async (t) => {
    const { call, make, homes, url } = await startRooms(t)
    const room = await make(ANN, 'private')
    await call(ANN, `GET /api/rooms/${room}/members`)
    for (let at = 0; at < 20_000; at += 1) homes[0]?.say(room, ANN, 'x'.repeat(100))
    // Not read, it goes no further than what fits between the two.
    const headers = { authorization: `Bearer ${ANN.id}` }
    const first = await fetch(`${url}/api/rooms/${room}/export`, { headers })
    assert.equal((await call(ANN, `GET /api/rooms/${room}/export`)).code, 'busy')
    await first.body?.cancel()
    await until(async () => (await call(BEN, 'GET /api/me/export')).status === 200)
    await until(async () => (await call(ANN, 'GET /api/me/export')).code !== 'busy')
  })

  test('who takes nothing of his does not keep it from others', async (t) => {
    const { call, make, homes, accounts, clock, url } = await startRooms(t, { stillMs: 20 })
    const unread: Response[] = []
    for (const name of ['dan', 'eve', 'fay', 'gil']) {
      const user = { id: `user:${name}`, name }
      accounts.set(user.id, user)
      const room = await make(user, 'private')
      await call(user, `GET /api/rooms/${room}/members`)
      for (let at = 0; at < 20_000; at += 1) homes[0]?.say(room, user, 'x'.repeat(1_000))
      const headers = { authorization: `Bearer ${user.id}` }
      const response = await fetch(`${url}/api/rooms/${room}/export`, { headers })
      assert.equal(response.status, 200)
      unread.push(response)
    }
    await until(async () => {
      clock.now += 10_000 // so that it is not put off for asking too often
      return (await call(BEN, 'GET /api/me/export')).status === 200
    })
    assert.equal(unread.length, 4)
  })

  test('only so many in a time', async (t) => {
    const { call } = await startRooms(t)
    const codes = []
    for (let at = 0; at < 6; at += 1) codes.push((await call(ANN, 'GET /api/me/export')).code)
    assert.deepEqual(codes, [undefined, undefined, undefined, undefined, undefined, 'rate_limited'])
  })
})
