import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { BalancerApi } from '../../balancer/api.ts'
import { Session } from './session.ts'

/** A balancer's calls over real HTTP, whose clock and moods the tests set; `cookie` is what a browser would keep. */
type Call = { path: string; username?: string; password?: string; token?: string | undefined }
let answer: (call: Call, response: ServerResponse) => void
let calls: Call[] = []
let tokens = 0
let cookie: { id: string; name: string } | undefined
let now = 0
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const token = request.headers.authorization
    const call = { path: request.url ?? '', token, ...(JSON.parse(body) as object) }
    calls.push(call)
    answer(call, response)
  })
})
let base = ''
before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

function asBalancer({ path, username = '', password }: Call, response: ServerResponse) {
  response.setHeader('content-type', 'application/json')
  if (path === '/api/logout') cookie = undefined
  if (path === '/api/login')
    cookie = { id: password === undefined ? `guest:${username}` : `user:${username}`, name: username }
  if (path === '/api/logout' || path === '/api/signup') return response.end('{}')
  if (cookie === undefined) return refuse(401, 'unauthenticated')(undefined, response)
  tokens += 1
  response.end(JSON.stringify({ token: `token-${tokens}`, expiresAt: now + 30 * 60_000, user: cookie }))
}
function refuse(status: number, code: string) {
  return (_call: unknown, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ code, status, title: code, type: 'about:blank' }))
  }
}
function freshSession(kept = new Map<string, string>()) {
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  const api = new BalancerApi((path, init) => fetch(base + (path as string), init))
  return new Session({ api, storage, now: () => now })
}
const paths = () => calls.map(({ path }) => path)

