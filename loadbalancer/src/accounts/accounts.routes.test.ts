import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoggedInSchema, MeSchema, type Problem } from '@flotilla/protocol/control.ts'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startBalancer, type Balancer } from '../../test/fleet.ts'
import { TOKEN_MS } from './tokens.ts'

const codeOf = ({ body }: { body: never }) => (body as Problem).code
const login = (balancer: Balancer, body: unknown, headers?: Record<string, string>) =>
  balancer.post('/api/login', body, headers)

test('a guest comes in by name alone, with a token that anyone can check by the published key', async (t) => {
  const now = Date.now()
  const balancer = await startBalancer(t, {}, { now: () => now })
  const { status, body } = await login(balancer, { username: 'Ann' })
  assert.equal(status, 200)
  const { token, expiresAt, user } = LoggedInSchema.parse(body)
  assert.deepEqual(user, { id: 'guest:Ann', name: 'Ann' })
  assert.ok(expiresAt > now + TOKEN_MS - 1_000 && expiresAt <= now + TOKEN_MS)
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', balancer.url))
  const { payload } = await jwtVerify(token, keys, { issuer: 'flotilla', audience: 'chat', typ: 'at+jwt' })
  assert.deepEqual([payload.sub, payload['name']], ['guest:Ann', 'Ann'])
  const me = await balancer.get('/api/me', { authorization: `Bearer ${token}` })
  assert.deepEqual(MeSchema.parse(me.body), { user })
})

test('names that cannot be used are refused', async (t) => {
  const balancer = await startBalancer(t)
  for (const username of ['', ' ann', 'a:b', 'x'.repeat(33), 'a\u202eb', '\ud800', 'a\nb']) {
    const reply = await login(balancer, { username })
    assert.deepEqual([reply.status, codeOf(reply)], [422, 'bad_name'], JSON.stringify(username))
  }
  for (const body of [{}, { username: 5 }, { username: null }, [], 'x', null])
    assert.equal(codeOf(await login(balancer, body)), 'bad_request', JSON.stringify(body))
})

test('a password is not silently ignored while there are no accounts', async (t) => {
  const balancer = await startBalancer(t)
  assert.equal(codeOf(await login(balancer, { username: 'ann', password: 'secret-words' })), 'not_supported')
})

test('guests can be turned off', async (t) => {
  const balancer = await startBalancer(t, { guests: false })
  const reply = await login(balancer, { username: 'ann' })
  assert.deepEqual([reply.status, codeOf(reply)], [403, 'guests_off'])
})

test('logins of one address are limited, and say when to come again', async (t) => {
  let time = Date.now()
  const balancer = await startBalancer(t, { loginRate: 3 }, { now: () => time })
  const forwarded = (address: string) => ({ 'x-forwarded-for': address })
  for (let at = 0; at < 3; at += 1) assert.equal((await login(balancer, { username: 'ann' })).status, 200)
  const reply = await login(balancer, { username: 'ann' }, forwarded('192.0.2.1'))
  assert.deepEqual(
    [reply.status, codeOf(reply), reply.headers.get('retry-after')],
    [429, 'rate_limited', '10'],
  )
  time += 10_000
  assert.equal((await login(balancer, { username: 'ann' })).status, 200)
})

test('behind a proxy that is trusted, the address it names counts, and no other', async (t) => {
  const balancer = await startBalancer(t, { loginRate: 1, trustProxy: true })
  const status = async (address: string) =>
    (await login(balancer, { username: 'ann' }, { 'x-forwarded-for': address })).status
  assert.equal(await status('192.0.2.1'), 200)
  assert.equal(await status('192.0.2.2'), 200)
  assert.equal(await status('203.0.113.9, 192.0.2.2'), 429, 'what the client itself put in front is nothing')
  assert.equal(await status('2001:db8::1'), 200)
  assert.equal(await status('2001:db8::2'), 429, 'one line has a whole /64')
  assert.equal(await status('2001:db8:0:1::1'), 200)
})
