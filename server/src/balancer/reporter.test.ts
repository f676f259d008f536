import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import type { Command, Update } from '@flotilla/protocol/control.ts'
import { pino } from 'pino'
import type { Cancel } from '../clock.ts'
import { FakeClock } from '../test/fake-clock.ts'
import { until } from '../test/until.ts'
import { Reporter } from './reporter.ts'

/** Knows whether anything is still to come by it. */
class WatchedClock extends FakeClock {
  pending = 0

  override after(ms: number, run: () => void): Cancel {
    this.pending += 1
    let isOver = false
    const end = () => {
      if (!isOver) this.pending -= 1
      isOver = true
    }
    const cancel = super.after(ms, () => {
      end()
      run()
    })
    return () => {
      end()
      cancel()
    }
  }
}

interface Heard {
  path: string
  body: Update
  /** By the clock of the reporter. */
  at: number
}

/** What stands where a balancer would: keeps what it hears, and answers as told. */
class Desk {
  readonly heard: Heard[] = []
  registering = { status: 200, json: { heartbeatMs: 1_000, watermark: 7 } as object }
  updating = { status: 200, json: { commands: [] } as object }
  /** Answers wait for it. */
  gate: Promise<void> | undefined
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  async listen(t: TestContext): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    t.after(() => {
      this.#server.closeAllConnections()
      this.#server.close()
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.headers.authorization === 'Bearer the-secret' ? (request.url ?? '') : 'a stranger'
    const at = this.#now()
    this.heard.push({ path, body: JSON.parse(await text(request)) as Update, at })
    await this.gate
    const { status, json } = path === '/register' ? this.registering : this.updating
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }

  of(path: '/register' | '/update'): Heard[] {
    return this.heard.filter((one) => one.path === path)
  }
}

/** Nothing here comes near it, however busy the machine is. */
const PATIENT_MS = 300_000

/** A reporter that has been started, and has done what it does at once. */
async function open(t: TestContext, prepare: (desk: Desk) => void = () => {}, requestMs = PATIENT_MS) {
  const clock = new WatchedClock()
  const desk = new Desk(() => clock.now())
  prepare(desk)
  const load = { clients: 0 }
  const commands: Command[] = []
  /** At each registration: the watermark it was told, and how many reports had gone out. */
  const registered: [number, number][] = []
  const reporter: Reporter = new Reporter({
    url: await desk.listen(t),
    secret: 'the-secret',
    clock,
    random: () => 0.5,
    identity: () => ({ id: 's', url: 'ws://s/ws', host: 's', port: 1, capacity: 10, inc: 'run' }),
    registered: (watermark) => {
      registered.push([watermark, desk.of('/update').length])
      return Promise.resolve()
    },
    load: () => ({ ...load, rooms: 0, draining: false, loopDelayMs: 0, commitNo: 1 }),
    onCommand: (command) => commands.push(command),
    log: pino({ level: 'silent' }),
    requestMs,
  })
  t.after(() => reporter.stop())
  /** What was asked was answered, and the next thing is due at some time. */
  const idle = () => until('the answer is dealt with', () => clock.pending > 0)
  const pass = async (ms: number, stepMs = 10) => {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.pass(Math.min(stepMs, left))
      await idle()
    }
  }
  reporter.start()
  for (let i = 0; i < 2; i += 1) {
    await clock.pass(0)
    await idle()
  }
  const clientsAt = () => desk.of('/update').map(({ at, body }) => [body.clients, at])
  return { clock, desk, load, commands, registered, reporter, pass, idle, clientsAt }
}

test('it registers, and then reports at least every second, numbered upwards', async (t) => {
  const { desk, pass, reporter, registered } = await open(t)
  await pass(5_000)
  assert.deepEqual(registered, [[7, 0]], 'the watermark is looked at before anything is reported')
  const reports = desk.of('/update')
  assert.deepEqual([desk.of('/register').length, reports.length, reporter.isRegistered], [1, 6, true])
  for (const [i, { at, body }] of reports.entries()) {
    assert.ok(i === 0 || at - (reports[i - 1]?.at ?? 0) <= 1_000)
    assert.deepEqual([body.id, body.inc, body.n], ['s', 'run', i + 1])
  }
})

test('a change in the midst of a second is told within 100 ms, wherever in it that is', async (t) => {
  const { clock, load, reporter, pass, clientsAt } = await open(t)
  for (const [i, ms] of [400, 950, 10, 1_000, 60].entries()) {
    await pass(ms)
    load.clients = i + 1
    const changedAt = clock.now()
    reporter.changed()
    await pass(100)
    const told = clientsAt().find(([clients]) => clients === i + 1)?.[1] ?? Infinity
    assert.ok(told - changedAt <= 100, `after ${told - changedAt} ms`)
  }
})

