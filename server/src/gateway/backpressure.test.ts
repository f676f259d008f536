import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Fleet } from '../test/kit.ts'
import { RawSocket } from '../test/raw-socket.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const LONG = 'x'.repeat(LIMITS.textChars)

describe('lines over time', () => {
  let fleet: Fleet
  let clock: WarpClock
  let url: string
  before(async () => {
    clock = new WarpClock()
    fleet = await Fleet.start({ servers: 2, clock })
    url = fleet.servers[0]?.url ?? ''
  })
  after(() => fleet.close())

  for (const [where, at] of [
    ['at its home', 0],
    ['at another server', 1],
  ] as const) {
    test(`[E6] every room says its head within each heartbeat, ${where}`, async () => {
      const [room, other] = [await fleet.room(), await fleet.room()]
      const ada = await fleet.member(room, at)
      await ada.join(other)
      const { heartbeatMs } = await ada.frame('welcome')
      await ada.send(room, 'one', 'x')
      await ada.upTo(room, 1)
      for (const beat of upTo(1, 4)) {
        const heard = ada.frames.length
        await clock.pass(heartbeatMs, 250)
        await ada.settled()
        const heads = ada.frames.slice(heard).filter((frame) => frame.type === 'head')
        assert.equal(heads.find((head) => head.room === room)?.seq, 1, `beat ${beat}`)
        assert.equal(heads.find((head) => head.room === other)?.seq, 0, `beat ${beat}`)
      }
      ada.terminate()
    })
  }

  test('[L4] who answers pings stays, who answers none is gone after 30 s, and the room hears of it', async () => {
    const room = await fleet.room()
    const ada = await fleet.member(room, 0, 'ada')
    const half = await RawSocket.open(url, 'half-open')
    clock.hold()
    half.say({ type: 'join', room })
    await ada.frame('presence', ({ join }) => join.some(({ name }) => name === 'half-open'))
    await clock.pass(25_000)
    assert.ok(half.pings >= 2)
    assert.equal(half.isEnded, false)
    clock.release()
    await clock.pass(20_000)
    await until('the line is ended', () => half.isEnded)
    await clock.pass(1_000, 50)
    await ada.frame('presence', ({ leave }) => leave.some(({ name }) => name === 'half-open'))
    await clock.pass(60_000)
    await ada.settled()
    ada.terminate()
  })

  test('[L4] a client that only says something, be it a ping of WebSocket, is not silent', async () => {
    const talker = await RawSocket.open(url, 'talker')
    for (const _ of upTo(1, 8)) {
      talker.frame('', { opcode: 0x9 })
      await clock.pass(10_000)
    }
    talker.say({ type: 'ping', ref: 'still' })
    await until('the pong', () => talker.has('still'))
    talker.destroy()
  })

  test('[L2] [L1] who does not read is not written to, is closed with 4408 after 30 s, and others do not notice', async () => {
    const room = await fleet.room()
    const writer = await fleet.member(room)
    const slow = await RawSocket.open(url, 'slow')
    slow.say({ type: 'join', room })
    await until('joined', () => slow.has('"joined"'))
    slow.socket.pause()
    const others = [await fleet.member(room, 0), await fleet.member(room, 1)]
    // More than the buffers of both kernels take.
    for (const i of upTo(0, 59)) {
      const ids = upTo(i * 50 + 1, i * 50 + 50)
      for (const id of ids) writer.say({ type: 'send', room, id: `${id}`, text: LONG })
      await writer.frame('ack', ({ id }) => id === `${ids.at(-1)}`)
    }
    for (const other of others) {
      await other.upTo(room, 3_000)
      assert.deepEqual(other.seqs(room), upTo(1, 3_000))
    }
    await clock.pass(25_000)
    slow.say({ type: 'ping' }) // that it talks does not help
    await clock.pass(20_000)
    slow.socket.resume()
    await until('the close', () => slow.closeCode !== undefined)
    assert.equal(slow.closeCode, 4408)
    assert.ok(slow.texts.join('\n').length < 3_000 * LIMITS.textChars)
    for (const client of [writer, ...others]) client.terminate()
  })

  test('[L2] who reads slowly, but reads, is not closed and misses nothing', async () => {
    const room = await fleet.room()
    const writer = await fleet.member(room)
    const slow = await RawSocket.open(url, 'snail')
    slow.say({ type: 'join', room })
    await until('joined', () => slow.has('"joined"'))
    slow.socket.pause()
    for (const i of upTo(0, 39)) {
      const ids = upTo(i * 50 + 1, i * 50 + 50)
      for (const id of ids) writer.say({ type: 'send', room, id: `${id}`, text: LONG })
      await writer.frame('ack', ({ id }) => id === `${ids.at(-1)}`)
    }
    clock.hold()
    // Every 15 s it reads a little.
    for (const _ of upTo(1, 6)) {
      await clock.pass(15_000)
      await slow.readOnly(1_000_000)
    }
    assert.equal(slow.has('"seq":2000,'), false)
    clock.release()
    slow.readAll()
    const seqs = () =>
      slow.texts
        .flatMap((text) => text.split('\n'))
        .map((line) => JSON.parse(line) as { type: string; seq: number })
        .filter(({ type }) => type === 'message')
        .map(({ seq }) => seq)
    await until('the last entry', () => slow.has(`"seq":2000,`))
    assert.deepEqual(seqs(), upTo(1, 2_000))
    assert.equal(slow.closeCode, undefined)
    slow.destroy()
    writer.terminate()
  })

  test('[P6] [L2] a client that takes nothing loses typing, not entries', async () => {
    const room = await fleet.room()
    const writer = await fleet.member(room)
    const slow = await RawSocket.open(url, 'deaf')
    slow.say({ type: 'join', room })
    await until('joined', () => slow.has('"joined"'))
    slow.socket.pause()
    for (const i of upTo(0, 39)) {
      const ids = upTo(i * 50 + 1, i * 50 + 50)
      for (const id of ids) writer.say({ type: 'send', room, id: `${id}`, text: LONG })
      await writer.frame('ack', ({ id }) => id === `${ids.at(-1)}`)
    }
    writer.say({ type: 'typing', room })
    await writer.settled()
    slow.socket.resume()
    await until('the last entry', () => slow.has(`"seq":2000,`))
    assert.equal(slow.has('"typing"'), false)
    await clock.pass(2_000)
    writer.say({ type: 'typing', room })
    await until('typing is heard again', () => slow.has('"typing"'))
    slow.destroy()
    writer.terminate()
  })
})
