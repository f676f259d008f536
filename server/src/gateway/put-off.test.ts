import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import type { ChatServer } from '../server.ts'
import { Client, knock } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

/** Lets two in at once, then one every 400 ms; whoever would wait more than 500 ms is sent away. */
const NARROW = {
  floor: 2.5,
  ceiling: 2.5,
  growth: 0,
  burst: 2,
  holdMs: 500,
  horizonMs: 20_000,
  graceMs: 5_000,
}

describe('a server to which more come than it can take', () => {
  let fleet: Fleet
  let server: ChatServer
  const clock = new WarpClock()
  before(async () => {
    fleet = await Fleet.start({ servers: 0 })
    server = await fleet.open({ admission: NARROW, clock })
    await fleet.untilUp()
    clock.hold() // a slot is due when the test says so, however long it takes to knock
  })
  after(() => fleet.close())

  const counted = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }

  test('[C8] the next one waits within the handshake, the ones after it are told when to come, and nothing else', async () => {
    await fleet.client(server)
    await fleet.client(server)
    const held = fleet.client(server)
    await until('it waits', async () => (await counted('flotilla_held_total')) === 1)
    const away = new Client(server.url, { username: 'away' })
    await until('it is closed', () => away.closed !== undefined)
    assert.equal(away.closed, 1013)
    assert.equal(away.frames.length, 1)
    const [error] = away.of('error')
    assert.equal(error?.code, 'busy')
    assert.ok((error?.retryMs ?? 0) > 400 && (error?.retryMs ?? 0) <= 20_000)
    await clock.pass(500, 50)
    await (await held).frame('welcome')
    assert.equal(await counted('flotilla_put_off_total'), 1)
    assert.equal(await counted('flotilla_held_total'), 1)
    assert.equal(await counted('flotilla_clients'), 3)
  })

  test('[C2] [C8] whoever would not be let in anyway is refused by HTTP, and told no time to come back', async () => {
    const putOff = await counted('flotilla_put_off_total')
    const doors = [
      [{ username: 'away', origin: 'https://evil.example' }, 403, 'foreign_origin'],
      [{ token: 'any', origin: 'https://evil.example' }, 403, 'foreign_origin'],
      [{}, 401, 'unauthenticated'],
      [{ username: 'a:b' }, 403, 'bad_name'],
    ] as const
    for (const [door, status, code] of doors) {
      assert.partialDeepStrictEqual(await knock(server.url, door), { status, code }, JSON.stringify(door))
    }
    assert.equal(await counted('flotilla_put_off_total'), putOff)
  })

  test('[C8] it is upgraded with chat.v1 if it offered that, and by the platform’s own WebSocket, as a browser has it', async () => {
    const told: string[] = []
    const socket = new WebSocket(`${server.url}?username=away`, ['chat.v1'])
    socket.onmessage = ({ data }) => told.push(String(data))
    const { code, wasClean } = await new Promise<CloseEvent>((resolve) => (socket.onclose = resolve))
    assert.deepEqual([code, wasClean, socket.protocol], [1013, true, 'chat.v1'])
    assert.equal((JSON.parse(told.join()) as { code: string }).code, 'busy')
  })

  test('[C8] who does not hang up is cut off, though he goes on sending', async (t) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    let [told, isCut] = ['', false]
    socket.on('data', (data: Buffer) => (told += data.toString('latin1')))
    socket.on('error', () => {}) // `isCut` tells
    socket.on('close', () => (isCut = true))
    socket.write(
      'GET /ws?username=stays HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
    )
    await until('it is sent away', () => told.includes('"busy"'))
    const drip = setInterval(() => socket.write('.'), 20)
    t.after(() => clearInterval(drip))
    await clock.pass(4_000)
    assert.equal(isCut, false)
    await clock.pass(1_500)
    await until('it is cut off', () => isCut)
  })

  test('[C8] [R16] clients of the library all come in, each at its slot', async () => {
    clock.release()
    const clients = Array.from({ length: 6 }, (_, i) => {
      const client = new ChatClient({
        loadbalancers: [fleet.balancer.url],
        identity: { username: `back ${i}` },
      })
      client.start()
      return client
    })
    const before = await counted('flotilla_put_off_total')
    await until('all are in', () => clients.every(({ connection }) => connection.status === 'live'))
    const putOff = (await counted('flotilla_put_off_total')) - before
    assert.ok(putOff <= 2 * clients.length, `${putOff} times somebody was sent away`)
    for (const client of clients) client.close()
  })

  test('[C2] [C8] who still waits when the server goes is told so at once', async () => {
    const slow = await fleet.open({
      admission: { ...NARROW, floor: 0.1, ceiling: 0.1, burst: 1, holdMs: 60_000 },
    })
    await fleet.client(slow)
    const held = knock(slow.url, { username: 'held' })
    const { port } = slow
    await until('it waits', async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return text.includes('flotilla_held_total 1')
    })
    await fleet.stop(slow)
    assert.partialDeepStrictEqual(await held, { status: 503, code: 'draining' })
  })
})
