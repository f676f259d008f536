import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Me } from '@flotilla/protocol/accounts.ts'
import { LoggedInSchema, MeSchema } from '@flotilla/protocol/control.ts'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startBalancer } from '../../test/fleet.ts'
import { Browser, outcome, PASSWORD, signedIn } from '../../test/people.ts'
import { TOKEN_MS } from './tokens.ts'

describe('guests', () => {
  test('a guest comes in by name alone, with a token that anyone can check by the published key', async (t) => {
    const now = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => now })
    const browser = new Browser(balancer)
    const { status, body, headers } = await browser.enterAsGuest('Ann')
    assert.equal(status, 200)
    const { token, expiresAt, user } = LoggedInSchema.parse(body)
    assert.deepEqual(user, { id: 'guest:Ann', name: 'Ann' })
    assert.ok(expiresAt > now + TOKEN_MS - 1_000 && expiresAt <= now + TOKEN_MS)
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', balancer.url))
    const { payload } = await jwtVerify(token, keys, { issuer: 'flotilla', audience: 'chat', typ: 'at+jwt' })
    assert.deepEqual([payload.sub, payload['name'], payload['sid']], ['guest:Ann', 'Ann', undefined])
    assert.deepEqual(MeSchema.parse((await browser.call('GET', '/api/me')).body), { user })
    assert.deepEqual(headers.getSetCookie(), [])
  })

  test('names that cannot be used are refused, with a password or without', async (t) => {
    const balancer = await startBalancer(t)
    const browser = new Browser(balancer)
    for (const username of ['', ' ann', 'a:b', 'x'.repeat(33), 'a\u202eb', '\ud800', 'a\nb']) {
      assert.deepEqual(outcome(await browser.enterAsGuest(username)), [422, 'bad_name'])
      assert.deepEqual(outcome(await browser.signIn(username)), [422, 'bad_name'])
      assert.deepEqual(outcome(await browser.signUp(username)), [422, 'bad_name'])
    }
    for (const body of [{}, { username: 5 }, { username: null }, [], 'x', null])
      assert.deepEqual(outcome(await browser.call('POST', '/api/login', body)), [400, 'bad_request'])
  })

  test('a guest may have no name that looks like an account’s', async (t) => {
    const balancer = await startBalancer(t)
    const browser = new Browser(balancer)
    await browser.signUp('paypal')
    for (const name of ['paypal', 'PayPal', 'раураl', 'paypaI'])
      assert.deepEqual(outcome(await browser.enterAsGuest(name)), [409, 'username_taken'], name)
    assert.equal((await browser.enterAsGuest('paypal2')).status, 200)
  })

  test('guests can be turned off', async (t) => {
    const balancer = await startBalancer(t, { guests: false })
    const browser = await signedIn(balancer, 'bob')
    assert.deepEqual(outcome(await browser.enterAsGuest('ann')), [403, 'guests_off'])
  })

  test('guests have no account to change, and no sessions', async (t) => {
    const browser = new Browser(await startBalancer(t))
    await browser.enterAsGuest('ann')
    for (const [method, path, body] of [
      ['PATCH', '/api/me', { username: 'zoe' }],
      ['POST', '/api/me/password', { old: PASSWORD, new: PASSWORD }],
      ['DELETE', '/api/me', { password: PASSWORD }],
      ['PUT', '/api/blocks/user:any', undefined],
      ['DELETE', '/api/blocks/user:any', undefined],
    ] as const)
      assert.deepEqual(outcome(await browser.call(method, path, body)), [403, 'forbidden'], path)
    assert.deepEqual((await browser.call('GET', '/api/sessions')).body, [])
    assert.deepEqual((await browser.call('GET', '/api/blocks')).body, [])
    assert.equal((await browser.call('DELETE', '/api/sessions/none')).status, 404)
  })

  test('a guest who makes an account of that name keeps what he said; anybody else’s stays theirs', async (t) => {
    const balancer = await startBalancer(t)
    const formerly = async (guest: string, account: string) => {
      const browser = new Browser(balancer)
      await browser.enterAsGuest(guest)
      assert.equal((await browser.signUp(account)).status, 201)
      await browser.signIn(account)
      return ((await browser.call('GET', '/api/me')).body as Me).formerly
    }
    assert.equal(await formerly('Ann', 'Ann'), 'guest:Ann')
    assert.equal(await formerly('BOB', 'bob'), 'guest:BOB')
    assert.equal(await formerly('cat', 'dog'), undefined)
  })
})
