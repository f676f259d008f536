import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as accounts from '@flotilla/protocol/accounts.ts'
import * as control from '@flotilla/protocol/control.ts'
import * as roomsApi from '@flotilla/protocol/rooms-api.ts'
import type { Placed } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type * as z from 'zod'
import { Peer, startBalancer } from '../../test/fleet.ts'
import { PASSWORD, signedIn } from '../../test/people.ts'
import { StandInHome } from '../../test/stand-in-home.ts'

interface Operation {
  security: Record<string, unknown>[]
  requestBody?: { content: { 'application/json': { schema: { $ref: string } } } }
  responses: Record<string, { content: Record<string, { schema?: { $ref?: string } }> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Record<string, unknown>> }
}

interface Scene {
  peer: Peer
  /** Is the home of all rooms, at the address of the peer. */
  home: StandInHome
  /** Private rooms of who calls: one to keep, and one to hand over to Bob. */
  roomId: string
  otherId: string
  bob: { userId: string; user: User }
}
const onBob = ({ bob }: Scene) => ({ user: bob.userId })

/** A call of each operation that succeeds, given in an order in which they can. */
const CALLS: Record<string, (scene: Scene) => unknown> = {
  'get /healthz': () => undefined,
  'get /readyz': () => undefined,
  'get /metrics': () => undefined,
  'get /openapi.json': () => undefined,
  'get /asyncapi.json': () => undefined,
  'get /.well-known/jwks.json': () => undefined,
  'post /register': ({ peer }) => peer.registration(),
  'post /update': ({ peer }) => peer.report(),
  'get /get': () => undefined,
  'get /servers': () => undefined,
  'get /events': () => undefined,
  'post /api/signup': () => ({ username: 'ann', password: PASSWORD }),
  'post /api/login': () => ({ username: 'carl', password: PASSWORD }),
  'get /api/me': () => undefined,
  'patch /api/me': () => ({ username: 'Carlo' }),
  'post /api/token': () => undefined,
  'get /api/sessions': () => undefined,
  'delete /api/sessions/{sessionId}': () => undefined,
  'delete /api/sessions': () => undefined,
  'put /api/blocks/{userId}': () => undefined,
  'get /api/blocks': () => undefined,
  'delete /api/blocks/{userId}': () => undefined,
  'post /api/me/password': () => ({ old: PASSWORD, new: `${PASSWORD}!` }),
  'get /api/rooms': () => undefined,
  'post /api/rooms': () => ({ name: 'Tea' }),
  'get /api/rooms/{roomId}': () => undefined,
  'post /api/rooms/{roomId}': () => undefined,
  'post /internal/place': ({ peer }) => ({ room: 'general', server: peer.id }),
  'post /internal/taken': ({ peer }) => ({
    server: peer.id,
    rooms: [{ room: 'general', epoch: 1, head: 0 }],
  }),
  'patch /api/rooms/{roomId}': () => ({ topic: 'What to do' }),
  'post /api/rooms/{roomId}/invite': () => ({ username: 'bob' }),
  'post /api/rooms/{roomId}/uninvite': onBob,
  'post /api/rooms/{roomId}/links': () => ({ expiresInMs: 60_000 }),
  'get /api/rooms/{roomId}/links': () => undefined,
  'delete /api/rooms/{roomId}/links/{hash}': () => undefined,
  'post /api/rooms/{roomId}/preview': () => ({}),
  'post /api/rooms/{roomId}/join': () => ({}),
  'post /api/rooms/{roomId}/role': async ({ roomId, bob, home }) => {
    await home.enter(roomId, bob.user)
    return { user: bob.userId, role: 'moderator' }
  },
  'get /api/rooms/{roomId}/members': () => undefined,
  'post /api/rooms/{roomId}/mute': ({ bob }) => ({ user: bob.userId, minutes: 5 }),
  'post /api/rooms/{roomId}/unmute': onBob,
  'post /api/rooms/{roomId}/reports': ({ roomId, bob, home }) => ({
    seq: home.say(roomId, bob.user, 'something rude'),
    reason: 'rude',
  }),
  'get /api/rooms/{roomId}/reports': () => undefined,
  'get /internal/reports': () => undefined,
  'delete /internal/reports/{reportId}': () => undefined,
  'get /api/rooms/{roomId}/audit': () => undefined,
  'get /api/rooms/{roomId}/export': () => undefined,
  'post /api/rooms/{roomId}/remove': onBob,
  'post /api/rooms/{roomId}/ban': onBob,
  'post /api/rooms/{roomId}/unban': onBob,
  'post /api/rooms/{roomId}/owner': async ({ otherId, bob, home }) => {
    await home.enter(otherId, bob.user)
    return { user: bob.userId }
  },
  'post /api/rooms/{roomId}/leave': () => undefined,
  'post /api/direct': () => ({ username: 'bob' }),
  'get /api/me/export': () => undefined,
  'delete /api/rooms/{roomId}': () => undefined,
  'post /internal/drain': ({ peer }) => ({ id: peer.id, drain: true }),
  'post /internal/rotate-keys': () => ({}),
  'delete /api/me': () => ({ password: `${PASSWORD}!` }),
  'post /api/logout': () => undefined,
}

