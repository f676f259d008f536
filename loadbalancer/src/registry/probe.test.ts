import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test, type TestContext } from 'node:test'
import { Peer } from '../../test/fleet.ts'
import { originOf, Prober } from './probe.ts'

/** Nothing here comes near it, however busy the machine is. */
const TIMEOUT_MS = 60_000

/** What is found out about a peer that answers so. */
async function ask(t: TestContext, answer?: RequestListener, timeoutMs = TIMEOUT_MS) {
  const peer = await Peer.start(t, 'a', answer)
  const prober = new Prober()
  t.after(() => prober.close())
  return prober.ask({ host: '127.0.0.1', port: peer.port }, 'a', peer.inc, timeoutMs)
}
const json = (status: number, body: unknown, headers = {}): RequestListener => {
  return (_request, response) => response.writeHead(status, headers).end(JSON.stringify(body))
}

test('the run that was asked for answers', async (t) => {
  assert.equal(await ask(t), 'ok')
})

test('another server, another run, another status and other contents are somebody else', async (t) => {
  assert.equal(await ask(t, json(200, { id: 'b', inc: 'x' })), 'other')
  assert.equal(await ask(t, json(200, { id: 'a', inc: 'x' })), 'other')
  assert.equal(await ask(t, json(404, {})), 'other')
  assert.equal(await ask(t, json(200, null)), 'other')
  assert.equal(await ask(t, (_request, response) => response.end('<html>')), 'other')
})

test('a redirect is not followed', async (t) => {
  let followed = 0
  const target = await Peer.start(t, 'a', (_request, response) => response.end(String((followed += 1))))
  const location = `http://127.0.0.1:${target.port}/healthz`
  assert.equal(await ask(t, json(302, {}, { location })), 'other')
  assert.equal(followed, 0)
})

test('no more than a small body is read', async (t) => {
  let hungUp = false
  const outcome = await ask(t, (_request, response) => {
    response.on('close', () => (hungUp = true))
    const flood = () => void (!hungUp && response.write('x'.repeat(1_024)) && setImmediate(flood))
    response.on('drain', flood)
    flood()
  })
  assert.equal(outcome, 'other')
})

test('nobody listens: refused', async (t) => {
  const peer = await Peer.start(t, 'a')
  const { port } = peer
  await peer.stop()
  const prober = new Prober()
  t.after(() => prober.close())
  assert.equal(await prober.ask({ host: '127.0.0.1', port }, 'a', 'x', TIMEOUT_MS), 'refused')
})

test('no answer in time, and half an answer, are no answer', async (t) => {
  assert.equal(await ask(t, () => {}, 50), 'failed')
  assert.equal(await ask(t, (_request, response) => void response.writeHead(200).write('{'), 50), 'failed')
})

test('a host that is more than a host is not asked', () => {
  for (const host of ['h/x', 'u@h', 'h?x', 'h#x', 'h:80/', 'h h', '', '[h]', 'h\\x', '127.0.0.1:1@h'])
    assert.equal(originOf(host, 80), undefined, host)
  assert.equal(originOf('chat-1.internal', 80), 'http://chat-1.internal:80')
  assert.equal(originOf('::1', 80), 'http://[::1]:80')
  assert.equal(originOf('[::1]', 80), 'http://[::1]:80')
})
