import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ErrorCode } from '@flotilla/protocol/errors.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Fleet } from '../test/kit.ts'
import { RawSocket } from '../test/raw-socket.ts'
import { until } from '../test/until.ts'

const text = 0x1
const binary = 0x2
const more = 0x0

describe('framing', () => {
  let fleet: Fleet
  let url: string
  let room: string
  before(async () => {
    fleet = await Fleet.start()
    url = fleet.servers[0]?.url ?? ''
    room = await fleet.room()
  })
  after(() => fleet.close())

  test('[F1] a frame holds many lines in both directions, and blank ones are skipped', async () => {
    const client = await fleet.client()
    client.say('', { type: 'ping', ref: 1 }, '', '', { type: 'ping', ref: 2 }, '')
    await client.frame('pong', ({ ref }) => ref === 2)
    assert.deepEqual(
      client.of('pong').map(({ ref }) => ref),
      [1, 2],
    )
    assert.equal(client.packed.at(-1), 2)
    assert.deepEqual(client.of('error'), [])
  })

  test('[F2] unknown fields of a known type are ignored', async () => {
    const client = await fleet.client()
    await client.expect('joined', {
      type: 'join',
      room,
      colour: 'red',
      seq: -1,
      user: { id: 'user:1', name: 'root' },
    })
    const { seq } = await client.expect('ack', {
      type: 'send',
      room,
      id: 'extra',
      text: 'x',
      ts: 5,
      user: 'root',
    })
    await client.upTo(room, seq)
    assert.equal(client.entries(room).at(-1)?.user.id, client.of('welcome')[0]?.user.id)
  })

  test('[F2] [F3] a `__proto__` key is a field nobody knows, and changes nothing', async () => {
    const client = await fleet.client()
    client.say(
      `{"type":"join","room":"${room}","ref":"p","__proto__":{"isAdmin":true,"since":3}}`,
      '{"__proto__":{"type":"ping"},"ref":"q"}',
      '{"type":"ping","ref":"r","constructor":{"prototype":{"polluted":1}}}',
    )
    await client.frame('joined', ({ ref }) => ref === 'p')
    assert.equal((await client.frame('error', ({ ref }) => ref === 'q')).code, 'bad_message')
    await client.frame('pong', ({ ref }) => ref === 'r')
    assert.equal(({} as { polluted?: unknown; isAdmin?: unknown }).isAdmin, undefined)
  })

  const bad: [line: string, code: ErrorCode, named?: object][] = [
    ['no json', 'bad_json'],
    ['{"type":"ping"', 'bad_json'],
    ['[{"type":"ping"}]', 'bad_message'],
    ['"ping"', 'bad_message'],
    ['null', 'bad_message'],
    ['{"ref":3}', 'bad_message', { ref: 3 }],
    ['{"type":7,"ref":"a"}', 'bad_message', { ref: 'a' }],
    ['{"type":"shout","ref":"a","room":"r"}', 'unknown_type', { ref: 'a', room: 'r' }],
    ['{"type":"toString"}', 'unknown_type'],
    ['{"type":"__proto__"}', 'unknown_type'],
    ['{"type":"message","room":"r","seq":1}', 'unknown_type', { room: 'r' }],
    ['{"type":"join"}', 'bad_message'],
    ['{"type":"join","room":"a b","ref":1}', 'bad_message', { ref: 1 }],
    [`{"type":"join","room":"${'r'.repeat(65)}"}`, 'bad_message'],
    ['{"type":"join","room":"r\\n"}', 'bad_message'],
    ['{"type":"join","room":["r"]}', 'bad_message'],
    ['{"type":"join","room":"r","since":-1}', 'bad_message', { room: 'r' }],
    ['{"type":"join","room":"r","since":1.5}', 'bad_message', { room: 'r' }],
    ['{"type":"join","room":"r","since":"3"}', 'bad_message', { room: 'r' }],
    ['{"type":"join","room":"r","since":1e300}', 'bad_message', { room: 'r' }],
    [`{"type":"join","room":"r","log":"${'l'.repeat(65)}"}`, 'bad_message', { room: 'r' }],
    ['{"type":"send","room":"r","id":"","text":"x"}', 'bad_message', { room: 'r' }],
    [`{"type":"send","room":"r","id":"${'i'.repeat(65)}","text":"x"}`, 'bad_message', { room: 'r' }],
    ['{"type":"send","room":"r","id":"i"}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"send","room":"r","id":"i","text":5}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"send","room":"r","id":"i","text":"x","after":""}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"send","room":"r","id":"i","text":"x","replyTo":0}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"send","room":"r","id":"i","text":"\\ud83d"}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"send","room":"r","id":"i","text":"x","ref":"\\udc00"}', 'bad_message', { room: 'r', id: 'i' }],
    ['{"type":"history","room":"r","limit":0}', 'bad_message', { room: 'r' }],
    ['{"type":"typing"}', 'bad_message'],
    ['{"type":"ping","ref":{}}', 'bad_message'],
    ['{"type":"ping","ref":1.5}', 'bad_message'],
    [`{"type":"ping","ref":"${'r'.repeat(65)}"}`, 'bad_message'],
  ]
  for (const [line, code, named = {}] of bad) {
    test(`[F3] [F6] [X1] [X2] ${line.slice(0, 70)} is ${code}, and the lines around it are carried out`, async () => {
      const client = await fleet.client()
      client.say({ type: 'ping', ref: 'before' }, line, { type: 'ping', ref: 'after' })
      await client.frame('pong', ({ ref }) => ref === 'after')
      const [error, ...others] = client.of('error')
      assert.deepEqual(others, [])
      const { message, ...rest } = error ?? { message: '' }
      assert.deepEqual(rest, { type: 'error', code, ...named })
      assert.ok(message.length > 0)
      await client.settled()
      client.terminate()
    })
  }

  test('[F4] every answer carries the `ref` of its request, a text or a number', async () => {
    const client = await fleet.client()
    const own = await fleet.room()
    const refs = ['r'.repeat(64), 0, -5, 9_007_199_254_740_991, '💬', '']
    for (const ref of refs) {
      client.say(
        { type: 'ping', ref },
        { type: 'join', room: own, ref },
        { type: 'send', room: own, id: 'same', text: 'x', ref },
        { type: 'history', room: own, ref },
        { type: 'typing', room: 'elsewhere', ref },
        { type: 'leave', room: own, ref },
      )
      for (const type of ['pong', 'joined', 'ack', 'history', 'error', 'left'] as const) {
        await client.frame(type, (frame) => frame.ref === ref)
      }
    }
    client.say({ type: 'ping' })
    assert.deepEqual(await client.frame('pong', ({ ref }) => ref === undefined), { type: 'pong' })
  })

  test('[F7] [L1] a binary frame closes with 1003', async () => {
    const client = await fleet.client()
    client.socket.send(Buffer.from('{"type":"ping"}'))
    assert.equal(await client.close(), 1003)
    assert.deepEqual(client.of('pong'), [])
  })

  test('[F7] [L1] a frame of 64 KiB is taken, one above it closes with 1009', async () => {
    const client = await fleet.client()
    const ping = '{"type":"ping","ref":"large"}'
    client.say(ping + ' '.repeat(LIMITS.frameBytes - ping.length))
    await client.frame('pong', ({ ref }) => ref === 'large')
    client.say(ping + ' '.repeat(LIMITS.frameBytes - ping.length + 1))
    assert.equal(await client.close(), 1009)
    assert.equal(client.of('pong').length, 1)
  })

  test('[F7] [L1] 64 KiB in fragments are too big as well', async () => {
    const raw = await RawSocket.open(url, 'parts')
    raw.frame(' '.repeat(40_000), { fin: false })
    raw.frame(' '.repeat(40_000), { opcode: more })
    await until('the close', () => raw.closeCode !== undefined)
    assert.equal(raw.closeCode, 1009)
    raw.destroy()
  })

  test('[F7] [L1] 16 fragments make a frame, 17 close with 1008', async () => {
    const raw = await RawSocket.open(url, 'fragments')
    const send = (fragments: string[]) => {
      for (const [i, part] of fragments.entries()) {
        raw.frame(part, { opcode: i === 0 ? text : more, fin: i === fragments.length - 1 })
      }
    }
    send(['{"type":"ping",', ...Array<string>(14).fill(' '), '"ref":"sixteen"}'])
    await until('the pong', () => raw.has('sixteen'))
    send(['{"type":"ping",', ...Array<string>(15).fill(' '), '"ref":"seventeen"}'])
    await until('the close', () => raw.closeCode !== undefined)
    assert.equal(raw.closeCode, 1008)
    assert.equal(raw.has('seventeen'), false)
    raw.destroy()
  })

  for (const [what, code, bytes, options] of [
    ['text that is not UTF-8', 1007, Buffer.from([0x7b, 0xff, 0xfe]), {}],
    ['a surrogate in UTF-8', 1007, Buffer.from([0xed, 0xa0, 0x80]), {}],
    ['an unmasked frame', 1002, Buffer.from('{"type":"ping"}'), { mask: false }],
    ['an unknown opcode', 1002, Buffer.from('x'), { opcode: 0x3 }],
    ['a continuation of nothing', 1002, Buffer.from('x'), { opcode: more }],
    ['a fragmented ping', 1002, Buffer.from('x'), { opcode: 0x9, fin: false }],
    ['an empty binary frame', 1003, Buffer.alloc(0), { opcode: binary }],
  ] as const) {
    test(`[F7] [L1] ${what} closes with ${code}, and the server counts it`, async () => {
      const raw = await RawSocket.open(url, 'broken')
      raw.frame(bytes, options)
      await until('the close', () => raw.closeCode !== undefined)
      assert.equal(raw.closeCode, code)
      raw.destroy()
      const { port } = new URL(url)
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      assert.match(metrics, new RegExp(`flotilla_closed_total{code="${code}"} [1-9]`))
    })
  }

  test('[L3] [X1] 100 bad lines close with 4429, and 99 do not', async () => {
    const client = await fleet.client()
    client.say(...Array<string>(LIMITS.badFrames - 1).fill('bad'))
    await client.settled()
    assert.equal(client.of('error').length, 99)
    client.say('bad', { type: 'ping', ref: 'unheard' })
    assert.equal(await client.close(), 4429)
    assert.equal(client.of('error').length, 100)
    assert.equal(
      client.of('pong').some(({ ref }) => ref === 'unheard'),
      false,
    )
  })

  test('[L4] `ping` is answered by `pong`, and a ping of WebSocket by its pong', async () => {
    const client = await fleet.client()
    assert.deepEqual(await client.expect('pong', { type: 'ping' }), { type: 'pong', ref: 'q1' })
    const pong = new Promise((resolve) => client.socket.once('pong', resolve))
    client.socket.ping('x')
    assert.equal(String(await pong), 'x')
  })

  test('the server is whole after all of this', async () => {
    const client = await fleet.member(room)
    await client.send(room, 'whole', 'still here')
  })
})
