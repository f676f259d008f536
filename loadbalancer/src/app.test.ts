import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { HealthSchema, ProblemSchema, ReadySchema, type Problem } from '@flotilla/protocol/control.ts'
import { freshFolder, signIn, startBalancer, startPeers } from '../test/fleet.ts'

const codeOf = ({ body }: { body: never }) => (body as Problem).code

describe('problems', () => {
  test('whatever is wrong comes as problem+json, without a word of how the program is built', async (t) => {
    const balancer = await startBalancer(t)
    const { authorization } = await signIn(balancer)
    const secret = { authorization: `Bearer ${balancer.fleetSecret}` }
    const replies = {
      not_found: [
        await balancer.get('/nowhere'),
        await balancer.post('/nowhere', {}),
        await balancer.get('/api/nowhere'),
      ],
      method_not_allowed: [
        await balancer.post('/get', {}),
        await balancer.get('/register'),
        await balancer.post('/healthz'),
      ],
      bad_request: [
        await balancer.post('/api/login', '{"username":'),
        await balancer.post('/api/login', '\u0000'),
        await balancer.post('/api/login', '"text"'),
        await balancer.post('/api/login'),
        await balancer.post('/update', { id: 'a' }, secret),
        await balancer.post('/api/login', '['.repeat(60_000)),
        await balancer.get('/api/rooms/%ff', { authorization }),
      ],
      unsupported_media_type: [
        await balancer.post('/api/login', '{"username":"ann"}', { 'content-encoding': 'gzip' }),
        await balancer.send('/api/login', '{"username":"ann"}', 'text/plain'),
        await balancer.send('/api/login', 'username=ann', 'application/x-www-form-urlencoded'),
        await balancer.send('/api/login', '{"username":"ann"}', 'application/json; charset=latin1'),
        await balancer.send('/api/login', '{"username":"ann"}', 'json'),
      ],
      unauthenticated: [await balancer.get('/api/me'), await balancer.post('/register', {})],
      no_server: [await balancer.get('/get')],
      unknown_server: [await balancer.tell('/internal/drain', { id: 'nobody', drain: true })],
      no_such_room: [await balancer.get('/api/rooms/none', { authorization })],
      bad_name: [await balancer.post('/api/login', { username: 'a:b' })],
      too_large: [
        await balancer.post('/api/login', { username: 'x'.repeat(1024 * 1024) }),
        await balancer.post('/register', { id: 'x'.repeat(16 * 1024 * 1024) }, secret),
      ],
    }
    for (const [code, all] of Object.entries(replies)) {
      for (const [at, reply] of all.entries()) {
        assert.equal(codeOf(reply), code, `${code} ${at}: ${reply.text}`)
        const problem = ProblemSchema.parse(reply.body)
        assert.equal(problem.status, reply.status)
        assert.match(problem.detail, /^.+\.$/, code)
        assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json/)
        assert.doesNotMatch(reply.text, /node_modules|\.ts:|SyntaxError|at .*\(/)
      }
    }
    assert.equal((await balancer.post('/get', {})).headers.get('allow'), 'GET')
  })

  test('every answer keeps browsers from guessing, framing and running, whatever it is', async (t) => {
    const balancer = await startBalancer(t)
    const replies = [
      await balancer.get('/get'),
      await balancer.get('/healthz'),
      await balancer.get('/metrics'),
      await balancer.get('/nowhere'),
      await balancer.post('/api/login', '{'),
      await balancer.post('/api/login', { username: 'ann' }),
      await fetch(`${balancer.url}/api/login`, { method: 'OPTIONS' }),
    ]
    for (const { headers } of replies) {
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('x-frame-options'), 'DENY')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.match(
        headers.get('content-security-policy') ?? '',
        /^default-src 'none'.*frame-ancestors 'none'/,
      )
      assert.equal(headers.get('strict-transport-security'), null, 'it is not reached by TLS')
      assert.equal(headers.get('x-powered-by'), null)
    }
    const secure = await startBalancer(t, { publicUrl: 'https://chat.example' })
    const { headers } = await secure.get('/get')
    assert.match(headers.get('strict-transport-security') ?? '', /^max-age=\d{8}/)
  })

  test('a body that says it is JSON is taken with its charset, too', async (t) => {
    const balancer = await startBalancer(t)
    for (const type of ['application/json', 'Application/JSON; charset=UTF-8']) {
      assert.equal((await balancer.send('/api/login', '{"username":"ann"}', type)).status, 200, type)
    }
  })

  test('fields that would poison an object are dropped', async (t) => {
    const balancer = await startBalancer(t)
    const reply = await balancer.post(
      '/api/login',
      '{"username":"ann","__proto__":{"guest":false},"constructor":{}}',
    )
    assert.equal(reply.status, 200)
    assert.equal(({} as { guest?: boolean }).guest, undefined)
  })

  test('what a stranger sends is not read before the secret is seen', async (t) => {
    const balancer = await startBalancer(t)
    const { port } = new URL(balancer.url)
    const socket = connect(Number(port), '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(
      'POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{',
    )
    const [head] = await new Promise<string[]>((done) => socket.once('data', (data) => done([String(data)])))
    assert.match(head ?? '', /^HTTP\/1\.1 401 /)
  })

  test('refusals are counted by code', async (t) => {
    const balancer = await startBalancer(t)
    await balancer.get('/nowhere')
    const { text } = await balancer.get('/metrics')
    assert.match(text, /^flotilla_balancer_refusals_total\{code="not_found"\} 1$/m)
    assert.match(text, /^flotilla_balancer_servers\{state="up"\} 0$/m)
    assert.match(text, /^nodejs_eventloop_lag/m)
  })
})

