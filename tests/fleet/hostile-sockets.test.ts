import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { startFleet, until, type LocalFleet } from './harness.ts'
import { RawClient } from './raw-client.ts'

describe('a server with clients that send what they should not', () => {
  let fleet: LocalFleet
  let url: string
  let healthz: string
  before(async () => {
    fleet = await startFleet({ servers: 1 })
    url = fleet.servers[0]?.url ?? ''
    healthz = url.replace(/^ws/, 'http').replace(/ws$/, 'healthz')
  })
  after(() => fleet.stop())

  test('[F3] answers each wrong line with its code, carries out the others, and goes on', async () => {
    const client = await RawClient.open(url, 'mallory')
    client.say(
      'no json',
      '[]',
      '"text"',
      '{"type":"nonsense","ref":1}',
      '{"type":"toString"}',
      '{"type":"__proto__","ref":2}',
      '{"type":"join","ref":3}',
      '{"type":"join","room":"../etc","ref":4}',
      '{"type":"join","room":7}',
      '{"type":"send","room":"general","id":"","text":"x","ref":5}',
      '{"type":"send","room":"general","id":"i","text":"\\ud800","ref":6}',
      '{"ref":7}',
      { type: 'ping', ref: 'end' },
    )
    await client.next('pong', ({ ref }) => ref === 'end')
    const errors = client.frames.filter((frame) => frame.type === 'error')
    assert.deepEqual(
      errors.map(({ code, ref }) => (ref === undefined ? code : [code, ref])),
      [
        'bad_json',
        'bad_message',
        'bad_message',
        ['unknown_type', 1],
        'unknown_type',
        ['unknown_type', 2],
        ['bad_message', 3],
        ['bad_message', 4],
        'bad_message',
        ['bad_message', 5],
        ['bad_message', 6],
        ['bad_message', 7],
      ],
    )
    client.close()
  })

  test('[S6] [S10] refuses texts that are too long or blank, and sends to a room not joined', async () => {
    const client = await RawClient.open(url, 'mallory')
    const send = (id: string, text: string) => ({ type: 'send', room: 'general', id, text })
    client.say(send('a', 'too early'))
    assert.equal((await client.next('error')).code, 'not_joined')
    await client.join('general')
    client.say(send('b', 'x'.repeat(LIMITS.textChars + 1)))
    assert.equal((await client.next('error', ({ id }) => id === 'b')).code, 'too_long')
    client.say(send('c', ' \t\u2028 '))
    assert.equal((await client.next('error', ({ id }) => id === 'c')).code, 'bad_message')
    assert.equal(await client.sendUntilAcked('general', 'd', 'x'.repeat(LIMITS.textChars)), 1)
    client.close()
  })

  for (const [what, code, spoil] of [
    ['a binary frame', 1003, (client) => client.socket.send(Buffer.from('{"type":"ping"}'))],
    ['a frame of more than 64 KiB', 1009, (client) => client.say('x'.repeat(LIMITS.frameBytes + 1))],
    [
      'a frame that is not UTF-8',
      1007,
      (client) => client.socket.send(Buffer.from([0xff]), { binary: false }),
    ],
    [
      'more than 16 fragments',
      1008,
      (client) => {
        for (let i = 0; i < 20; i += 1) client.socket.send(' ', { fin: false })
      },
    ],
    ['100 bad lines in a row', 4429, (client) => client.say(...Array.from({ length: 101 }, () => 'bad'))],
    ['bytes that are no WebSocket frame', 1002, (client) => underlying(client).write(Buffer.alloc(8, 0xff))],
  ] satisfies [string, number, (client: RawClient) => void][]) {
    test(`[F7] [L1] [L3] closes with ${code} on ${what}`, async () => {
      const client = await RawClient.open(url, 'mallory')
      spoil(client)
      assert.equal(await client.closeCode(), code)
      assert.equal((await fetch(healthz)).status, 200)
    })
  }

  test('[C1] [C2] [C4] keeps the doors shut with the right status', async () => {
    assert.equal(await RawClient.refusal(url), 401)
    assert.equal(await RawClient.refusal(`${url}?token=abc`), 401)
    assert.equal(await RawClient.refusal(`${url}?username=`), 403)
    assert.equal(await RawClient.refusal(`${url}?username=a%3Ab`), 403)
    assert.equal(await RawClient.refusal(`${url}?username=ada`, { origin: 'https://evil.example' }), 403)
    assert.equal(
      await RawClient.refusal(`${url}?username=ada`, { origin: 'http://localhost:5173' }),
      undefined,
    )
  })

  test('[C6] hangs up on a handshake that is never finished', async () => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write('GET /ws?username=slow HTTP/1.1\r\nHost: x\r\nUpgrade: webso')
    socket.resume()
    await once(socket, 'close', { signal: AbortSignal.timeout(60_000) })
  })

  test('a socket that vanishes without a word is gone from the room, and the others go on', async () => {
    const ada = await RawClient.open(url, 'ada')
    const ghost = await RawClient.open(url, 'ghost')
    for (const client of [ada, ghost]) await client.join('general')
    await ada.next('presence', ({ join }) => join.some(({ name }) => name === 'ghost'))
    underlying(ghost).resetAndDestroy()
    await ada.next('presence', ({ leave }) => leave.some(({ name }) => name === 'ghost'))
    await ada.sendUntilAcked('general', 'still-here', 'still here')
    await until('the server counts one client', async () => {
      const rows = await fleet.registry()
      return rows[0]?.clients === 1
    })
    ada.close()
  })
})

function underlying(client: RawClient) {
  return (client.socket as unknown as { _socket: Socket })._socket
}
