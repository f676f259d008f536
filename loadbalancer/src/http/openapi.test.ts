import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as accounts from '@flotilla/protocol/accounts.ts'
import * as control from '@flotilla/protocol/control.ts'
import type * as z from 'zod'
import { Peer, startBalancer } from '../../test/fleet.ts'
import { PASSWORD, signedIn } from '../../test/people.ts'

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

/** A call of each operation that succeeds, given in an order in which they can. */
const CALLS: Record<string, (peer: Peer) => unknown> = {
  'get /healthz': () => undefined,
  'get /readyz': () => undefined,
  'get /metrics': () => undefined,
  'get /openapi.json': () => undefined,
  'get /.well-known/jwks.json': () => undefined,
  'post /register': (peer) => peer.registration(),
  'post /update': (peer) => peer.report(),
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
  'post /internal/place': (peer) => ({ room: 'general', server: peer.id }),
  'post /internal/taken': (peer) => ({ server: peer.id, rooms: [{ room: 'general', epoch: 1, head: 0 }] }),
  'post /internal/drain': (peer) => ({ id: peer.id, drain: true }),
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

  const peer = await Peer.start(t, 'a')
  const browser = await signedIn(balancer, 'carl')
  const bob = await signedIn(balancer, 'bob')
  const elsewhere = await signedIn(balancer, 'carl')
  const parts: Record<string, string> = {
    roomId: 'general',
    userId: bob.userId,
    sessionId: elsewhere.session,
  }
  const headersFor = (door: string) =>
    door === 'fleetSecret' ? { authorization: `Bearer ${balancer.fleetSecret}` } : browser.headers
  for (const [call, bodyOf] of Object.entries(CALLS)) {
    const [method = '', path = ''] = call.split(' ')
    const operation = document.paths[path]?.[method] as Operation
    const door = Object.keys(operation.security[0] ?? {})[0] ?? ''
    const body = bodyOf(peer)
    const stopping = new AbortController()
    const response = await fetch(
      balancer.url + path.replace(/\{(\w+)\}/, (_, name: string) => parts[name] ?? ''),
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
  return ({ ...control, ...accounts } as unknown as Record<string, z.ZodType>)[`${name}Schema`] as z.ZodType
}
