import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ChosenSchema,
  ServerListSchema,
  type Chosen,
  type Command,
  type Problem,
  type ServerRow,
} from '@flotilla/protocol/control.ts'
import { Pool } from 'undici'
import { Peer, register, startBalancer, startPeers, until, type Balancer } from '../../test/fleet.ts'
import { DOWN_MS, LATE_MS } from './registry.ts'

const codeOf = ({ body }: { body: never }) => (body as Problem).code
const commandsOf = ({ body }: { body: never }) => (body as { commands: Command[] }).commands
const rowsOf = async (balancer: Balancer) => (await balancer.get('/servers')).body as ServerRow[]

describe('servers register', () => {
  test('who does not know the secret of the fleet is not listened to', async (t) => {
    const balancer = await startBalancer(t)
    const peer = await Peer.start(t, 'a')
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic wrong' }]) {
      for (const path of ['/register', '/update', '/internal/place', '/internal/taken', '/internal/drain']) {
        const reply = await balancer.post(path, peer.registration(), headers)
        assert.deepEqual([reply.status, codeOf(reply)], [401, 'unauthenticated'])
      }
    }
    assert.deepEqual(await rowsOf(balancer), [])
  })

  test('one that answers at its address is listed, and told how often to report', async (t) => {
    const balancer = await startBalancer(t)
    const peer = await Peer.start(t, 'a')
    const { status, body } = await register(balancer, peer)
    assert.deepEqual(
      [status, body],
      [200, { heartbeatMs: 1_000, watermark: 0, revoked: { sessions: [], users: [] } }],
    )
    peer.clients = 3
    assert.equal((await balancer.tell('/update', peer.report())).status, 200)
    const [row] = ServerListSchema.parse(await rowsOf(balancer))
    assert.deepEqual(
      [row?.id, row?.state, row?.clients, row?.capacity, row?.url],
      ['a', 'up', 3, 10_000, `ws://127.0.0.1:${peer.port}/ws`],
    )
  })

  test('one that does not answer there as itself is not listed', async (t) => {
    const balancer = await startBalancer(t)
    const peer = await Peer.start(t, 'a')
    const { port } = peer
    for (const change of [{ id: 'b' }, { inc: 'other' }, { host: 'nowhere.invalid' }, { host: 'h/../x' }]) {
      const reply = await balancer.tell('/register', { ...peer.registration(), ...change })
      assert.deepEqual([reply.status, codeOf(reply)], [422, 'dial_back_failed'], JSON.stringify(change))
    }
    await peer.stop()
    const reply = await balancer.tell('/register', {
      ...{ id: 'a', inc: peer.inc, port },
      ...{ host: '127.0.0.1', url: 'ws://h/ws', capacity: 1 },
    })
    assert.deepEqual([reply.status, codeOf(reply)], [422, 'dial_back_failed'])
    assert.deepEqual(await rowsOf(balancer), [])
  })

  test('a new run replaces the old one, whose reports are refused from then on', async (t) => {
    const balancer = await startBalancer(t)
    const [peer] = (await startPeers(t, balancer, ['a'])) as [Peer]
    const late = peer.report()
    const again = peer.registration()
    peer.inc = 'second-run'
    await register(balancer, peer)
    for (const reply of [await balancer.tell('/update', late), await balancer.tell('/register', again)])
      assert.deepEqual([reply.status, codeOf(reply)], [409, 'stale_incarnation'])
    assert.equal((await balancer.tell('/update', peer.report())).status, 200)
  })

  test('a report of an unknown server asks it to register', async (t) => {
    const balancer = await startBalancer(t)
    const peer = await Peer.start(t, 'a')
    const reply = await balancer.tell('/update', peer.report())
    assert.deepEqual([reply.status, codeOf(reply)], [404, 'unknown_server'])
  })

  test('the first answer names the other servers, and a drain is ordered by the answer of a report', async (t) => {
    const balancer = await startBalancer(t)
    const [a, b] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    const first = commandsOf(await balancer.tell('/update', a.report()))
    assert.deepEqual(first, [
      { type: 'servers', servers: [{ id: 'b', host: '127.0.0.1', port: b.port, url: b.registration().url }] },
    ])
    assert.deepEqual(commandsOf(await balancer.tell('/update', a.report())), [])
    assert.equal((await balancer.tell('/internal/drain', { id: 'a', drain: true })).status, 200)
    const told = commandsOf(await balancer.tell('/update', a.report())).map(({ type }) => type)
    assert.deepEqual(told, ['servers', 'drain'])
    assert.equal(((await balancer.get('/get')).body as Chosen).id, 'b')
    assert.equal((await balancer.tell('/internal/drain', { id: 'x', drain: true })).status, 404)
  })
})