test('each documented call answers as documented, and each answer fits its schema', async (t) => {
  const balancer = await startBalancer(t)
  const document = (await balancer.get('/openapi.json')).body as Document
  assert.match(document.openapi, /^3\.1/)
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  assert.deepEqual(documented.sort(), Object.keys(CALLS).sort())

  const place = async (room: string) =>
    (await balancer.tell('/internal/place', { room, server: 'a' })).body as Placed
  const home = new StandInHome('a', async (room) => (await place(room)).genesis)
  const peer: Peer = await Peer.start(t, 'a', (request, response) => {
    if (request.url?.startsWith('/internal/')) void home.answer(request, response)
    else response.end(JSON.stringify(peer.health()))
  })
  const browser = await signedIn(balancer, 'carl')
  const bob = await signedIn(balancer, 'bob')
  const elsewhere = await signedIn(balancer, 'carl')
  const make = async (name: string) => {
    const { body } = await browser.call('POST', '/api/rooms', { name, visibility: 'private' })
    return (body as { roomId: string }).roomId
  }
  const [roomId, otherId] = [await make('Kept'), await make('Handed over')]
  const scene = {
    peer,
    home,
    roomId,
    otherId,
    bob: { userId: bob.userId, user: { id: bob.userId, name: 'bob' } },
  }
  const partsOf = (call: string): Record<string, string> => ({
    roomId: /\/(owner|leave)$/.test(call) ? otherId : roomId,
    userId: bob.userId,
    sessionId: elsewhere.session,
    hash: '0'.repeat(64),
    reportId: '1',
  })
  const headersFor = (door: string) =>
    door === 'fleetSecret' ? { authorization: `Bearer ${balancer.fleetSecret}` } : browser.headers
  for (const [call, bodyOf] of Object.entries(CALLS)) {
    const [method = '', path = ''] = call.split(' ')
    const operation = document.paths[path]?.[method] as Operation
    const door = Object.keys(operation.security[0] ?? {})[0] ?? ''
    const body = await bodyOf(scene)
    const stopping = new AbortController()
    const response = await fetch(
      balancer.url + path.replace(/\{(\w+)\}/g, (_, name: string) => partsOf(call)[name] ?? ''),
      {
        method: method.toUpperCase(),
        headers: {
          ...headersFor(door),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal: stopping.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
    const answer = operation.responses[response.status]
    assert.ok(response.ok && answer, `${call} answered ${response.status}`)
    const type = (response.headers.get('content-type') ?? '').split(';')[0] as string
    assert.ok(type in answer.content, `${call} answered ${type}`)
    const name = answer.content[type]?.schema?.$ref?.split('/').at(-1)
    const json: unknown = name === undefined ? undefined : await response.json()
    if (name !== undefined) schemaOf(name).parse(json)
    browser.keep(response, json)
    if (door !== '') {
      const stranger = await fetch(response.url, { method: method.toUpperCase() })
      assert.equal(stranger.status, 401, `${call} without ${door}`)
      assert.ok('401' in operation.responses)
    }
    stopping.abort()
  }
})

test('each reference in the document leads somewhere, and no schema is left unnamed', async (t) => {
  const balancer = await startBalancer(t)
  const { body, text } = await balancer.get('/openapi.json')
  const { schemas } = (body as Document).components
  const referred = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? ''),
  )
  assert.ok(referred.size > 10)
  for (const name of referred) assert.ok(name in schemas, name)
  assert.doesNotMatch(text, /"\$ref":"(?!#\/components\/schemas\/\w+")|\$schema|"\$id"/)
})

test('the document refuses what the balancer refuses', async (t) => {
  const balancer = await startBalancer(t)
  const document = (await balancer.get('/openapi.json')).body as Document
  const register = document.components.schemas['Register'] as { required: string[] }
  assert.deepEqual(register.required.sort(), ['capacity', 'host', 'id', 'inc', 'port', 'url'])
  const body = document.paths['/register']?.['post']?.requestBody?.content['application/json'].schema.$ref
  assert.equal(body, '#/components/schemas/Register')
})

function schemaOf(name: string): z.ZodType {
  return ({ ...control, ...accounts, ...roomsApi } as unknown as Record<string, z.ZodType>)[
    `${name}Schema`
  ] as z.ZodType
}