describe('browsers', () => {
  const ALLOWED = 'http://localhost:5173'
  const FOREIGN = [
    'http://localhost:5174',
    'https://localhost:5173',
    'http://localhost:5173.evil.example',
    'null',
    'http://evil.example',
  ]
  const CALLS = ['/get', '/servers', '/api/rooms', '/api/me', '/openapi.json']

  test('pages of allowed origins may read, those of others get no CORS headers at all', async (t) => {
    const balancer = await startBalancer(t)
    for (const path of CALLS) {
      const { headers } = await balancer.get(path, { origin: ALLOWED })
      assert.equal(headers.get('access-control-allow-origin'), ALLOWED, path)
      assert.equal(headers.get('access-control-allow-credentials'), 'true')
      assert.match(headers.get('vary') ?? '', /origin/i)
      for (const origin of FOREIGN) {
        const reply = await balancer.get(path, { origin })
        const names = [...reply.headers.keys()].filter((name) => name.startsWith('access-control'))
        assert.deepEqual(names, [], `${path} ${origin}`)
      }
    }
    const own = await balancer.get('/get', { origin: balancer.url })
    assert.equal(own.headers.get('access-control-allow-origin'), balancer.url)
  })

  test('a preflight names methods and headers, for allowed origins only', async (t) => {
    const balancer = await startBalancer(t)
    const ask = (origin: string) =>
      fetch(`${balancer.url}/api/rooms`, { method: 'OPTIONS', headers: { origin } })
    const { status, headers } = await ask(ALLOWED)
    assert.equal(status, 204)
    assert.equal(headers.get('access-control-allow-methods'), 'GET, POST')
    assert.match(headers.get('access-control-allow-headers') ?? '', /authorization/)
    assert.equal((await ask('http://evil.example')).headers.get('access-control-allow-methods'), null)
  })

  test('what a foreign page sends is refused before anything is done', async (t) => {
    const balancer = await startBalancer(t)
    const { authorization } = await signIn(balancer)
    for (const origin of FOREIGN) {
      const reply = await balancer.post('/api/rooms', { name: 'Theirs' }, { authorization, origin })
      assert.deepEqual([reply.status, codeOf(reply)], [403, 'foreign_origin'], origin)
    }
    const { text } = await balancer.get('/api/rooms', { authorization })
    assert.ok(!text.includes('Theirs'))
    const own = await balancer.post('/api/rooms', { name: 'Ours' }, { authorization, origin: ALLOWED })
    assert.equal(own.status, 201)
  })

  test('calls between servers are for no browser', async (t) => {
    const balancer = await startBalancer(t)
    for (const path of ['/register', '/update', '/internal/place']) {
      const { headers } = await fetch(balancer.url + path, { method: 'POST', headers: { origin: ALLOWED } })
      assert.equal(headers.get('access-control-allow-origin'), null)
    }
  })

  test('the built web app is served, with its page for each path it routes by itself', async (t) => {
    const webDir = freshFolder(t)
    const balancer = await startBalancer(t, { webDir })
    const html = { accept: 'text/html,*/*' }
    assert.equal(codeOf(await balancer.get('/', html)), 'not_found', 'not built yet')
    mkdirSync(join(webDir, 'assets'))
    writeFileSync(join(webDir, 'index.html'), '<!doctype html>hello')
    writeFileSync(join(webDir, 'assets', 'main-abc.js'), 'hello()')
    for (const path of ['/', '/room/general', '/index.html']) {
      const { status, text, headers } = await balancer.get(path, html)
      assert.deepEqual([status, text], [200, '<!doctype html>hello'], path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(
        policy,
        /default-src 'none'; script-src 'self'; style-src 'self';.*connect-src 'self' ws: wss:/,
      )
      assert.doesNotMatch(policy, /unsafe|\*/)
      assert.equal(headers.get('cache-control'), 'no-cache')
    }
    const script = await balancer.get('/assets/main-abc.js')
    assert.match(script.headers.get('cache-control') ?? '', /immutable/)
    for (const path of ['/api/nowhere', '/assets/gone.js', '/..%2f..%2fkeys.json', '/internal/x'])
      assert.equal(codeOf(await balancer.get(path, html)), 'not_found', path)
    assert.equal(codeOf(await balancer.get('/nowhere')), 'not_found', 'a program is told the truth')
  })
})

describe('the process', () => {
  test('says that it lives, and that it is ready', async (t) => {
    const balancer = await startBalancer(t)
    const health = HealthSchema.parse((await balancer.get('/healthz')).body)
    assert.equal(health.id, balancer.id)
    await startPeers(t, balancer, ['a'])
    assert.deepEqual(ReadySchema.parse((await balancer.get('/readyz')).body), { ready: true, serversUp: 1 })
  })

  test('logs neither names nor tokens nor the secret', async (t) => {
    const balancer = await startBalancer(t, { logLevel: 'trace' })
    const ann = await signIn(balancer, 'ann-who-is-private')
    await startPeers(t, balancer, ['a'])
    await balancer.get('/api/rooms', ann)
    await balancer.get(`/nowhere?token=${ann.authorization}`)
    await balancer.close()
    const log = readFileSync(join(balancer.dataRoot, 'loadbalancer', 'loadbalancer.log'), 'utf8')
    assert.match(log, /"registered"/)
    for (const secret of ['ann-who-is-private', ann.authorization.slice(7), balancer.fleetSecret])
      assert.ok(!log.includes(secret))
  })
})
