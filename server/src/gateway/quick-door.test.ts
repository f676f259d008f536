import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../clock.ts'
import { until } from '../test/until.ts'
import type { HandshakeRequest } from './doors.ts'
import { QuickDoor, readHandshake } from './quick-door.ts'

const PLAIN = [
  'Host: x',
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ== ',
]
const handshake = (target: string, headers: readonly string[] = PLAIN) =>
  `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`

/** A door before a server of Node's, which gives up on whoever takes longer than `nodeMs`. */
function doorway({ silentMs, nodeMs, most }: { silentMs: number; nodeMs: number; most?: number }) {
  const quick: { request: HandshakeRequest; head: string }[] = []
  const slow: { request: IncomingMessage; head: string }[] = []
  const accepted: Socket[] = []
  const http = createServer({
    headersTimeout: nodeMs,
    requestTimeout: nodeMs,
    connectionsCheckingInterval: 50,
  })
  let door: QuickDoor
  before(async () => {
    door = new QuickDoor({
      http,
      clock: systemClock,
      silentMs,
      ...(most === undefined ? {} : { mostStrangers: most }),
      upgrade(request, socket, head) {
        quick.push({ request, head: head.toString() })
        socket.end('quick')
      },
    })
    door.open()
    http.on('connection', (socket: Socket) => accepted.push(socket))
    http.on('request', (_request, response) => response.end('answered'))
    http.on('upgrade', (request, socket, head) => {
      slow.push({ request, head: head.toString() })
      socket.end('slow')
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
  })
  after(() => {
    door.close()
    http.close()
    http.closeAllConnections()
  })

  /** Writes the parts one after the other. @returns what came until the end */
  async function say(...parts: (string | Buffer)[]): Promise<string> {
    const socket = open()
    await once(socket, 'connect')
    const port = socket.localPort
    let said = ''
    socket.on('data', (data: Buffer) => (said += data.toString('latin1')))
    const closed = once(socket, 'close')
    let written = 0
    for (const part of parts) {
      // Each in a packet of its own, read before the next one comes.
      const isRead = () => accepted.find((one) => one.remotePort === port)?.bytesRead === written
      if (written > 0) await until('it is read', isRead)
      socket.write(part)
      written += Buffer.byteLength(part)
    }
    await closed
    return said
  }
  const open = (): Socket => connect((http.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  return { http, quick, slow, say, open }
}

describe('the quick door', () => {
  // Nothing comes near these, however busy the machine is.
  const { http, quick, slow, say, open } = doorway({ silentMs: 60_000, nodeMs: 60_000 })
  const hasty = doorway({ silentMs: 50, nodeMs: 300 })
  const crowded = doorway({ silentMs: 60_000, nodeMs: 60_000, most: 3 })

  test('reads a plain handshake as Node does, with what came behind it', async () => {
    const text = handshake('/ws?username=a%20b&x=1')
    assert.equal(await say(Buffer.concat([Buffer.from(text), Buffer.from('head')])), 'quick')
    assert.equal(await say(text.slice(0, 30), `${text.slice(30)}head`), 'slow')
    const [ours, nodes] = [quick.at(-1), slow.at(-1)]
    assert.equal(ours?.head, 'head')
    assert.equal(nodes?.head, 'head')
    assert.equal(ours.request.url, nodes.request.url)
    assert.equal(ours.request.method, nodes.request.method)
    assert.deepEqual({ ...ours.request.headers }, { ...nodes.request.headers })
  })

  const unusual: [what: string, text: string][] = [
    ['another path', handshake('/wsx')],
    ['a link', handshake('/link')],
    ['a part of one', handshake('/ws').slice(0, -1)],
    ['no host', handshake('/ws', PLAIN.slice(1))],
    ['a header twice', handshake('/ws', [...PLAIN, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='])],
    ['a body', handshake('/ws', [...PLAIN, 'Content-Length: 4'])],
    ['a body in chunks', handshake('/ws', [...PLAIN, 'Transfer-Encoding: chunked'])],
    ['a header on two lines', handshake('/ws', [...PLAIN, 'X-Long: a', ' b'])],
    ['a header with a space before its colon', handshake('/ws', [...PLAIN, 'Origin : http://evil'])],
    ['a control character', handshake('/ws', [...PLAIN, 'X: \x01'])],
    ['a bare line feed', handshake('/ws').replaceAll('\r\n', '\n')],
    ['another method', handshake('/ws').replace('GET', 'POST')],
    ['another version', handshake('/ws').replace('HTTP/1.1', 'HTTP/1.0')],
    [
      'no upgrade',
      handshake(
        '/ws',
        PLAIN.filter((line) => !line.startsWith('Upgrade')),
      ),
    ],
    ['a connection that is kept', handshake('/ws', ['Connection: keep-alive', ...PLAIN.toSpliced(1, 1)])],
    ['another protocol', handshake('/ws', ['Upgrade: h2c', ...PLAIN.toSpliced(2, 1)])],
    ['ten thousand bytes', handshake('/ws', [...PLAIN, `X: ${'x'.repeat(10_000)}`])],
    ['characters beyond ASCII in the target', handshake('/ws?username=é')],
    ['__proto__ as a header that is there', handshake('/ws', ['__proto__: 1', '__proto__: 2', ...PLAIN])],
  ]
  for (const [what, text] of unusual) {
    test(`leaves to Node: ${what}`, () => {
      assert.equal(readHandshake(Buffer.from(text)), undefined)
    })
  }

  test('what it leaves to Node is answered by Node, garbage included', async () => {
    assert.match(await say('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /answered$/)
    assert.match(await say('G', 'ET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /answered$/)
    assert.match(await say('\x16\x03\x01'), /^HTTP\/1\.1 400 /)
  })

  test('who opens many connections and says nothing is cut off before who asks something', async () => {
    const asking = crowded.open()
    let said = ''
    asking.on('data', (data: Buffer) => (said += data.toString()))
    const ask = () => asking.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    ask()
    await until('it is answered', () => said.endsWith('answered'))
    const silent = [crowded.open(), crowded.open(), crowded.open()]
    await Promise.race([asking, ...silent].map((socket) => once(socket, 'close')))
    ask()
    await until('it is answered again', () => said.split('answered').length === 3)
    for (const socket of [asking, ...silent]) socket.destroy()
  })

  test('[C6] who says nothing, and who does not end, is ended by Node', async () => {
    assert.match(await hasty.say(), /^HTTP\/1\.1 408 /)
    assert.match(await hasty.say('GET /ws'), /^HTTP\/1\.1 408 /)
  })

  test('who comes before it is open waits, and is answered then', async (t) => {
    const early = createServer((_request, response) => response.end('answered'))
    const door = new QuickDoor({
      http: early,
      clock: systemClock,
      silentMs: 60_000,
      upgrade: (_request, socket) => socket.end('quick'),
    })
    t.after(() => early.close())
    t.after(() => door.close())
    early.listen(0, '127.0.0.1')
    await once(early, 'listening')
    const { port } = early.address() as AddressInfo
    const answers = [handshake('/ws'), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'].map(
      async (text) => {
        const socket = connect(port, '127.0.0.1')
        socket.write(text)
        let said = ''
        for await (const chunk of socket) said += String(chunk)
        return said
      },
    )
    const connections = () => new Promise<number>((resolve) => early.getConnections((_, n) => resolve(n)))
    await until('both are there', async () => (await connections()) === 2)
    door.open()
    const [first, second] = await Promise.all(answers)
    assert.equal(first, 'quick')
    assert.match(second ?? '', /answered$/)
  })

  test('beyond so many who have not said who they are, the oldest of those who say nothing goes, as they are more: whoever comes can still come in', async (t) => {
    let dropped = 0
    const crowded = createServer((_request, response) => response.end('answered'))
    const door = new QuickDoor({
      http: crowded,
      clock: systemClock,
      silentMs: 60_000,
      mostStrangers: 3,
      dropped: () => (dropped += 1),
      upgrade: (_request, socket) => socket.write('quick'),
    })
    door.open()
    t.after(() => crowded.close())
    t.after(() => crowded.closeAllConnections())
    t.after(() => door.close())
    crowded.listen(0, '127.0.0.1')
    await once(crowded, 'listening')
    const { port } = crowded.address() as AddressInfo
    const come = async (text = '') => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      t.after(() => socket.destroy())
      await once(socket, 'connect')
      if (text !== '') socket.write(text)
      return socket
    }
    const half = await come('GET / HTTP/1.1\r\n')
    const silent = await come()
    const hallo = async () => {
      const socket = await come(handshake('/ws'))
      assert.equal(String((await once(socket, 'data'))[0]), 'quick')
    }
    // Whoever was let in is no stranger, and takes no place of theirs.
    for (let i = 0; i < 5; i += 1) await hallo()
    assert.equal(dropped, 0)
    const third = await come()
    const cut = once(silent.resume(), 'close')
    await hallo()
    await cut
    const next = once(third.resume(), 'close')
    await come()
    await hallo()
    await next
    assert.equal(dropped, 2)
    assert.ok(!half.destroyed)
  })

  test('who hangs up before he says anything is let go', async () => {
    const socket = open()
    await once(socket, 'connect')
    socket.end()
    await once(socket.resume(), 'close')
    const connections = () => new Promise<number>((resolve) => http.getConnections((_, n) => resolve(n)))
    await until('nobody is there', async () => (await connections()) === 0)
  })
})
