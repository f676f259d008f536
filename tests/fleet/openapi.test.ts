// What the OpenAPI document says that the balancer answers, it answers, with real chat servers behind it; and nothing else.
// Its time stands still but where a test lets it pass: what may be done so often in some seconds is then done so often on any machine.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  everythingIn,
  HASH,
  ON_SOMEBODY,
  openFleet,
  PASSWORD,
  room,
  Tester,
  type Fleet,
} from './api-tester.ts'
import { atEnd, until } from './harness.ts'
import { RawClient } from './raw-client.ts'

/**
 * Answers that are documented and that this test does not produce, with the reason. Whoever documents another one adds what produces it below, or it
 * here.
 */
const SHARED = 'the list is that of all acts on a room, and this one has no such case'
const NOT_PRODUCED: Record<string, string> = {
  ...Object.fromEntries(
    ['join', 'leave', 'uninvite', 'ban', 'unban', 'unmute'].map((act) => [
      `post /api/rooms/{roomId}/${act} conflict`,
      SHARED,
    ]),
  ),
  'patch /api/rooms/{roomId} conflict': SHARED,
  'get /api/rooms/{roomId}/members forbidden': SHARED,
  'post /api/rooms/{roomId}/reports forbidden': SHARED,
  'post /api/rooms busy': 'sometimes: the home has to be away when a new room gets its topic',
  'put /api/blocks/{userId} too_many': 'takes more accounts than a test makes: see accounts.routes.test.ts',
  'get /api/me/export busy': 'sometimes: of two at once, if the first is not done by then',
  'get /readyz not_ready': 'a balancer that stops takes no connection any more',
}

interface Operation {
  security: Record<string, unknown>[]
  requestBody?: unknown
  responses: Record<string, { description: string }>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
}

/** Questions about rooms that a person has in 10 s. */
const READS = 300
const FOREIGN = 'https://evil.example'

test('each documented answer of each call is produced by real processes, and no other', async (t) => {
  const fleet = await openFleet(t, ['--login-rate', '0', '--signup-rate', '0'], 2)
  const { url } = fleet
  const produced = new Set<string>()
  const stranger = () => new Tester(url, produced)
  const machine = new Tester(url, produced, fleet.secret)
  const document = (await stranger().does('get /openapi.json')) as unknown as Document
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ call: `${method} ${path}`, operation })),
  )

  for (const path of [
    '/asyncapi.json',
    '/healthz',
    '/readyz',
    '/metrics',
    '/.well-known/jwks.json',
    '/servers',
    '/get',
    '/events',
  ]) {
    await stranger().does(`get ${path}`)
  }
  await knockingWrongly(operations, machine, stranger)
  await accountsOf(stranger)
  const scene = await roomsOf(stranger, fleet)
  await tooMuch(t, stranger, scene)
  await serversOf(t, machine)
  await withoutServers(fleet, machine, stranger, scene)
  await withoutGuests(t, produced)

  const documented = operations.flatMap(({ call, operation }) =>
    Object.entries(operation.responses).flatMap(([status, { description }]) =>
      Number(status) < 400
        ? [`${call} ${status}`]
        : [...description.matchAll(/`(\w+)`:/g)].map(([, code]) => `${call} ${code}`),
    ),
  )
  const undocumented = [...produced].filter((answer) => !documented.includes(answer))
  assert.deepEqual(undocumented, [], 'answered, and not documented')
  const missing = documented.filter((answer) => !produced.has(answer) && !(answer in NOT_PRODUCED))
  assert.deepEqual(missing, [], 'documented, and never answered')
  const needless = Object.entries(NOT_PRODUCED).filter(
    ([answer, why]) => produced.has(answer) && !why.startsWith('sometimes'),
  )
  assert.deepEqual(needless, [], 'produced after all')
})

