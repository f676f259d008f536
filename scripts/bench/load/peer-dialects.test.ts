import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Dialect, Me } from './dialect.ts'
import { mqttDialect } from './mqtt-dialect.ts'
import { natsDialect } from './nats-dialect.ts'
import { socketioDialect } from './socketio-dialect.ts'

/** A client that notes what it is told, and what it writes. */
function listener() {
  const said: string[] = []
  const wrote: string[] = []
  const me: Me & { said: string[]; wrote: string[] } = {
    said,
    wrote,
    name: 'somebody',
    room: 'room-1',
    isSampled: true,
    received: 0,
    misordered: 0,
    write: (frame) => wrote.push(unmasked(frame)),
    joined: () => said.push('joined'),
    refused: () => said.push('refused'),
    putOff: () => said.push('put off'),
    acked: (run, k) => said.push(`acked ${run} ${k}`),
    arrived: (run, k) => said.push(`arrived ${run} ${k}`),
    failed: (code) => said.push(`failed ${code}`),
  }
  return me
}

/** Of a short frame. */
function unmasked(frame: Buffer): string {
  const mask = frame.subarray(2, 6)
  return Buffer.from(frame.subarray(6).map((byte, i) => byte ^ (mask[i & 3] ?? 0))).toString('latin1')
}

/** Gives the bytes in two reads, cut anywhere; what could not be read of the first comes again. */
function readCut(dialect: Dialect, bytes: Buffer, cut: number) {
  const me = listener()
  const talk = dialect.talk(me)
  const rest = talk.data(bytes, 0, cut, false)
  assert.ok(rest <= cut)
  assert.equal(talk.data(bytes, rest, bytes.length, true), bytes.length)
  return me
}

describe('a stream is read the same wherever it is cut', () => {
  const filler = 'x'.repeat(120)

  test('of NATS', () => {
    const stream = Buffer.from(
      `INFO {"max_payload":1}\r\nPONG\r\nMSG room-1 1 ${filler.length + 6}\r\n9.4-7 ${filler}\r\n` +
        `PING\r\nMSG room-1 1 5\r\n9.4-8\r\n-ERR 'Slow Consumer'\r\n`,
    )
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const me = readCut(natsDialect, stream, cut)
      assert.deepEqual(me.said, ['joined', 'arrived 4 7', 'arrived 4 8', "failed -ERR 'Slow Consumer'"])
      assert.equal(me.received, 2)
      assert.deepEqual(me.wrote, ['PONG\r\n'])
    }
  })

  test('of MQTT', () => {
    const message = (payload: string) => {
      const length = 8 + payload.length
      const size = length < 128 ? [length] : [(length % 128) | 0x80, length >> 7]
      return Buffer.concat([Buffer.from([0x30, ...size, 0, 6]), Buffer.from(`room-1${payload}`)])
    }
    const stream = Buffer.concat([
      Buffer.from([0x20, 2, 0, 0]),
      Buffer.from([0x90, 3, 0, 1, 0]),
      message(`9.4-7 ${filler}${filler}`),
      message('9.4-8'),
      Buffer.from([0x90, 3, 0, 1, 0x80]),
    ])
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const me = readCut(mqttDialect, stream, cut)
      assert.deepEqual(me.said, ['joined', 'arrived 4 7', 'arrived 4 8', 'failed subscription refused'])
      assert.equal(me.received, 2)
    }
  })

  test('of Socket.IO, a packet in each frame', () => {
    const packets = [
      ['0{"sid":"a"}', '40{"sid":"b"}', '2', '431[]'],
      ['42["message",{"room":"room-1","id":"9.4-7","user":"somebody","text":"x","ts":1}]', '432["9.4-7"]'],
    ].flat()
    for (let cut = 0; cut < 5; cut += 1) {
      const me = listener()
      const talk = socketioDialect.talk(me)
      for (const packet of packets) {
        const bytes = Buffer.from(packet)
        const end = Math.min(cut, bytes.length - 1)
        const rest = talk.data(bytes, 0, end, false)
        assert.equal(talk.data(bytes, rest, bytes.length, true), bytes.length)
      }
      assert.deepEqual(me.said, ['joined', 'arrived 4 7', 'acked 4 7'])
      assert.equal(me.received, 1)
      assert.deepEqual(me.wrote, ['421["join","room-1"]', '3'])
    }
  })
})

test('each says what its server expects', () => {
  const wroteBy = (dialect: Dialect) => {
    const me = listener()
    const talk = dialect.talk(me)
    talk.join()
    talk.send('9.4-7', 'hello')
    return me.wrote
  }
  assert.deepEqual(wroteBy(natsDialect), [
    'CONNECT {"verbose":false,"pedantic":false}\r\nSUB room-1 1\r\nPING\r\n',
    'PUB room-1 11\r\n9.4-7 hello\r\n',
  ])
  assert.deepEqual(wroteBy(socketioDialect), ['40', '422["send","room-1","9.4-7","hello"]'])
  assert.deepEqual(wroteBy(mqttDialect), [
    '\x10\x14\0\x04MQTT\x04\x02\0\0\0\x08somebody\x82\x0b\0\x01\0\x06room-1\0',
    '\x30\x13\0\x06room-19.4-7 hello',
  ])
})