test('of a thousand changes in a second each is told within 100 ms, by two dozen reports at most', async (t) => {
  const { clock, load, reporter, pass, clientsAt } = await open(t)
  await pass(300)
  const start = clock.now()
  for (let i = 1; i <= 1_000; i += 1) {
    load.clients = i
    reporter.changed()
    await pass(1, 1)
  }
  await pass(100)
  const reports = clientsAt().filter(([, at = 0]) => at >= start)
  assert.ok(reports.length <= 24, `${reports.length}`)
  for (let i = 1; i <= 1_000; i += 1) {
    const told = reports.find(([clients = 0]) => clients >= i)?.[1] ?? Infinity
    assert.ok(told - (start + i - 1) <= 100, `change ${i} after ${told - (start + i - 1)} ms`)
  }
})

test('what changes while a report is under way is told in the next one, soon after its answer', async (t) => {
  const { clock, desk, load, reporter, pass, idle, clientsAt } = await open(t)
  await pass(300)
  const answer = Promise.withResolvers<void>()
  desk.gate = answer.promise
  load.clients = 1
  reporter.changed()
  await clock.pass(0)
  await until('the report is there', () => clientsAt().at(-1)?.[0] === 1)
  load.clients = 2
  reporter.changed()
  await clock.pass(500)
  assert.equal(clientsAt().at(-1)?.[0], 1, 'never two at once')
  answer.resolve()
  await idle()
  const answeredAt = clock.now()
  await pass(100)
  const [clients, told = 0] = clientsAt().at(-1) ?? []
  assert.equal(clients, 2)
  assert.ok(told - answeredAt <= 100)
})

test('a balancer that does not know it any more is told who it is, and then its load, at once', async (t) => {
  const { clock, desk, pass, idle } = await open(t)
  desk.updating = { status: 404, json: { code: 'unknown_server' } }
  await pass(1_000)
  desk.updating = { status: 200, json: { commands: [] } }
  for (let i = 0; i < 2; i += 1) {
    await clock.pass(0)
    await idle()
  }
  assert.deepEqual(
    desk.heard.map(({ path }) => path),
    ['/register', '/update', '/update', '/register', '/update'],
  )
  assert.deepEqual(
    desk.of('/update').map(({ body }) => body.n),
    [1, 2, 3],
  )
})

test('where a newer run is registered it tries again every five seconds only', async (t) => {
  const { desk, pass, reporter } = await open(t)
  desk.updating = desk.registering = { status: 409, json: { code: 'stale_incarnation' } }
  await pass(1_000)
  assert.equal(reporter.isRegistered, false)
  await pass(4_990)
  assert.equal(desk.of('/register').length, 1)
  await pass(10_010)
  assert.equal(desk.of('/register').length, 4)
  assert.equal(desk.of('/update').length, 2)
})

test('one that is refused tries again within half a second, and reports nothing until it is registered', async (t) => {
  const { desk, pass } = await open(t, (desk) => {
    desk.registering = { status: 422, json: { code: 'dial_back_failed' } }
  })
  await pass(900)
  assert.equal(desk.of('/update').length, 0)
  assert.equal(desk.of('/register').length, 3)
  desk.registering = { status: 200, json: { heartbeatMs: 1_000, watermark: 7 } }
  await pass(500)
  assert.equal(desk.of('/update').length, 1)
})

test('a report that nobody answers is given up, and the next one says what is so by then', async (t) => {
  const { desk, load, pass, reporter, clock, clientsAt } = await open(t, () => {}, 2_000)
  desk.gate = new Promise(() => {})
  await clock.pass(1_000)
  await until('the report is there', () => clientsAt().length === 2)
  load.clients = 5
  await until('it is given up', () => clock.pending > 0) // by the time of the network, which is no port
  desk.gate = undefined
  await pass(500)
  assert.deepEqual([clientsAt().length, clientsAt().at(-1)?.[0], reporter.isRegistered], [3, 5, true])
  assert.equal(desk.of('/register').length, 1)
})

test('who waits to be told waits for a report made from then on; what the balancer orders is passed on', async (t) => {
  const { clock, desk, load, commands, reporter, clientsAt, idle } = await open(t)
  desk.updating.json = { commands: [{ type: 'drain' }] }
  load.clients = 3
  const told = reporter.told().then(() => clientsAt().at(-1)?.[0])
  await clock.pass(0)
  await idle()
  assert.equal(await told, 3)
  assert.deepEqual(commands, [{ type: 'drain' }])
})