/** What is refused before a call is looked at. */
async function knockingWrongly(
  operations: { call: string; operation: Operation }[],
  machine: Tester,
  stranger: () => Tester,
): Promise<void> {
  const guest = await stranger().logIn('passer-by')
  for (const { call, operation } of operations) {
    const door = Object.keys(operation.security[0] ?? {})[0]
    if (door !== undefined) assert.equal((await stranger().call(call)).answer, 'unauthenticated', call)
    const inside = door === 'fleetSecret' ? machine : guest
    if (operation.responses['403']?.description.includes('foreign_origin') === true) {
      assert.equal((await inside.with({ origin: FOREIGN }).call(call)).answer, 'foreign_origin', call)
    }
    if (operation.requestBody === undefined) continue
    const headers = { 'content-type': 'text/plain' }
    assert.equal((await inside.call(call, 'x', { headers })).answer, 'unsupported_media_type', call)
    assert.equal((await inside.call(call, '{')).answer, 'bad_request', call)
    const bytes =
      call === 'post /register' ? 16 * 1024 * 1024 : door === 'fleetSecret' ? 1024 * 1024 : 64 * 1024
    assert.equal((await inside.call(call, `"${'x'.repeat(bytes)}"`)).answer, 'too_large', call)
  }
}

async function accountsOf(stranger: () => Tester): Promise<void> {
  const ann = await stranger().signUp('ann')
  const given = { username: 'ann', password: PASSWORD }
  await stranger().call('post /api/signup', given)
  await stranger().call('post /api/signup', { ...given, username: 'a:b' })
  await stranger().call('post /api/signup', { username: 'another', password: 'short' })
  await stranger().call('post /api/login', { ...given, password: 'wrong horse' })
  await stranger().call('post /api/login', { username: 'a:b' })
  await stranger().call('post /api/login', { username: 'ann' })
  const other = await stranger().logIn('ann', PASSWORD)
  await ann.does('get /api/me')
  await other.does('post /api/token')
  await stranger().call('post /api/token')
  const sessions = (await ann.does('get /api/sessions')) as unknown as { id: string; current: boolean }[]
  const sessionId = sessions.find(({ current }) => !current)?.id ?? ''
  await ann.does('delete /api/sessions/{sessionId}', undefined, { parts: { sessionId } })
  await ann.call('delete /api/sessions/{sessionId}')
  await ann.does('delete /api/sessions')
  const change = (body: object) => ann.call('post /api/me/password', body)
  await change({ old: 'wrong horse', new: `${PASSWORD}!` })
  await change({ old: PASSWORD, new: 'short' })
  await change({ old: PASSWORD, new: `${PASSWORD}!` })
  const { token } = await ann.does('patch /api/me', { username: 'anna' })
  ann.headers['authorization'] = `Bearer ${String(token)}`
  await ann.call('patch /api/me', { username: 'a:b' })
  const ben = await stranger().signUp('ben')
  await ann.call('patch /api/me', { username: 'ben' })
  await ann.does('put /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await ann.does('get /api/blocks')
  await ann.does('delete /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: 'user:nobody' } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: 'nobody' } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: ann.id } })
  const guest = await stranger().logIn('gus')
  await guest.call('put /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await guest.call('delete /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await guest.call('patch /api/me', { username: 'gustav' })
  await guest.call('post /api/me/password', { old: 'x', new: PASSWORD })
  await guest.call('delete /api/me', { password: 'x' })
  await ann.call('delete /api/me', { password: 'wrong horse' })
  await ann.does('delete /api/me', { password: `${PASSWORD}!` })
  await ben.does('post /api/logout')
}

interface Scene {
  olga: Tester
  mo: Tester
  sam: Tester
  /** Private, of Olga, with Mo as a member. */
  roomId: string
  /** Between the two. */
  directId: string
}

async function roomsOf(stranger: () => Tester, { urls }: Fleet): Promise<Scene> {
  const [olga, mo, sam] = await Promise.all(['olga', 'mo', 'sam'].map((name) => stranger().signUp(name)))
  assert.ok(olga && mo && sam)
  const guest = await stranger().logIn('gus')
  const make = async (name: string, visibility = 'private') =>
    String((await olga.does('post /api/rooms', { name, visibility }))['roomId'])
  const nobody = { id: 'user:nobody', name: 'nobody-of-that-name' }
  const roomId = await make('Plans')
  const parts = { roomId }

  await olga.does('get /api/rooms')
  await olga.call('post /api/rooms', { name: ' \u202e ' })
  await guest.call('post /api/rooms', { name: 'Mine', visibility: 'private' })
  await everythingIn(sam, roomId, { id: mo.id, name: 'mo' })
  await everythingIn(guest, await make('Open', 'public'), { id: mo.id, name: 'mo' })

  const act = (name: string, body?: unknown, who = olga) =>
    who.call(`post ${room(`/${name}`)}`, body, { parts })
  const does = (name: string, body?: unknown, who = olga) =>
    who.does(`post ${room(`/${name}`)}`, body, { parts })
  await does('invite', { username: 'mo' })
  await does('uninvite', { user: mo.id })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)
  for (const name of Object.keys(ON_SOMEBODY)) await act(name, ON_SOMEBODY[name]?.(sam.id))
  await act('invite', { username: 'mo' })
  await act('join', {}, mo)
  await act('leave')
  await everythingIn(mo, await sharedRoom(olga, mo, make), { id: olga.id, name: 'olga' })
  for (const [name, bodyOn] of Object.entries(ON_SOMEBODY)) await act(name, bodyOn(nobody.id))
  await act('invite', { username: nobody.name })

  await olga.does(`get ${room()}`, undefined, { parts })
  await olga.does(`post ${room()}`, undefined, { parts })
  await olga.does(`patch ${room()}`, { topic: 'What to do', name: 'Our plans' }, { parts })
  await olga.call(`patch ${room()}`, { name: ' \u202e ' }, { parts })
  await does('mute', { user: mo.id, minutes: 5 })
  await does('unmute', { user: mo.id })
  await does('role', { user: mo.id, role: 'moderator' })
  const { hash } = await olga.does(`post ${room('/links')}`, { expiresInMs: 60_000 }, { parts })
  await olga.does(`get ${room('/links')}`, undefined, { parts })
  await olga.does(`delete ${room('/links/{hash}')}`, undefined, { parts: { roomId, hash: String(hash) } })
  await olga.call(`delete ${room('/links/{hash}')}`, undefined, { parts: { roomId, hash: 'none' } })
  for (const list of ['/members', '/audit', '/reports']) {
    await olga.does(`get ${room(list)}`, undefined, { parts })
    await olga.call(`get ${room(list)}`, undefined, { parts, query: '?limit=many&after=%00&before=x' })
  }
  const client = await RawClient.openAs(urls[0] ?? '', (mo.headers['authorization'] ?? '').slice(7))
  await client.join(roomId)
  const seq = await client.sendUntilAcked(roomId, 'a', 'something rude')
  client.close()
  await olga.does(`post ${room('/reports')}`, { seq, reason: 'rude' }, { parts })
  await olga.call(`post ${room('/reports')}`, { seq: 9_999, reason: 'rude' }, { parts })
  await olga.does(`get ${room('/export')}`, undefined, { parts })
  await olga.does('get /api/me/export')
  await guest.call('get /api/me/export')

  await does('ban', { user: mo.id })
  await act('invite', { username: 'mo' })
  await does('unban', { user: mo.id })
  const handed = await make('To hand over')
  await olga.does(`post ${room('/invite')}`, { username: 'mo' }, { parts: { roomId: handed } })
  await mo.does(`post ${room('/join')}`, {}, { parts: { roomId: handed } })
  await olga.does(`post ${room('/owner')}`, { user: mo.id }, { parts: { roomId: handed } })
  await olga.does(`post ${room('/leave')}`, undefined, { parts: { roomId: handed } })
  await mo.does(`patch ${room()}`, { archived: true }, { parts: { roomId: handed } })
  await mo.call(`patch ${room()}`, { archived: true, topic: 'x' }, { parts: { roomId: handed } })
  await mo.call(`post ${room('/reports')}`, { seq: 1, reason: 'x' }, { parts: { roomId: handed } })
  await mo.call(`post ${room('/links')}`, { expiresInMs: 60_000 }, { parts: { roomId: handed } })
  await mo.does(`delete ${room()}`, undefined, { parts: { roomId: handed } })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)
  await does('remove', { user: mo.id })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)

  const direct = await olga.does('post /api/direct', { username: 'mo' })
  await olga.call('post /api/direct', { username: nobody.name })
  await olga.call('post /api/direct', { username: 'olga' })
  await guest.call('post /api/direct', { username: 'mo' })
  return { olga, mo, sam, roomId, directId: String(direct['roomId']) }
}

