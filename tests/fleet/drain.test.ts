import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { atEnd, startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import { Person } from './person.ts'
import { RawClient } from './raw-client.ts'
import { assertNothingLost, describeAcks, keepTalking } from './talk.ts'

const FLEET = join(import.meta.dirname, '../../scripts/fleet.ts')

describe('SIGTERM to a server', () => {
  test('who follows `move` is never cut, who does not is served on, and the exit code is 0', async (t) => {
    const fleet = await startFleet({ t, servers: 3, serverArgs: ['--rate', '0', '--drain-ms', '600000'] })
    const people = await Person.oneOnEachServer(t, fleet)
    const home = processOf(fleet, await homeOf(fleet, 'general'))
    const [onHome] = people.filter(({ server }) => server === home.id)
    assert.ok(onHome)
    const stubborn = await RawClient.open(home.url, 'stubborn')
    atEnd(t, () => stubborn.close())

    const stop = keepTalking(t, people, 30)
    await until('they talk', () => people.every(({ acks }) => acks.size > 10))
    const { exited } = home
    home.kill('SIGTERM')
    assert.ok((await stubborn.next('move')).inMs < 600_000)
    await until('the follower is elsewhere', () => onHome.server !== home.id)
    // He is served, though the room is elsewhere.
    await stubborn.join('general')
    assert.equal(stubborn.closed, undefined)
    assert.equal(await RawClient.refusal(`${home.url}?username=late`), 503)
    stubborn.close()
    assert.deepEqual(await exited, { code: 0, signal: null })
    stop()

    await assertNothingLost(people)
    for (const { name, cuts, statuses } of people) {
      assert.deepEqual(cuts, [], name)
      assert.ok(
        statuses.every((status) => status === 'live'),
        `${name}: ${statuses.join()}`,
      )
    }
    assert.notEqual(await homeOf(fleet, 'general'), home.id)
    t.diagnostic(describeAcks(people))
  })

  test('who does not follow `move` gets 1012 at the deadline, and the exit code is 0', async (t) => {
    const fleet = await startFleet({ t, servers: 1, serverArgs: ['--drain-ms', '1000'] })
    const [server] = fleet.servers
    assert.ok(server)
    const stubborn = await RawClient.open(server.url, 'stubborn')
    await stubborn.join('general')
    server.kill('SIGTERM')
    await stubborn.next('move')
    assert.equal(await stubborn.closeCode(), 1012)
    assert.deepEqual(await server.exited, { code: 0, signal: null })
  })

  test('it exits as soon as nobody is left', async (t) => {
    const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0', '--drain-ms', '600000'] })
    const people = await Person.oneOnEachServer(t, fleet)
    const [server] = fleet.servers
    assert.ok(server)
    server.kill('SIGTERM')
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    for (const person of people) person.say('after')
    await assertNothingLost(people)
    assert.deepEqual(
      people.map(({ cuts }) => cuts),
      [[], []],
    )
  })
})

describe('npm run fleet -- drain', () => {
  test('a drained server is refused on every path, its rooms go on elsewhere, and it serves again when told so', async (t) => {
    const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0', '--drain-ms', '600000'] })
    const people = await Person.oneOnEachServer(t, fleet)
    for (let i = 0; i < 100; i += 1) for (const person of people) person.say(`before ${i}`)
    await until('all is acked', () => people.every(({ acks }) => acks.size === 100))
    const home = processOf(fleet, await homeOf(fleet, 'general'))
    const [other] = fleet.servers.filter(({ id }) => id !== home.id)
    assert.ok(other)

    const drained = await command(fleet, 'drain', home.id)
    assert.equal(drained.code, 0, drained.output)
    assert.match(drained.output, new RegExp(`Server ${home.port} .* is drained\\.`))

    for (let i = 0; i < 50; i += 1) {
      for (const query of ['', '?room=general']) {
        const chosen = await get(`${fleet.loadbalancer.url}/get${query}`)
        assert.deepEqual([chosen.status, chosen.body['id'], chosen.body['alternatives']], [200, other.id, []])
      }
    }
    assert.equal(await homeOf(fleet, 'general'), other.id)
    assert.equal(await RawClient.refusal(`${home.url}?username=bob`), 503)
    assert.equal(await RawClient.refusal(`${home.url}?token=x`), 503)
    assert.equal((await get(`${http(home)}/readyz`)).status, 503)
    assert.equal((await fleet.registry()).find(({ id }) => id === home.id)?.state, 'draining')
    // A room that nobody could take yet is offered again.
    const body = await until('its rooms are elsewhere', async () => {
      const health = await get(`${http(home)}/healthz`)
      return health.body['homes'] === 0 ? health.body : undefined
    })
    assert.deepEqual([body['state'], body['clients']], ['drained', 0])
    const newcomer = await RawClient.open(other.url, 'newcomer')
    newcomer.close() // it follows no `move`
    const [welcome] = newcomer.frames
    assert.ok(welcome?.type === 'welcome' && !welcome.alternatives.includes(home.url))
    for (const person of people) person.say('after')
    await assertNothingLost(people)

    const cancelled = await command(fleet, 'drain', String(home.port), '--cancel')
    assert.equal(cancelled.code, 0, cancelled.output)
    const back = await RawClient.open(home.url, 'back')
    back.close()
    await until('the balancer chooses it', async () => {
      const chosen = await get(`${fleet.loadbalancer.url}/get`)
      return chosen.body['id'] === home.id
    })
    // Rooms go there again as well.
    assert.equal((await command(fleet, 'drain', other.id)).code, 0)
    assert.equal(await homeOf(fleet, 'general'), home.id)
    for (const person of people) person.say('again')
    await assertNothingLost(people)
    assert.deepEqual(
      people.flatMap(({ cuts }) => cuts),
      [],
    )
  })

  test('a drain can be cancelled while it is under way: who is still there stays', async (t) => {
    const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0', '--drain-ms', '600000'] })
    const [server] = fleet.servers
    assert.ok(server)
    const stubborn = await RawClient.open(server.url, 'stubborn')
    atEnd(t, () => stubborn.close())
    const draining = command(fleet, 'drain', server.id)
    await stubborn.next('move')
    assert.equal((await get(`${http(server)}/healthz`)).body['state'], 'draining')
    const cancelled = await command(fleet, 'drain', server.id, '--cancel')
    assert.equal(cancelled.code, 0, cancelled.output)
    const outcome = await draining
    assert.equal(outcome.code, 1, outcome.output)
    assert.match(outcome.output, /was cancelled/)
    assert.equal((await get(`${http(server)}/healthz`)).body['state'], 'serving')
    await stubborn.join('general')
    assert.equal(await RawClient.refusal(`${server.url}?username=bob`), undefined)
  })

  test('a drained server ends with code 0 on SIGTERM, and serves when it is started again', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [server] = fleet.servers
    assert.ok(server)
    assert.equal((await command(fleet, 'drain', server.id)).code, 0)
    server.kill('SIGTERM')
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    await server.restart()
    await fleet.complete()
    assert.equal(await RawClient.refusal(`${server.url}?username=bob`), undefined)
  })

  test('says in one line what is wrong', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const [server] = fleet.servers
    assert.ok(server)
    const cases: [args: string[], env: Record<string, string>, code: number, says: RegExp][] = [
      [['drain'], {}, 2, /^Wrong start: name a server/],
      [['drain', '1'], {}, 1, /^The balancer knows no server 1: there are /],
      [['drain', server.id], { FLEET_SECRET: 'x'.repeat(20) }, 1, /not the secret of its fleet/],
      [['drain', server.id], { FLEET_SECRET: '' }, 1, /^No fleet.secret in /],
      [['drain', server.id, '--loadbalancer', 'http://127.0.0.1:1'], {}, 1, /cannot be asked: /],
    ]
    for (const [args, env, code, says] of cases) {
      const outcome = await commandWith(fleet, env, ...args)
      assert.equal(outcome.code, code, outcome.output)
      assert.match(outcome.output, says)
      assert.equal(outcome.output.trim().split('\n').length, 1, outcome.output)
    }
  })
})

function command(fleet: LocalFleet, ...args: string[]) {
  return commandWith(fleet, {}, ...args)
}

async function commandWith(fleet: LocalFleet, env: Record<string, string>, ...args: string[]) {
  const where = args.includes('--loadbalancer') ? [] : ['--loadbalancer', fleet.loadbalancer.url]
  const child = spawn(process.execPath, [FLEET, ...args, ...where, '--data', fleet.dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FLEET_SECRET: fleet.secret, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += String(data)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

async function get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function http({ url }: FleetProcess): string {
  return url.replace(/^ws/, 'http').replace(/\/ws$/, '')
}

function processOf(fleet: LocalFleet, id: string): FleetProcess {
  const found = fleet.servers.find((server) => server.id === id)
  assert.ok(found)
  return found
}

/** Where the room is, as anybody is told who asks for it. */
async function homeOf({ loadbalancer }: LocalFleet, room: string): Promise<string> {
  const login = await fetch(`${loadbalancer.url}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'asker' }),
  })
  const { token } = (await login.json()) as { token: string }
  const place = await fetch(`${loadbalancer.url}/api/rooms/${room}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  return ((await place.json()) as { home: string }).home
}
