import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Me, SessionRow } from '@flotilla/protocol/accounts.ts'
import { LoggedInSchema, MeSchema, type LoggedIn, type Problem } from '@flotilla/protocol/control.ts'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { startBalancer, type Balancer, type Reply } from '../../test/fleet.ts'
import { Browser, PASSWORD, signedIn } from '../../test/people.ts'
import { TOKEN_MS } from './tokens.ts'

const outcome = ({ status, body }: Reply) => [status, (body as Partial<Problem>).code]
const userOf = ({ body }: Reply) => (body as LoggedIn).user

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

describe('limits', () => {
  test('logins of one address are limited, and say when to come again', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, { loginRate: 3 }, { now: () => time })
    const browser = new Browser(balancer)
    for (let at = 0; at < 3; at += 1) assert.equal((await browser.enterAsGuest('ann')).status, 200)
    browser.address = '192.0.2.1'
    const reply = await browser.enterAsGuest('ann')
    assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '10'])
    time += 10_000
    assert.equal((await browser.enterAsGuest('ann')).status, 200)
  })

  test('accounts made from one address are limited, and say when to come again', async (t) => {
    const balancer = await startBalancer(t, { signupRate: 2 })
    const browser = new Browser(balancer)
    for (const name of ['ann', 'bob']) assert.equal((await browser.signUp(name)).status, 201)
    const reply = await browser.signUp('cat')
    assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '3600'])
  })

  test('behind a proxy that is trusted, the address it names counts, and no other', async (t) => {
    const balancer = await startBalancer(t, { loginRate: 1, trustProxy: true })
    const browser = new Browser(balancer)
    const status = async (address: string) => {
      browser.address = address
      return (await browser.enterAsGuest('ann')).status
    }
    assert.equal(await status('192.0.2.1'), 200)
    assert.equal(await status('192.0.2.2'), 200)
    assert.equal(
      await status('203.0.113.9, 192.0.2.2'),
      429,
      'what the client itself put in front is nothing',
    )
    assert.equal(await status('2001:db8::1'), 200)
    assert.equal(await status('2001:db8::2'), 429, 'one line has a whole /64')
    assert.equal(await status('2001:db8:0:1::1'), 200)
  })

  test('ten wrong passwords, whatever the forwarded address says; the right one then does not help, but a known browser does', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => time })
    const owner = await signedIn(balancer, 'ann')
    for (const name of ['ann', 'nobody']) {
      const stranger = new Browser(balancer)
      for (let at = 0; at < 10; at += 1) {
        stranger.address = `192.0.2.${at}`
        assert.deepEqual(outcome(await stranger.signIn(name, 'wrong password')), [401, 'wrong_password'])
      }
      const reply = await stranger.signIn(name)
      assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '900'])
    }
    assert.equal((await owner.signIn('ann')).status, 200)
    time += 15 * 60_000
    assert.equal((await new Browser(balancer).signIn('ann')).status, 200)
  })

  test('who has somebody’s token cannot try passwords by it for longer', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    for (let at = 0; at < 10; at += 1)
      assert.equal((await browser.call('DELETE', '/api/me', { password: 'wrong password' })).status, 401)
    assert.equal((await browser.call('DELETE', '/api/me', { password: PASSWORD })).status, 429)
    const change = { old: PASSWORD, new: 'another password' }
    assert.equal((await browser.call('POST', '/api/me/password', change)).status, 429)
    assert.equal((await new Browser(balancer).signIn('ann')).status, 200, 'that is another door')
  })
})

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
