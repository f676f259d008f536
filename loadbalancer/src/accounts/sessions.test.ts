import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SessionRow } from '@flotilla/protocol/accounts.ts'
import { LoggedInSchema } from '@flotilla/protocol/control.ts'
import { decodeProtectedHeader } from 'jose'
import { startBalancer } from '../../test/fleet.ts'
import { Browser, outcome, PASSWORD, signedIn } from '../../test/people.ts'
import { TOKEN_MS } from './tokens.ts'

describe('sessions', () => {
  const sessionsOf = async (browser: Browser) =>
    (await browser.call('GET', '/api/sessions')).body as SessionRow[]

  test('a refresh cookie is good once, and brings the next one', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => time })
    const browser = await signedIn(balancer, 'ann')
    for (let at = 0; at < 3; at += 1) {
      time += TOKEN_MS
      assert.equal(await browser.isIn(), false)
      const before = browser.refreshCookie
      const { status, body } = await browser.refresh()
      assert.equal(status, 200)
      assert.equal(LoggedInSchema.parse(body).user.name, 'ann')
      assert.notEqual(browser.refreshCookie, before)
      assert.equal(await browser.isIn(), true)
    }
    const [session] = await sessionsOf(browser)
    assert.deepEqual([session?.current, session?.usedAt], [true, Math.floor(time)])
  })

  test('a copy of a cookie ends the session of both, whoever of them comes second', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const thief = new Browser(balancer)
    thief.cookies.set('flotilla_refresh', browser.refreshCookie ?? '')
    assert.equal((await thief.refresh()).status, 200)
    const late = await browser.refresh()
    assert.deepEqual(outcome(late), [401, 'unauthenticated'])
    assert.equal(browser.refreshCookie, undefined, 'the browser forgets it')
    assert.deepEqual([await browser.isIn(), await thief.isIn()], [false, false])
    assert.equal((await thief.refresh()).status, 401)
  })

  test('cookies that are none are refused, and change nothing', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const good = browser.refreshCookie ?? ''
    const [session = '', secret = ''] = good.split('.')
    const stranger = new Browser(balancer)
    for (const bad of [
      '',
      'x',
      `${session}.`,
      `${session}.${'A'.repeat(64)}`,
      `${'A'.repeat(22)}.${secret}`,
      `${good}x`,
      browser.token ?? '',
      "' OR 1=1 --",
    ]) {
      stranger.cookies.set('flotilla_refresh', bad)
      assert.deepEqual(outcome(await stranger.refresh()), [401, 'unauthenticated'], bad)
    }
    assert.equal((await browser.refresh()).status, 200)
  })

  test('a refresh cookie is no token, and a token no cookie', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const { status } = await balancer.get('/api/me', { authorization: `Bearer ${browser.refreshCookie}` })
    assert.equal(status, 401)
  })

  test('pages of other origins cannot use the cookie', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    for (const origin of ['https://evil.example', 'null', 'http://localhost:5174'])
      for (const path of ['/api/token', '/api/logout'])
        assert.deepEqual(outcome(await browser.call('POST', path, {}, { origin })), [403, 'foreign_origin'])
    assert.equal(await browser.isIn(), true)
    assert.equal(
      (await browser.call('POST', '/api/token', {}, { origin: 'http://localhost:5173' })).status,
      200,
    )
  })

  test('signing out ends the session, also if only the token is there', async (t) => {
    const balancer = await startBalancer(t)
    const [one, two] = [await signedIn(balancer, 'ann'), await signedIn(balancer, 'ann')]
    const copy = new Map(one.cookies)
    assert.equal((await one.call('POST', '/api/logout', {})).status, 200)
    assert.equal(one.refreshCookie, undefined)
    assert.equal(await one.isIn(), false)
    for (const [name, value] of copy) one.cookies.set(name, value)
    assert.equal((await one.refresh()).status, 401)
    two.cookies.clear()
    assert.equal((await two.call('POST', '/api/logout', {})).status, 200)
    assert.equal(await two.isIn(), false)
    assert.equal((await new Browser(balancer).call('POST', '/api/logout')).status, 200, 'nobody at all')
  })

  test('who signs in anew leaves the session this browser had; a guest in another tab does not', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    const { token } = browser
    await browser.signIn('ann')
    assert.equal((await sessionsOf(browser)).length, 1)
    assert.equal((await balancer.get('/api/me', { authorization: `Bearer ${token}` })).status, 401)
    const { token: mine } = browser
    await browser.enterAsGuest('guest')
    browser.token = mine
    assert.equal(await browser.isIn(), true)
    assert.equal((await browser.refresh()).status, 200)
  })

  test('one’s own sessions are listed, and can be ended: one, the others, all', async (t) => {
    const balancer = await startBalancer(t)
    const [one, two, three] = [
      await signedIn(balancer, 'ann'),
      await signedIn(balancer, 'ann'),
      await signedIn(balancer, 'ann'),
    ] as const
    await two.call(
      'POST',
      '/api/login',
      { username: 'ann', password: PASSWORD },
      { 'user-agent': 'Netscape\u00e9 4' },
    )
    const others = await signedIn(balancer, 'bob')
    const sessions = await sessionsOf(one)
    assert.equal(sessions.length, 3)
    assert.deepEqual(sessions.map(({ current }) => current).sort(), [false, false, true])
    const second = sessions.find(({ agent }) => agent === 'Netscape 4')
    assert.ok(second)
    assert.deepEqual(outcome(await others.call('DELETE', `/api/sessions/${second.id}`)), [404, 'not_found'])
    assert.equal(await two.isIn(), true)
    assert.equal((await one.call('DELETE', `/api/sessions/${second.id}`)).status, 200)
    assert.deepEqual([await one.isIn(), await two.isIn(), await three.isIn()], [true, false, true])
    assert.equal((await one.call('DELETE', '/api/sessions')).status, 200)
    assert.deepEqual([await one.isIn(), await three.isIn()], [true, false])
    assert.equal((await one.call('DELETE', '/api/sessions?all')).status, 200)
    assert.equal(await one.isIn(), false)
    assert.equal(one.refreshCookie, undefined)
    assert.equal(await others.isIn(), true)
  })

  test('sessions end when nobody uses them, or after half a year', async (t) => {
    let time = Date.now()
    const day = 24 * 3_600_000
    const balancer = await startBalancer(t, {}, { now: () => time })
    const [idle, busy] = [await signedIn(balancer, 'ann'), await signedIn(balancer, 'ann')]
    for (let at = 0; at < 6; at += 1) {
      time += 29 * day
      assert.equal((await busy.refresh()).status, 200)
    }
    assert.equal((await idle.refresh()).status, 401)
    time += 7 * day
    assert.equal((await busy.refresh()).status, 401)
  })

  test('keys change, and nobody is signed out', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => time })
    const browser = await signedIn(balancer, 'ann')
    const kid = () => decodeProtectedHeader(browser.token ?? '').kid
    const before = kid()
    const rotated = await balancer.tell('/internal/rotate-keys', { announceMs: 0 })
    assert.equal(rotated.status, 200)
    assert.equal(await browser.isIn(), true)
    time += 1
    await browser.refresh()
    assert.notEqual(kid(), before)
    const { keys } = (await balancer.get('/.well-known/jwks.json')).body as { keys: { kid: string }[] }
    assert.deepEqual(
      keys.map((key) => key.kid),
      [before, kid()],
    )
    assert.equal((await balancer.post('/internal/rotate-keys', {})).status, 401)
  })
})
