import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Me } from '@flotilla/protocol/accounts.ts'
import { LoggedInSchema } from '@flotilla/protocol/control.ts'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { startBalancer, type Balancer, type Reply } from '../../test/fleet.ts'
import { Browser, outcome, PASSWORD, signedIn, userOf } from '../../test/people.ts'

describe('accounts', () => {
  test('signing up signs nobody in; signing in brings a token and a cookie no script gets at', async (t) => {
    const now = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => now })
    const browser = new Browser(balancer)
    const signedUp = await browser.signUp('Ann')
    assert.equal(signedUp.status, 201)
    const user = userOf(signedUp)
    assert.match(user.id, /^user:[A-Za-z0-9_-]{16}$/)
    assert.equal(user.name, 'Ann')
    assert.equal(browser.refreshCookie, undefined)
    const { status, body, headers } = await browser.signIn('aNN')
    assert.equal(status, 200)
    const login = LoggedInSchema.parse(body)
    assert.deepEqual(login.user, user)
    const [refresh = '', device = ''] = headers.getSetCookie()
    assert.match(refresh, /^flotilla_refresh=.{87}; Max-Age=2592000; Path=\/api; HttpOnly; SameSite=Strict$/)
    assert.match(device, /^flotilla_device=.{32}; Max-Age=31536000; Path=\/api; HttpOnly; SameSite=Strict$/)
    const claims = decodeJwt(login.token)
    assert.deepEqual(
      [claims.sub, claims['name'], claims.iss, claims.aud],
      [user.id, 'Ann', 'flotilla', 'chat'],
    )
    assert.deepEqual(
      [claims.iat, typeof claims['sid'], typeof claims.jti],
      [Math.floor(now) / 1_000, 'string', 'string'],
    )
    assert.equal(decodeProtectedHeader(login.token).typ, 'at+jwt')
    assert.deepEqual((await browser.call('GET', '/api/me')).body, { user, createdAt: Math.floor(now) })
  })

  test('where browsers reach us by TLS, cookies go by nothing else', async (t) => {
    const balancer = await startBalancer(t, { publicUrl: 'https://chat.example' })
    const browser = new Browser(balancer)
    await browser.signUp('ann')
    const { headers } = await browser.signIn('ann')
    for (const cookie of headers.getSetCookie()) assert.match(cookie, /; Secure$/)
    assert.equal(headers.getSetCookie().length, 2)
  })

  test('names that are taken, or look like one, and passwords that will not do are refused', async (t) => {
    const balancer = await startBalancer(t)
    const browser = new Browser(balancer)
    await browser.signUp('Ann')
    for (const name of ['Ann', 'aNN', 'Аnn'])
      assert.deepEqual(outcome(await browser.signUp(name)), [409, 'username_taken'], name)
    for (const name of ['deleted user', 'Dеleted User'])
      assert.deepEqual(outcome(await browser.signUp(name)), [422, 'bad_name'], name)
    for (const password of ['', 'short', 'password1', 'x'.repeat(129), 'bob-the-one'])
      assert.deepEqual(outcome(await browser.signUp('Bob-The-One', password)), [422, 'bad_password'])
    const many = await Promise.all(['zoe', 'Zoe', 'ZOE', 'zое'].map((name) => browser.signUp(name)))
    assert.deepEqual(many.map(({ status }) => status).sort(), [201, 409, 409, 409])
  })

  test('the same answer and the same work for a wrong password and for a name nobody has', async (t) => {
    const balancer = await startBalancer(t)
    const browser = new Browser(balancer)
    await browser.signUp('ann')
    const hashes = async () =>
      Number(
        /^flotilla_balancer_password_hashes_total (\d+)$/m.exec((await balancer.get('/metrics')).text)?.[1],
      )
    const before = await hashes()
    const wrong = await browser.signIn('ann', 'wrong password')
    assert.equal(await hashes(), before + 1)
    const unknown = await browser.signIn('nobody', 'wrong password')
    assert.equal(await hashes(), before + 2)
    assert.deepEqual(outcome(wrong), [401, 'wrong_password'])
    assert.equal(wrong.text, unknown.text)
    const head = ({ headers }: Reply) => [...headers.keys()].sort()
    assert.deepEqual(head(wrong), head(unknown))
  })

  test('another name: the old token ends, the next one has the new name, and the old one is free', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const { token } = browser
    await new Browser(balancer).signUp('bob')
    assert.deepEqual(outcome(await browser.call('PATCH', '/api/me', { username: 'Вob' })), [
      409,
      'username_taken',
    ])
    assert.deepEqual(outcome(await browser.call('PATCH', '/api/me', { username: 'a:b' })), [422, 'bad_name'])
    const renamed = await browser.call('PATCH', '/api/me', { username: 'Zoe' })
    assert.deepEqual([renamed.status, userOf(renamed).name], [200, 'Zoe'])
    assert.equal(await browser.isIn(), true)
    const { status } = await balancer.get('/api/me', { authorization: `Bearer ${token}` })
    assert.equal(status, 401)
    const refreshed = await browser.refresh()
    assert.deepEqual([refreshed.status, userOf(refreshed).name], [200, 'Zoe'])
    assert.equal(await browser.isIn(), true)
    assert.equal((await new Browser(balancer).signIn('zoe')).status, 200)
    assert.equal((await new Browser(balancer).signUp('ann')).status, 201)
  })

  test('an account has ten new names in an hour', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const rename = (at: number) => browser.call('PATCH', '/api/me', { username: `ann ${at}` })
    for (let at = 0; at < 10; at += 1) assert.equal((await rename(at)).status, 200)
    assert.deepEqual(outcome(await rename(11)), [429, 'rate_limited'])
    assert.equal((await browser.call('PATCH', '/api/me', {})).status, 200, 'the same name is none')
  })

  test('another password ends the other sessions, and the old one opens nothing', async (t) => {
    const balancer = await startBalancer(t)
    const here = await signedIn(balancer, 'ann')
    const there = await signedIn(balancer, 'ann')
    const change = (old: string, next: string) => here.call('POST', '/api/me/password', { old, new: next })
    assert.deepEqual(outcome(await change('wrong password', 'another password')), [401, 'wrong_password'])
    assert.deepEqual(outcome(await change(PASSWORD, 'short')), [422, 'bad_password'])
    assert.equal(await there.isIn(), true)
    assert.equal((await change(PASSWORD, 'another password')).status, 200)
    assert.deepEqual([await here.isIn(), await there.isIn()], [true, false])
    assert.equal((await there.refresh()).status, 401)
    assert.equal((await here.refresh()).status, 200)
    assert.equal((await there.signIn('ann')).status, 401)
    assert.equal((await there.signIn('ann', 'another password')).status, 200)
  })

  test('a removed account is gone: its tokens, its sessions, its name', async (t) => {
    const balancer = await startBalancer(t)
    const here = await signedIn(balancer, 'ann')
    const there = await signedIn(balancer, 'ann')
    const remove = (password: string) => here.call('DELETE', '/api/me', { password })
    assert.deepEqual(outcome(await remove('wrong password')), [401, 'wrong_password'])
    assert.equal((await remove(PASSWORD)).status, 200)
    assert.equal(here.refreshCookie, undefined)
    assert.deepEqual([await here.isIn(), await there.isIn()], [false, false])
    assert.equal((await there.refresh()).status, 401)
    assert.deepEqual(outcome(await here.signIn('ann')), [401, 'wrong_password'])
    assert.equal((await here.enterAsGuest('ann')).status, 200, 'as a guest')
  })

  test('blocks are listed, and go again', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signedIn(balancer, 'ann')
    const bob = userOf(await new Browser(balancer).signUp('bob'))
    const path = `/api/blocks/${encodeURIComponent(bob.id)}`
    assert.equal((await ann.call('PUT', path)).status, 200)
    assert.deepEqual((await ann.call('GET', '/api/blocks')).body, [bob])
    const me = (await ann.call('GET', '/api/me')).body as Me
    assert.deepEqual(outcome(await ann.call('PUT', `/api/blocks/${me.user.id}`)), [400, 'bad_request'])
    assert.deepEqual(outcome(await ann.call('PUT', '/api/blocks/user:none')), [404, 'no_such_user'])
    assert.equal((await ann.call('DELETE', path)).status, 200)
    assert.deepEqual((await ann.call('GET', '/api/blocks')).body, [])
  })

  test('all of it is there for the next run of the balancer', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const gone = await signedIn(balancer, 'ann')
    await gone.call('POST', '/api/logout', {})
    const { token } = gone
    await balancer.close()
    const next: Balancer = await startBalancer(t, { dataRoot: balancer.dataRoot })
    assert.equal(next.id, balancer.id)
    const later = new Browser(next)
    for (const [name, value] of browser.cookies) later.cookies.set(name, value)
    assert.equal((await later.refresh()).status, 200)
    later.token = token
    assert.equal(await later.isIn(), false, 'what was revoked stays so')
    assert.equal((await later.signIn('ann')).status, 200)
  })
})
