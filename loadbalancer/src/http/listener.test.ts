import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { createListener, type ListenerLimits } from './listener.ts'

/** A listener that answers `hello`, and what it counted as refused. */
async function start(t: TestContext, limits: ListenerLimits = {}) {
  const refused: string[] = []
  const server = createListener((code) => refused.push(code), limits)
  server.on('request', (request, response) => {
    request.resume()
    request.on('end', () => response.end('hello'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const open = async () => {
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { open, refused }
}

/** All that comes until the other end hangs up. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

function problemIn(answer: string): { status: number; code: string } {
  assert.match(answer, /\r\ncontent-type: application\/problem\+json/i)
  assert.match(answer, /\r\nconnection: close/i)
  const { status, code } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as {
    status: number
    code: string
  }
  assert.ok(answer.startsWith(`HTTP/1.1 ${status} `))
  return { status, code }
}

describe('the listening end of the balancer', () => {
  const QUICK = { headMs: 100, requestMs: 200, checkMs: 20 }
  for (const [what, said] of [
    ['a silent connection', ''],
    ['a head that does not end', 'GET / HTTP/1.1\r\nhost: x\r\nx-slow'],
    ['a body that does not end', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{'],
    [
      'a chunked body that does not end',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ] as const) {
    test(`${what} is given up with 408`, async (t) => {
      const { open, refused } = await start(t, QUICK)
      const socket = await open()
      socket.write(said)
      assert.deepEqual(problemIn(await readAll(socket)), { status: 408, code: 'request_timeout' })
      assert.deepEqual(refused, ['request_timeout'])
    })
  }

  test('one byte after another does not keep a connection for longer', async (t) => {
    const { open } = await start(t, QUICK)
    const socket = await open()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n')
    const drip = setInterval(() => socket.write('x'), 10)
    t.after(() => clearInterval(drip))
    assert.equal(problemIn(await readAll(socket)).code, 'request_timeout')
  })

  for (const [what, said, status, code] of [
    ['what is no request', 'nonsense\r\n\r\n', 400, 'bad_request'],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
    [
      'two lengths of one body',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'an expectation nobody knows',
      'GET / HTTP/1.1\r\nhost: x\r\nexpect: the-unexpected\r\n\r\n',
      400,
      'bad_request',
    ],
  ] as const) {
    test(`${what} is ${status}, as a problem with a code`, async (t) => {
      const { open, refused } = await start(t)
      const socket = await open()
      socket.write(said)
      assert.deepEqual(problemIn(await readAll(socket)), { status, code })
      assert.deepEqual(refused, [code])
    })
  }
})