describe('clients ask for a server', () => {
  test('the answer says where the WebSocket is, and where else', async (t) => {
    const balancer = await startBalancer(t)
    const [a, b] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    b.clients = 5
    await balancer.tell('/update', b.report())
    const { status, body, headers } = await balancer.get('/get')
    assert.equal(status, 200)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.deepEqual(ChosenSchema.parse(body), {
      ...{ id: 'a', host: '127.0.0.1', port: a.port, load: 0 },
      address: `ws://127.0.0.1:${a.port}`,
      url: `ws://127.0.0.1:${a.port}/ws`,
      alternatives: [`ws://127.0.0.1:${b.port}/ws`],
    })
  })

  test('without a server: 503, and when to ask again', async (t) => {
    const balancer = await startBalancer(t)
    const reply = await balancer.get('/get')
    assert.deepEqual([reply.status, codeOf(reply)], [503, 'no_server'])
    assert.ok(Number(reply.headers.get('retry-after')) > 0)
  })

  test('where all servers are full: 503 with a place in line, which a ticket or an address keeps, and the first gets the next place', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, { trustProxy: true }, { now: () => time })
    const peer = await Peer.start(t, 'a')
    await register(balancer, peer, { capacity: 2 })
    const fill = async (clients: number) => {
      peer.clients = clients
      await balancer.tell('/update', peer.report())
    }
    await fill(2)
    const get = (address: string, ticket?: string) =>
      balancer.get(ticket === undefined ? '/get' : `/get?ticket=${ticket}`, { 'x-forwarded-for': address })
    const placeOf = async (...from: [address: string, ticket?: string]) => {
      const reply = await get(...from)
      if (reply.status === 200) return 'in'
      assert.deepEqual([reply.status, codeOf(reply)], [503, 'no_server'])
      assert.ok(Number(reply.headers.get('retry-after')) >= 2)
      return (reply.body as Problem).place
    }
    assert.equal(await placeOf('192.0.2.1'), 1)
    assert.equal(await placeOf('192.0.2.2'), 2)
    assert.equal(await placeOf('192.0.2.1', 'mine'), 1, 'the ticket takes over what the address had')
    assert.equal(await placeOf('192.0.2.1'), 3, 'somebody else at that address')
    assert.equal(await placeOf('192.0.2.2'), 2)
    await fill(1)
    assert.equal(await placeOf('192.0.2.3'), 4, 'the place is for the first in line')
    assert.equal(await placeOf('192.0.2.9', 'mine'), 'in')
    assert.equal(await placeOf('192.0.2.2'), 1, 'it was taken by him')
    time += 60_000 // all but the report have been given up
    await fill(0)
    assert.equal(await placeOf('192.0.2.4'), 'in')
  })

  test("a room's home is preferred; what is no room is ignored", async (t) => {
    const balancer = await startBalancer(t)
    const [a] = (await startPeers(t, balancer, ['a', 'b', 'c'])) as [Peer, Peer, Peer]
    await balancer.tell('/internal/place', { room: 'general', server: 'a' })
    a.clients = 100
    await balancer.tell('/update', a.report())
    const idOf = async (path: string) => ((await balancer.get(path)).body as Chosen).id
    for (let at = 0; at < 5; at += 1) assert.equal(await idOf('/get?room=general'), 'a')
    for (const path of [
      '/get',
      '/get?room=nowhere',
      '/get?room=%00',
      '/get?room=',
      '/get?room=a&room=b',
      '/get?%',
    ])
      assert.notEqual(await idOf(path), 'a', path)
  })

  for (const arrive of [true, false]) {
    test(`10,000 GET /get over 8 servers: max/mean ≤ 1.05 while they report, ${arrive ? 'with' : 'without'} the clients`, async (t) => {
      // Half a millisecond each, however fast this machine is: five seconds, in which each server reports each second.
      const startedAt = Date.now()
      let asked = 0
      const balancer = await startBalancer(t, {}, { now: () => startedAt + asked / 2 })
      const peers = await startPeers(t, balancer, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
      const got = new Map(peers.map(({ id }) => [id, 0]))
      const pool = new Pool(balancer.url, { connections: 16 })
      t.after(() => pool.close())
      const ask = async () => {
        while (asked < 10_000) {
          asked += 1
          // No two at the same moment.
          const reporting = asked % 250 === 0 ? peers[(asked / 250) % 8] : undefined
          if (reporting) {
            reporting.clients = arrive ? (got.get(reporting.id) ?? 0) : 0
            await balancer.tell('/update', reporting.report())
          }
          const { body } = await pool.request({ path: '/get', method: 'GET' })
          const { id } = (await body.json()) as Chosen
          got.set(id, (got.get(id) ?? 0) + 1)
        }
      }
      await Promise.all(Array.from({ length: 16 }, ask))
      const max = Math.max(...got.values())
      assert.ok(max / 1_250 <= 1.05, [...got.values()].join(' '))
    })
  }
})

