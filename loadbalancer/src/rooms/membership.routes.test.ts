import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANN, BEN, CAT, GUEST, startRooms, type Stage } from '../../test/rooms-stage.ts'

/** What of a room somebody sees in his list. */
async function listed({ call }: Stage, user: typeof ANN, roomId: string) {
  const { body } = await call(user, 'GET /api/rooms')
  const row = (body as unknown as { roomId: string; membership?: string }[]).find(
    (each) => each.roomId === roomId,
  )
  return row === undefined ? 'not listed' : (row.membership ?? 'nothing')
}

describe('who comes and goes', () => {
  test('who is invited can join, is a member then, and is one no more when he was sent out', async (t) => {
    const stage = await startRooms(t)
    const { call, make } = stage
    const room = await make(ANN, 'private')
    assert.equal(await listed(stage, BEN, room), 'not listed')
    assert.deepEqual((await call(BEN, `POST /api/rooms/${room}/join`, {})).code, 'no_such_room')
    const invited = await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })
    assert.deepEqual([invited.status, invited.body['seq'], invited.body['event']], [200, 1, 'invite'])
    assert.equal(await listed(stage, BEN, room), 'invited')
    assert.equal((await call(BEN, `GET /api/rooms/${room}`)).body['name'], 'Tea')
    for (const path of ['/members', '/audit', '/reports', '/links', '/export'])
      assert.equal((await call(BEN, `GET /api/rooms/${room}${path}`)).code, 'forbidden', path)
    assert.equal((await call(BEN, `DELETE /api/rooms/${room}`)).code, 'forbidden')
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).body['event'], 'join')
    assert.equal(await listed(stage, BEN, room), 'member')
    const { body } = await call(BEN, `GET /api/rooms/${room}/members`)
    assert.deepEqual(body, {
      members: [
        { user: ANN, role: 'owner' },
        { user: BEN, role: 'member' },
      ],
      count: 2,
    })
    const removed = await call(ANN, `POST /api/rooms/${room}/remove`, { user: BEN.id, reason: 'spam' })
    assert.equal(removed.body['event'], 'remove')
    assert.equal(await listed(stage, BEN, room), 'not listed')
    for (const path of ['', '/members', '/audit', '/reports', '/links', '/export'])
      assert.equal((await call(BEN, `GET /api/rooms/${room}${path}`)).code, 'no_such_room', path)
  })

  test('who has a link can join until it ends, as often as it says', async (t) => {
    const stage = await startRooms(t)
    const { call, make } = stage
    const room = await make(ANN, 'private')
    const once = await call(ANN, `POST /api/rooms/${room}/links`, { expiresInMs: 60_000, uses: 1 })
    assert.equal(once.status, 201)
    const { link, hash } = once.body as unknown as { link: string; hash: string }
    const join = async (user: typeof ANN, by: string) =>
      (await call(user, `POST /api/rooms/${room}/join`, { link: by })).code
    assert.equal(await join(BEN, 'x'.repeat(32)), 'no_such_room')
    assert.equal(await join(BEN, hash.slice(0, 32)), 'no_such_room')
    assert.equal(await join(BEN, link), undefined)
    assert.equal(await join(CAT, link), 'no_such_room')
    const more = await call(ANN, `POST /api/rooms/${room}/links`, { expiresInMs: 60_000 })
    const second = more.body as unknown as { link: string; hash: string }
    assert.deepEqual(
      ((await call(ANN, `GET /api/rooms/${room}/links`)).body as unknown as { hash: string }[]).map(
        (row) => row.hash,
      ),
      [second.hash],
    )
    assert.equal((await call(BEN, `GET /api/rooms/${room}/links`)).code, 'forbidden')
    assert.equal((await call(ANN, `DELETE /api/rooms/${room}/links/${second.hash}`)).body['event'], 'unlink')
    assert.equal(await join(CAT, second.link), 'no_such_room')
    assert.equal((await call(ANN, `DELETE /api/rooms/${room}/links/x`)).code, 'bad_request')
  })

  test('each act of the owner becomes an entry, and the list of members follows', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'public')
    const act = async (name: string, body: object) =>
      (await call(ANN, `POST /api/rooms/${room}/${name}`, body)).body['event']
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    await call(CAT, `POST /api/rooms/${room}/join`, {})
    assert.equal(await act('role', { user: BEN.id, role: 'moderator' }), 'role')
    assert.equal(await act('mute', { user: CAT.id, minutes: 5 }), 'mute')
    assert.equal(await act('unmute', { user: CAT.id }), 'unmute')
    assert.equal(await act('ban', { user: GUEST.id, reason: 'noise' }), 'ban')
    assert.equal(await act('unban', { user: GUEST.id }), 'unban')
    assert.equal(await act('ban', { user: GUEST.id, minutes: 10 }), 'ban')
    assert.equal(await act('owner', { user: BEN.id }), 'owner')
    const page = (await call(BEN, `GET /api/rooms/${room}/members?limit=2`)).body
    assert.deepEqual(page['members'], [
      { user: ANN, role: 'moderator' },
      { user: BEN, role: 'owner' },
    ])
    assert.deepEqual(
      [page['count'], page['next'], (page['banned'] as unknown as [{ user: object }])[0].user],
      [3, BEN.id, GUEST],
    )
    const rest = (await call(CAT, `GET /api/rooms/${room}/members?limit=2&after=${BEN.id}`)).body
    assert.deepEqual(rest, { members: [{ user: CAT, role: 'member' }], count: 3 })
    const events = homes[0]?.rooms.get(room)?.entries.map(({ event }) => event)
    const happened = ['join', 'join', 'role', 'mute', 'unmute', 'ban', 'unban', 'ban', 'owner']
    assert.deepEqual(events, happened)
    assert.equal((await call(CAT, `GET /api/rooms/${room}/members?limit=0`)).code, 'bad_request')
    assert.equal((await call(CAT, `GET /api/rooms/${room}/members?after=user:nobody`)).code, 'bad_request')
  })

  test('what the home refuses is refused, with its word for people', async (t) => {
    const { call, make } = await startRooms(t)
    const room = await make(ANN, 'public')
    await call(BEN, `POST /api/rooms/${room}/join`, {})
    const refusals = [
      await call(BEN, `POST /api/rooms/${room}/remove`, { user: ANN.id }),
      await call(ANN, `POST /api/rooms/${room}/leave`),
      await call(GUEST, `POST /api/rooms/${room}/join`, {}),
      await call(ANN, `POST /api/rooms/${room}/role`, { user: CAT.id, role: 'moderator' }),
      await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'nobody' }),
      await call(ANN, `POST /api/rooms/${room}/remove`, { user: 'user:nobody' }),
      await call(ANN, `POST /api/rooms/${room}/remove`, { user: 'nobody' }),
      await call(ANN, `POST /api/rooms/${room}/mute`, { user: BEN.id }),
    ]
    const codes = ['forbidden', 'forbidden', 'forbidden', 'conflict', 'no_such_user', 'no_such_user']
    assert.deepEqual(
      refusals.map(({ code }) => code),
      [...codes, 'bad_request', 'bad_request'],
    )
    assert.match(refusals[0]?.text ?? '', /Only moderators/)
  })

  test('to a stranger a private room answers as one that does not exist, whatever he asks', async (t) => {
    const stage = await startRooms(t)
    const { call, make, blocks } = stage
    const there = await make(ANN, 'private')
    const two = await call(ANN, 'POST /api/direct', { username: 'ben' })
    const between = two.body['roomId'] as unknown as string
    blocks.add(`${CAT.id} ${BEN.id}`)
    const asks: [string, object?][] = [
      ...['', '/members', '/members?limit=1', '/audit', '/reports', '/links', '/export'].map(
        (path): [string] => [`GET ${path}`],
      ),
      ['POST '],
      ['PATCH ', { name: 'Mine' }],
      ['PATCH ', { name: '\u202e' }],
      ['PATCH ', {}],
      ['DELETE '],
      ['POST /join', {}],
      ['POST /join', { link: 'x'.repeat(32) }],
      ['POST /preview', { link: 'x'.repeat(32) }],
      ['POST /leave'],
      ['POST /invite', { username: 'ann' }],
      ['POST /invite', { username: 'ben' }],
      ['POST /invite', { username: 'nobody' }],
      ...['uninvite', 'remove', 'ban', 'unban', 'unmute', 'owner'].flatMap((name): [string, object][] => [
        [`POST /${name}`, { user: ANN.id }],
        [`POST /${name}`, { user: 'user:nobody' }],
      ]),
      ['POST /mute', { user: ANN.id, minutes: 1 }],
      ['POST /role', { user: ANN.id, role: 'member' }],
      ['POST /links', { expiresInMs: 60_000 }],
      [`DELETE /links/${'0'.repeat(64)}`],
      ['POST /reports', { seq: 1, reason: 'rude' }],
    ]
    for (const [line, body] of asks) {
      const [method, path] = line.split(' ')
      for (const stranger of [CAT, GUEST]) {
        const answers = await Promise.all(
          [there, between, 'nowhere'].map((room) =>
            call(stranger, `${method} /api/rooms/${room}${path}`, body),
          ),
        )
        for (const { status, text } of answers)
          assert.deepEqual([status, text], [404, answers[2]?.text], line)
        assert.equal(answers[2]?.code, 'no_such_room')
      }
    }
  })

  test('who was sent out comes by an invitation, or by a link that was made later; of others it is as if there were no room', async (t) => {
    const { call, make } = await startRooms(t)
    const room = await make(ANN, 'private')
    const newLink = async () =>
      (await call(ANN, `POST /api/rooms/${room}/links`, { expiresInMs: 60_000 })).body['link']
    const join = async (user: typeof ANN, link: unknown) =>
      (await call(user, `POST /api/rooms/${room}/join`, { link })).code
    const preview = async (user: typeof ANN, link: unknown) =>
      (await call(user, `POST /api/rooms/${room}/preview`, { link })).code
    const old = await newLink()
    assert.equal(await join(BEN, old), undefined)
    const remove = () => call(ANN, `POST /api/rooms/${room}/remove`, { user: BEN.id })
    assert.equal((await remove()).body['event'], 'remove')
    assert.deepEqual([await join(BEN, old), await preview(BEN, old)], ['no_such_room', 'no_such_room'])
    assert.deepEqual([await preview(CAT, old), await join(CAT, old)], [undefined, undefined])
    const later = await newLink()
    assert.deepEqual([await preview(BEN, later), await join(BEN, later)], [undefined, undefined])
    await remove()
    assert.equal(await join(BEN, later), 'no_such_room')
    await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })
    assert.equal(await join(BEN, old), undefined)
  })

  test('what a link leads to is shown to who could come by it, and that uses nothing of it up', async (t) => {
    const { call, make, homes } = await startRooms(t)
    const room = await make(ANN, 'private', { topic: 'What to do' })
    const made = await call(ANN, `POST /api/rooms/${room}/links`, { expiresInMs: 60_000, uses: 1 })
    const link = made.body['link'] as unknown as string
    const preview = (user: typeof ANN, by: object = { link }, of = room) =>
      call(user, `POST /api/rooms/${of}/preview`, by)
    const shown = { roomId: room, name: 'Tea', visibility: 'private', topic: 'What to do', count: 1 }
    const entries = homes[0]?.rooms.get(room)?.entries.length
    assert.deepEqual((await preview(BEN)).body, shown)
    assert.deepEqual((await preview(BEN)).body, shown)
    assert.equal(homes[0]?.rooms.get(room)?.entries.length, entries)
    const none = (await preview(BEN, { link }, 'nowhere')).text
    for (const [user, by] of [
      [GUEST, { link }],
      [BEN, { link: 'x'.repeat(32) }],
      [BEN, {}],
    ] as const)
      assert.equal((await preview(user, by)).text, none)
    assert.equal((await preview(BEN, { link: 'x' })).code, 'bad_request')
    await call(BEN, `POST /api/rooms/${room}/join`, { link })
    assert.equal((await preview(CAT)).text, none, 'it is used up')
    assert.deepEqual((await preview(BEN)).body, { ...shown, count: 2, membership: 'member' })
    await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'cat' })
    assert.equal((await preview(CAT, {})).body['membership'], 'invited')
    await call(ANN, `POST /api/rooms/${room}/ban`, { user: CAT.id })
    assert.equal((await preview(CAT)).text, none)
    const open = await make(ANN, 'public')
    assert.equal((await preview(GUEST, {}, open)).body['count'], 1)
    await call(ANN, `POST /api/rooms/${open}/ban`, { user: CAT.id })
    assert.equal((await preview(CAT, {}, open)).code, 'forbidden')
  })

  test('that no home answers tells a stranger nothing, and a member to try again', async (t) => {
    const stage = await startRooms(t)
    const { call, make, homes } = stage
    const room = await make(ANN, 'private')
    const made = await call(ANN, `POST /api/rooms/${room}/links`, { expiresInMs: 60_000 })
    await homes[0]?.stop()
    stage.patience.ms = 10
    const busy = await call(ANN, `GET /api/rooms/${room}`)
    assert.deepEqual([busy.status, busy.code], [503, 'busy'])
    for (const path of ['', '/members'])
      assert.equal((await call(BEN, `GET /api/rooms/${room}${path}`)).code, 'no_such_room')
    assert.equal((await call(BEN, `POST /api/rooms/${room}/join`, {})).code, 'no_such_room')
    const { link } = made.body as unknown as { link: string }
    for (const path of ['join', 'preview']) {
      assert.equal((await call(BEN, `POST /api/rooms/${room}/${path}`, { link })).code, 'busy')
      const guessed = { link: 'x'.repeat(32) }
      assert.equal((await call(BEN, `POST /api/rooms/${room}/${path}`, guessed)).code, 'no_such_room')
    }
  })

  test('who is blocked is not invited by whom he blocks, nor the other way round', async (t) => {
    const { call, make, blocks } = await startRooms(t)
    const room = await make(ANN, 'private')
    blocks.add(`${BEN.id} ${ANN.id}`)
    assert.equal((await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })).code, 'forbidden')
    blocks.clear()
    assert.equal((await call(ANN, `POST /api/rooms/${room}/invite`, { username: 'ben' })).status, 200)
  })

  test('too many acts of one person, or looks, are put off, and nobody else is', async (t) => {
    const { call, make } = await startRooms(t)
    const room = await make(ANN, 'public')
    const codes = []
    for (let at = 0; at < 101; at += 1) {
      codes.push((await call(ANN, `PATCH /api/rooms/${room}`, { topic: `the ${at}th` })).code)
    }
    assert.deepEqual([codes.at(99), codes.at(100)], [undefined, 'rate_limited'])
    assert.equal((await call(CAT, `POST /api/rooms/${room}/join`, {})).status, 200)
    for (let at = 0; at < 300; at += 1) await call(BEN, `GET /api/rooms/${room}/members`)
    assert.equal((await call(BEN, `GET /api/rooms/${room}/members`)).code, 'rate_limited')
    assert.equal((await call(CAT, `GET /api/rooms/${room}/members`)).status, 200)
  })

  test('who comes and goes again and again is put off for a while, in that room: it remembers each time for ever', async (t) => {
    const { call, make, clock } = await startRooms(t)
    const [room, other] = [await make(ANN, 'public'), await make(ANN, 'public')]
    const codes = []
    for (let at = 0; at < 301; at += 1) {
      clock.now += 1_000 // not so fast that it is for that
      codes.push((await call(BEN, `POST /api/rooms/${room}/${at % 2 === 0 ? 'join' : 'leave'}`, {})).code)
    }
    assert.deepEqual([codes.at(299), codes.at(300)], [undefined, 'rate_limited'])
    assert.equal((await call(BEN, `POST /api/rooms/${other}/join`, {})).status, 200)
    assert.equal((await call(CAT, `POST /api/rooms/${room}/join`, {})).status, 200)
  })
})
