import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { importJWK, SignJWT, type JWK } from 'jose'
import { Client, knock } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { RawSocket } from '../test/raw-socket.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

const LINES = 200
const JOINS = 5
/** What is read in one go may hold many lines more than are let through; no more is read. */
const ONE_READ_BYTES = 64 * 1024

describe('a server with people who do too much', () => {
  let fleet: Fleet
  let room: string
  const clock = new WarpClock()
  before(async () => {
    fleet = await Fleet.start({
      clock,
      flags: ['--lines', `${LINES}`, '--joins', `${JOINS}`, '--per-user', '2'],
    })
    room = await fleet.room()
  })
  after(() => fleet.close())

  const metric = async (name: string): Promise<number> => {
    const http = (fleet.servers[0]?.url ?? '').replace(/^ws/, 'http').replace(/\/ws$/, '/metrics')
    const text = await (await fetch(http)).text()
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN)
  }
  const tokenFor = async (name: string) => {
    const file = readFileSync(join(fleet.root, 'loadbalancer', 'keys.json'), 'utf8')
    const [jwk] = (JSON.parse(file) as { keys: [JWK & { kid: string }] }).keys
    return new SignJWT({ name, sid: 's' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid })
      .setIssuer('flotilla')
      .setAudience('chat')
      .setSubject(`user:${name}`)
      .setJti('j')
      .setIssuedAt()
      .setExpirationTime('15 min')
      .sign(await importJWK(jwk, 'EdDSA'))
  }

  test('[L7] whoever sends ten times as many lines as he may is not read on, and the others get all they are sent meanwhile', async () => {
    clock.hold()
    const [ada, ben] = [await fleet.member(room, 0, 'ada'), await fleet.member(room, 0, 'ben')]
    const flooder = await fleet.client(0, 'flooder')
    const slowed = await metric('flotilla_slowed_total')
    const line = `{"type":"ping","pad":"${'x'.repeat(500)}"}`
    for (let i = 0; i < 10 * LINES; i += 1) flooder.say(line)
    await until('he is not read', async () => (await metric('flotilla_slowed_total')) === slowed + 1)
    for (let i = 1; i <= 20; i += 1) await ada.send(room, `m${i}`, `${i}`)
    for (let passed = 0; ben.entries(room).length < 20 && passed < 100; passed += 1) await clock.pass(50, 50)
    assert.deepEqual(
      ben.entries(room).map((entry) => entry.type === 'message' && entry.text),
      Array.from({ length: 20 }, (_, i) => `${i + 1}`),
    )
    const pongs = flooder.of('pong').length
    assert.ok(pongs >= LINES / 2 && pongs <= LINES + ONE_READ_BYTES / line.length, `${pongs} were answered`)
    // The rest waits at his own end, and is taken as the time goes on: nothing of it is lost.
    for (let passed = 0; flooder.of('pong').length < 10 * LINES; passed += 1) {
      assert.ok(passed < 100, 'it is read on')
      await clock.pass(10_500)
    }
    assert.equal(flooder.closed, undefined)
    clock.release()
  })

  test('[L7] pongs, empty frames and long lines count, too; of pings, more than can be answered end the line', async () => {
    clock.hold()
    for (const [what, flood] of [
      ['pongs', (raw: RawSocket) => raw.frame('', { opcode: 10 })],
      ['empty frames', (raw: RawSocket) => raw.frame('')],
    ] as const) {
      const slowed = await metric('flotilla_slowed_total')
      const raw = await RawSocket.open(fleet.servers[0]?.url ?? '', what.replace(' ', '-'))
      for (let i = 0; i < LINES; i += 1) flood(raw)
      assert.equal(await metric('flotilla_slowed_total'), slowed, what)
      for (let i = 0; i < LINES; i += 1) flood(raw)
      await until(what, async () => (await metric('flotilla_slowed_total')) === slowed + 1)
      raw.destroy()
    }
    const pings = await RawSocket.open(fleet.servers[0]?.url ?? '', 'pings')
    for (let i = 0; i < LINES; i += 1) pings.frame('', { opcode: 9 })
    await until('the end', () => pings.isEnded)
    const slowed = await metric('flotilla_slowed_total')
    const long = await fleet.client(0, 'long')
    for (let i = 0; i < LINES / 8; i += 1) long.say(`{"type":"ping","pad":"${'x'.repeat(60_000)}"}`)
    await until('long lines', async () => (await metric('flotilla_slowed_total')) === slowed + 1)
    clock.release()
  })

  test('[L8] joins are counted by user, over all his connections; later he may again', async () => {
    clock.hold()
    const [phone, desk] = [await fleet.client(0, 'eve'), await fleet.client(0, 'eve')]
    for (let i = 0; i < JOINS; i += 1) await (i % 2 === 0 ? phone : desk).join(room)
    const refused = await desk.ask({ type: 'join', room })
    assert.equal(refused.code, 'rate_limited')
    assert.ok((refused.retryMs ?? 0) > 0 && (refused.retryMs ?? 0) <= 10_000)
    await fleet.member(room, 0, 'somebody else')
    await clock.pass(10_000)
    await desk.join(room)
    clock.release()
  })

  test('[C2] an account has so many connections and no more, which is 429; other people, and guests of that name, come in', async () => {
    const url = fleet.servers[0]?.url ?? ''
    const token = await tokenFor('fay')
    const [first] = [await fleet.client(0, { token }), await fleet.client(0, { token })]
    const answer = await knock(url, { token })
    assert.ok(!(answer instanceof Client))
    assert.deepEqual([answer.status, answer.code], [429, 'too_many_of_user'])
    assert.ok(Number(answer.retryAfter) > 0)
    await fleet.client(0, { token: await tokenFor('gil') })
    for (let i = 0; i < 4; i += 1) await fleet.client(0, 'fay')
    first?.terminate()
    await until('a place of hers is free', async () => {
      const again = await knock(url, { token })
      if (again instanceof Client) again.terminate()
      return again instanceof Client
    })
  })
})