describe('servers fall silent', () => {
  /** Moves on in steps: a leap would look like a standstill of the balancer. */
  const clock = () => {
    let time = Date.now()
    return { now: () => time, pass: (ms: number) => void (time += ms) }
  }
  const stateBecomes = (balancer: Balancer, id: string, state: string, pass: (ms: number) => void) =>
    until(async () => {
      pass(25)
      return (await rowsOf(balancer)).find((row) => row.id === id)?.state === state
    })

  test('one that is gone is down as soon as it is silent, by the refused connection', async (t) => {
    const time = clock()
    const balancer = await startBalancer(t, {}, { now: time.now })
    const [a] = (await startPeers(t, balancer, ['a'])) as [Peer]
    await a.stop()
    await stateBecomes(balancer, 'a', 'down', time.pass)
    assert.equal((await balancer.get('/get')).status, 503)
  })

  test('one that still answers is late first, down after six seconds, and up again with its next report', async (t) => {
    const time = clock()
    const balancer = await startBalancer(t, {}, { now: time.now })
    const [a] = (await startPeers(t, balancer, ['a'])) as [Peer]
    await stateBecomes(balancer, 'a', 'late', time.pass)
    const { ageMs = 0 } = (await rowsOf(balancer))[0] ?? {}
    assert.ok(ageMs >= LATE_MS && ageMs < DOWN_MS, `${ageMs}`)
    await stateBecomes(balancer, 'a', 'down', time.pass)
    assert.equal((await balancer.get('/get')).status, 200, 'it answers probes: better than nobody')
    await balancer.tell('/update', a.report())
    assert.equal((await rowsOf(balancer))[0]?.state, 'up')
  })

  test('an edge that cannot reach a home says so, and it is probed at once', async (t) => {
    const balancer = await startBalancer(t)
    const [a] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer, Peer]
    await balancer.tell('/internal/place', { room: 'general', server: 'a' })
    await a.stop()
    const { status } = await balancer.tell('/internal/place', {
      room: 'general',
      server: 'b',
      unreachable: 'a',
    })
    assert.equal(status, 200)
    assert.equal((await rowsOf(balancer)).find(({ id }) => id === 'a')?.state, 'down')
  })
})
