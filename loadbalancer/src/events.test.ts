import assert from 'node:assert/strict'
import { get, type IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  PlacementChangeSchema,
  RegistryChangeSchema,
  SnapshotSchema,
  type RegistryChange,
} from '@flotilla/protocol/control.ts'
import type { Peer } from '../test/fleet.ts'
import { register, startBalancer, startPeers, until } from '../test/fleet.ts'
import { Events, MAX_LISTENERS } from './events.ts'
import { Metrics } from './metrics.ts'

interface Listener {
  response: IncomingMessage
  text: () => string
  events: () => { event: string; data: unknown }[]
}

/** Listens, without reading when `isPaused`. */
async function listen(t: TestContext, url: string, isPaused = false): Promise<Listener> {
  const response = await new Promise<IncomingMessage>((done, fail) => {
    const request = get(url, { agent: false }, done).on('error', fail)
    t.after(() => request.destroy())
  })
  response.on('error', () => {})
  let text = ''
  if (!isPaused) response.on('data', (chunk) => (text += String(chunk)))
  const events = () =>
    [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, event = '', data = '']) => ({
      event,
      data: JSON.parse(data) as unknown,
    }))
  return { response, text: () => text, events }
}

test('who listens gets a snapshot first, then what changes', async (t) => {
  const balancer = await startBalancer(t)
  const [a] = (await startPeers(t, balancer, ['a', 'b'])) as [Peer]
  const listener = await listen(t, `${balancer.url}/events`)
  assert.equal(listener.response.headers['content-type'], 'text/event-stream')
  await until(() => listener.events().length > 0)
  const [snapshot] = listener.events()
  assert.equal(snapshot?.event, 'snapshot')
  const { servers } = SnapshotSchema.parse(snapshot?.data)
  assert.deepEqual(new Set(servers.map(({ id }) => id)), new Set(['a', 'b']))
  a.clients = 42
  await balancer.tell('/update', a.report())
  const changes = () =>
    listener.events().flatMap(({ event, data }) => (event === 'registry' ? [data as RegistryChange] : []))
  const rowOfA = ({ servers }: RegistryChange) => servers.find(({ id }) => id === 'a')
  await until(() => changes().some((change) => rowOfA(change)?.clients === 42))
  assert.equal(rowOfA(changes().at(-1)!)?.inc, a.inc)
  for (const change of changes()) RegistryChangeSchema.parse(change)
  await balancer.tell('/internal/place', { room: 'general', server: 'a' })
  const placements = () =>
    listener
      .events()
      .flatMap(({ event, data }) => (event === 'placement' ? [PlacementChangeSchema.parse(data)] : []))
  await until(() => placements().length === 1)
  assert.deepEqual(placements(), [{ room: 'general', home: 'a', epoch: 1 }])
  await balancer.tell('/internal/place', { room: 'general', server: 'a', leaving: true })
  await until(() => placements().length === 2)
  assert.deepEqual(placements()[1], { room: 'general', home: 'b', formerHome: 'a', epoch: 2 })

  a.inc = 'next-run'
  await register(balancer, a)
  await until(() => changes().some((change) => rowOfA(change)?.inc === 'next-run'))
})

test('a listener beyond the bound is refused, and finds room when others have left', async (t) => {
  const balancer = await startBalancer(t)
  const listeners = await Promise.all(
    Array.from({ length: MAX_LISTENERS }, () => listen(t, `${balancer.url}/events`)),
  )
  assert.equal((await balancer.get('/events')).status, 429)
  listeners[0]?.response.destroy()
  await until(async () => (await listen(t, `${balancer.url}/events`)).response.statusCode === 200)
})

test('a listener that does not read is cut off; the others get everything', async (t) => {
  const metrics = new Metrics(() => ({ up: 0, late: 0, draining: 0, down: 0 }))
  const events = new Events(metrics)
  const server = createServer((request, response) => events.listen(request, response, {}))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const reader = await listen(t, url)
  const sleeper = await listen(t, url, true)
  let sent = 0
  // The system's buffers take some megabytes for it first.
  while (events.count > 1) {
    events.send('registry', 'x'.repeat(100_000))
    sent += 1
    await until(() => reader.events().length === sent + 1)
  }
  events.send('registry', 'last')
  await until(() => reader.events().some(({ data }) => data === 'last'))
  assert.match(await metrics.text(), /flotilla_balancer_event_listeners_dropped_total 1/)
  assert.equal(sleeper.events().length, 0)
})

test('a beat keeps the line alive and is no event; HEAD is no listener', async (t) => {
  const events = new Events(new Metrics(() => ({ up: 0, late: 0, draining: 0, down: 0 })))
  const server = createServer((request, response) => events.listen(request, response, {}))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  t.after(() => events.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
  assert.equal(events.count, 0)
  const listener = await listen(t, url)
  events.beat()
  await until(() => listener.text().endsWith(':\n\n'))
  assert.equal(listener.events().length, 1)
})