/** A room of hers with him as a member. */
async function sharedRoom(
  olga: Tester,
  mo: Tester,
  make: (name: string) => Promise<string>,
): Promise<string> {
  const roomId = await make('Shared')
  await olga.does(`post ${room('/invite')}`, { username: 'mo' }, { parts: { roomId } })
  await mo.does(`post ${room('/join')}`, {}, { parts: { roomId } })
  return roomId
}

/** What chat servers ask, and what is wrong with some that say they are one. */
async function serversOf(t: TestContext, machine: Tester): Promise<void> {
  const health = { id: 'stand-in', inc: 'first' }
  const http = createServer((_request, response) => response.end(JSON.stringify(health)))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  atEnd(t, () => http.close())
  const { port } = http.address() as AddressInfo
  const registration = { ...health, url: `ws://127.0.0.1:${port}/ws`, host: '127.0.0.1', port, capacity: 1 }
  const report = { ...health, n: 1, clients: 0, rooms: 0, draining: true, loopDelayMs: 0, commitNo: 0 }
  await machine.call('post /update', report)
  await machine.does('post /register', registration)
  await machine.does('post /update', report)
  await machine.does('post /internal/drain', { id: 'stand-in', drain: true })
  await machine.call('post /internal/drain', { id: 'nobody', drain: true })
  health.inc = 'second'
  await machine.does('post /register', { ...registration, inc: 'second' })
  await machine.call('post /register', registration)
  await machine.call('post /update', report)
  await machine.call('post /register', { ...registration, id: 'other' })
  await machine.does('post /internal/place', { room: 'general', server: 'stand-in' })
  await machine.call('post /internal/place', { room: 'no-room-of-this-id', server: 'stand-in' })
  await machine.does('post /internal/taken', { server: 'stand-in', rooms: [] })
  await machine.does('post /internal/rotate-keys', {})
  http.close()
  http.closeAllConnections()
}

