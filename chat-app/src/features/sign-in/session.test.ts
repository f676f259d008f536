import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { BalancerApi } from '../../balancer/api.ts'
import { Session } from './session.ts'

/** A balancer's login over real HTTP, whose clock and moods the tests set. */
let answer: (name: string, response: ServerResponse) => void
let logins = 0
let now = 0
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    logins += 1
    answer((JSON.parse(body) as { username: string }).username, response)
  })
})
let base = ''
before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

function letIn(name: string, response: ServerResponse) {
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({
      token: `token-${logins}`,
      expiresAt: now + 30 * 60_000,
      user: { id: `guest:${name}`, name },
    }),
  )
}
function refuse(status: number, code: string) {
  return (_name: string, response: ServerResponse) => {
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

describe('the session of a browser', () => {
  beforeEach(() => {
    logins = 0
    now = 1_000_000
    answer = letIn
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
    answer = (_name, response) => response.writeHead(502).end('Bad gateway')
    await session.enter('ana')
    assert.deepEqual(session.read(), { status: 'out', problem: 'no_answer' })
  })

  test('a token serves until shortly before its end, then one login makes the next for all who ask', async () => {
    const session = freshSession()
    await session.enter('ana')
    assert.equal(await session.token(), 'token-1')
    now += 29.5 * 60_000
    assert.deepEqual(await Promise.all([session.token(), session.token()]), ['token-2', 'token-2'])
    assert.equal(logins, 2)
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
})