describe('the session of a browser', () => {
  beforeEach(() => {
    calls = []
    tokens = 0
    cookie = undefined
    now = 1_000_000
    answer = asBalancer
  })

  test('a name lets one in, and is remembered for the next visit', async () => {
    const kept = new Map<string, string>()
    const session = freshSession(kept)
    await session.enter('ana')
    assert.deepEqual(session.read(), { status: 'in', user: { id: 'guest:ana', name: 'ana' } })
    const next = freshSession(kept)
    await next.resume()
    assert.equal(next.read().status, 'in')
  })

  test('who signs out while the balancer is away is signed out with the next visit', async () => {
    const kept = new Map<string, string>()
    const session = freshSession(kept)
    await session.enter('ana', 'a password')
    answer = refuse(503, 'busy')
    session.leave()
    while (!paths().includes('/api/logout')) await new Promise(setImmediate)
    answer = asBalancer
    assert.ok(cookie !== undefined)
    for (const visit of ['the next one', 'and the one after it']) {
      await freshSession(kept).resume()
      assert.equal(cookie, undefined, visit)
    }
    assert.equal(paths().filter((path) => path === '/api/logout').length, 2)
    // Whoever signs in meanwhile is not signed out by it.
    await session.enter('ana', 'a password')
    answer = refuse(503, 'busy')
    session.leave()
    while (paths().filter((path) => path === '/api/logout').length < 3) await new Promise(setImmediate)
    answer = asBalancer
    await session.enter('bob', 'a password')
    await freshSession(kept).resume()
    assert.deepEqual(cookie, { id: 'user:bob', name: 'bob' })
  })

  test('who left on purpose is not taken back in, but finds the name in the field', async () => {
    const kept = new Map<string, string>()
    const session = freshSession(kept)
    await session.enter('ana')
    session.leave()
    const next = freshSession(kept)
    await next.resume()
    assert.equal(next.read().status, 'out')
    assert.equal(next.rememberedName, 'ana')
  })

  test('a refused name says why', async () => {
    const session = freshSession()
    answer = refuse(409, 'username_taken')
    await session.enter('root')
    assert.deepEqual(session.read(), { status: 'out', problem: 'username_taken' })
  })

  test('an answer that is no problem document, as of a proxy, counts as no answer', async () => {
    const session = freshSession()
    answer = (_call, response) => response.writeHead(502).end('Bad gateway')
    await session.enter('ana')
    assert.deepEqual(session.read(), { status: 'out', problem: 'no_answer' })
  })

  test('a token serves until shortly before its end, then one call makes the next for all who ask', async () => {
    const session = freshSession()
    await session.enter('ana')
    assert.equal(await session.token(), 'token-1')
    now += 29.5 * 60_000
    assert.deepEqual(await Promise.all([session.token(), session.token()]), ['token-2', 'token-2'])
    assert.deepEqual(paths(), ['/api/login', '/api/login'])
  })

  test('while the balancer is away a token serves to its very end, and not longer', async () => {
    const session = freshSession()
    await session.enter('ana')
    answer = refuse(503, 'not_ready')
    now += 29.5 * 60_000
    assert.equal(await session.token(), 'token-1')
    now += 60_000
    await assert.rejects(session.token())
  })

  test('a token that is in doubt is replaced at once', async () => {
    const session = freshSession()
    await session.enter('ana')
    session.doubt()
    assert.equal(await session.token(), 'token-2')
    assert.equal(await session.token(), 'token-2')
  })

  test('a guest goes on under the own name, whoever signed in beside him', async () => {
    const session = freshSession()
    await session.enter('ana')
    cookie = { id: 'user:7', name: 'bo' } // in another tab
    session.doubt()
    await session.token()
    assert.deepEqual(paths(), ['/api/login', '/api/login'])
    assert.deepEqual(session.read(), { status: 'in', user: { id: 'guest:ana', name: 'ana' } })
  })

  test('an account comes back by its cookie alone, and no password is kept', async () => {
    const kept = new Map<string, string>()
    await freshSession(kept).enter('ana', 'secret words')
    assert.ok(![...kept].flat().join().includes('secret'))
    const next = freshSession(kept)
    await next.resume()
    assert.deepEqual(next.read(), { status: 'in', user: { id: 'user:ana', name: 'ana' } })
    assert.deepEqual(paths(), ['/api/login', '/api/token'])
  })

  test('an account whose sign-in was ended elsewhere is not a guest by that: it is out, and told why', async () => {
    const kept = new Map<string, string>()
    const session = freshSession(kept)
    await session.enter('ana', 'secret words')
    cookie = undefined
    session.doubt()
    await assert.rejects(session.token())
    assert.deepEqual(session.read(), { status: 'out', problem: 'unauthenticated' })
    const next = freshSession(new Map([...kept, ['flotilla.stay', 'account']]))
    await next.resume()
    assert.deepEqual(next.read(), { status: 'out', problem: 'unauthenticated' })
    assert.ok(!paths().slice(1).includes('/api/login'))
  })

  test('a tab of one account does not become another, who signed in beside it', async () => {
    const session = freshSession()
    await session.enter('ana', 'secret words')
    cookie = { id: 'user:bo', name: 'bo' }
    session.doubt()
    await assert.rejects(session.token())
    assert.deepEqual(session.read(), { status: 'out', problem: 'unauthenticated' })
  })

  test('leaving ends the sign-in at the balancer, too', async () => {
    const session = freshSession()
    await session.enter('ana', 'secret words')
    session.leave()
    while (!paths().includes('/api/logout')) await new Promise((done) => setImmediate(done))
    assert.equal(calls.at(-1)?.token, 'Bearer token-1')
  })

  test('an account is made and entered at once; a guest of that name shows who asks', async () => {
    const session = freshSession()
    await session.enter('ana')
    assert.equal(await session.signUp('ana', 'secret words'), undefined)
    assert.deepEqual(session.read(), { status: 'in', user: { id: 'user:ana', name: 'ana' } })
    assert.deepEqual(paths(), ['/api/login', '/api/signup', '/api/login'])
    assert.equal(calls[1]?.token, 'Bearer token-1')
  })

  test('an account that cannot be made leaves the guest where he is', async () => {
    const session = freshSession()
    await session.enter('ana')
    answer = refuse(422, 'bad_name')
    assert.equal(await session.signUp('ana', 'short'), 'bad_name')
    assert.equal(session.read().status, 'in')
  })
})