/** More than anybody may. */
async function tooMuch(t: TestContext, stranger: () => Tester, { sam }: Scene): Promise<void> {
  const rita = await stranger().signUp('rita')
  const made = await rita.does('post /api/rooms', { name: 'Too much', visibility: 'private' })
  const roomId = String(made['roomId'])
  const parts = { roomId, hash: HASH }
  // None of them changes anything, should one be done after all.
  const acts: [string, unknown?][] = [
    ...Object.entries(ON_SOMEBODY).map(
      ([name, bodyOn]) => [`post ${room(`/${name}`)}`, bodyOn(sam.id)] as [string, unknown],
    ),
    [`post ${room('/invite')}`, { username: 'olga' }],
    [`post ${room('/join')}`, {}],
    [`post ${room('/leave')}`],
    [`patch ${room()}`, { topic: 'x' }],
    [`post ${room('/links')}`, { expiresInMs: 60_000 }],
    [`delete ${room('/links/{hash}')}`],
  ]
  /** So many, a few at a time. */
  const often = async (n: number, call: string, body?: unknown) => {
    const one = () => rita.call(call, body, { parts })
    for (let done = 0; done < n; done += 50) {
      await Promise.all(Array.from({ length: Math.min(50, n - done) }, one))
    }
  }
  await often(12, `post ${room('/reports')}`, { seq: 1, reason: 'x' })
  // Several at a time are `busy`.
  for (const call of [`get ${room('/export')}`, 'get /api/me/export']) {
    await often(5, call)
    await rita.call(call, undefined, { parts })
  }
  await often(101, `post ${room('/leave')}`)
  for (const [call, body] of acts) await rita.call(call, body, { parts })
  await often(1_001, 'post /api/rooms', { name: 'Another' })
  await rita.call('post /api/direct', { username: 'sam' })
  const reads = ['members', 'links', 'audit', 'reports'].map((list) => `get ${room(`/${list}`)}`)
  await often(READS + 1, reads[0] as string)
  for (const call of [...reads, `get ${room()}`, `post ${room()}`, `delete ${room()}`]) {
    await rita.call(call, undefined, { parts })
  }
  for (let i = 0; i < 11; i += 1) {
    const { body } = await rita.call('patch /api/me', { username: `rita-${i}` })
    if (typeof body['token'] === 'string') rita.headers['authorization'] = `Bearer ${body['token']}`
  }
  await often(12, 'post /api/login', { username: 'rita', password: 'wrong horse' })
  await often(12, 'post /api/me/password', { old: 'wrong horse', new: `${PASSWORD}!` })
  await rita.call('delete /api/me', { password: 'wrong horse' })
  await passwordsAtOnce(stranger)
  // Each takes a connection of its own.
  const listeners: Socket[] = []
  atEnd(t, () => listeners.forEach((socket) => socket.destroy()))
  const { port } = new URL(stranger().url)
  await until('too many listen', async () => {
    const socket = connect(Number(port), '127.0.0.1')
    listeners.push(socket)
    socket.write('GET /events HTTP/1.1\r\nhost: x\r\n\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    if (!data.toString().startsWith('HTTP/1.1 429')) return false
    return (await stranger().call('get /events')).answer === 'rate_limited'
  })
}

/** More passwords than can be looked at. */
async function passwordsAtOnce(stranger: () => Tester): Promise<void> {
  const pat = await stranger().signUp('pat')
  let round = 0
  const wanted = ['post /api/signup', 'post /api/login', 'post /api/me/password', 'delete /api/me']
  await until('no more passwords can be looked at', async () => {
    round += 1
    const crowd = Array.from({ length: 150 }, (_, i) =>
      stranger().call('post /api/signup', { username: `crowd-${round}-${i}`, password: PASSWORD }),
    )
    await Promise.all([
      ...crowd,
      stranger().call('post /api/login', { username: 'pat', password: PASSWORD }),
      pat.call('post /api/me/password', { old: PASSWORD, new: PASSWORD }),
      pat.call('delete /api/me', { password: 'wrong horse' }),
    ])
    return wanted.every((call) => pat.produced.has(`${call} busy`))
  })
}

/** What can still be answered when all chat servers are gone. */
async function withoutServers(
  { servers, release }: Fleet,
  machine: Tester,
  stranger: () => Tester,
  { olga, mo, roomId }: Scene,
): Promise<void> {
  await Promise.all(servers.map((server) => server.stop(30_000)))
  release()
  await until('there is no server', async () => (await stranger().call('get /get')).answer === 'no_server')
  // So many were made before that it takes until the time that counts is over.
  const homeless = await until('a room without a home', async () => {
    const { body } = await mo.call('post /api/rooms', { name: 'Homeless' })
    return body['roomId'] as string | undefined
  })
  await machine.call('post /internal/place', { room: homeless, server: 'stand-in' })
  await mo.call(`post ${room()}`, undefined, { parts: { roomId: homeless } })
  const parts = { roomId, hash: HASH }
  const calls: [string, unknown?][] = [
    [`get ${room()}`],
    [`post ${room()}`],
    [`get ${room('/members')}`],
    [`get ${room('/links')}`],
    [`get ${room('/audit')}`],
    [`get ${room('/reports')}`],
    [`get ${room('/export')}`],
    ['get /api/me/export'],
    [`patch ${room()}`, { slowMs: 0 }],
    [`post ${room('/links')}`, { expiresInMs: 60_000 }],
    [`delete ${room('/links/{hash}')}`],
    [`post ${room('/reports')}`, { seq: 1, reason: 'rude' }],
    ...Object.entries(ON_SOMEBODY).map(
      ([act, bodyOn]) => [`post ${room(`/${act}`)}`, bodyOn(mo.id)] as [string, unknown],
    ),
    [`post ${room('/invite')}`, { username: 'mo' }],
    [`post ${room('/join')}`, {}],
    [`post ${room('/leave')}`],
    [`delete ${room()}`],
    ['post /api/rooms', { name: 'Later', topic: 'x' }],
  ]
  await Promise.all([
    ...calls.map(([call, body]) => olga.call(call, body, { parts })),
    olga.call(`post ${room()}`, undefined, { parts: { roomId: 'general' } }),
    olga.call('put /api/blocks/{userId}', undefined, { parts: { userId: mo.id } }),
    mo.call('delete /api/blocks/{userId}', undefined, { parts: { userId: olga.id } }),
  ])
}

async function withoutGuests(t: TestContext, produced: Set<string>): Promise<void> {
  const { url } = await openFleet(t, ['--guests', 'off', '--login-rate', '5', '--signup-rate', '1'], 0)
  const stranger = new Tester(url, produced)
  for (let i = 0; i < 6; i += 1) await stranger.call('post /api/login', { username: 'ann' })
  const given = { username: 'ann', password: PASSWORD }
  for (const username of ['a', 'b']) await stranger.call('post /api/signup', { ...given, username })
}
