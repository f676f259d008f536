// What chat servers ask of the balancer, and what people are answered when none is left.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Fleet, Tester } from './api-tester.ts'
import { atEnd, until } from './harness.ts'
import { callsAbout, HASH, room, type Call } from './openapi.calls.ts'
import type { Scene } from './openapi.rooms.ts'

/** What chat servers ask, and what is wrong with some that say they are one. */
export async function serversOf(t: TestContext, machine: Tester): Promise<void> {
  const health = { id: 'stand-in', inc: 'first' }
  const http = createServer((_request, response) => response.end(JSON.stringify(health)))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  atEnd(t, () => http.close())
  const { port } = http.address() as AddressInfo
  const registration = { ...health, url: `ws://127.0.0.1:${port}/ws`, host: '127.0.0.1', port, capacity: 1 }
  const report = { ...health, n: 1, clients: 0, rooms: 0, draining: true, loopDelayMs: 0, commitNo: 0 }
  await machine.call('post /update', report)
  await machine.does('post /register', registration)
  await machine.does('post /update', report)
  await machine.does('post /internal/drain', { id: 'stand-in', drain: true })
  await machine.call('post /internal/drain', { id: 'nobody', drain: true })
  health.inc = 'second'
  await machine.does('post /register', { ...registration, inc: 'second' })
  await machine.call('post /register', registration)
  await machine.call('post /update', report)
  await machine.call('post /register', { ...registration, id: 'other' })
  await machine.does('post /internal/place', { room: 'general', server: 'stand-in' })
  await machine.call('post /internal/place', { room: 'no-room-of-this-id', server: 'stand-in' })
  await machine.does('post /internal/taken', { server: 'stand-in', rooms: [] })
  await machine.does('post /internal/rotate-keys', {})
  const { reports } = await machine.does('get /internal/reports', undefined, { query: '?all' })
  const [reported] = reports as { id: number }[]
  await machine.call('get /internal/reports', undefined, { query: '?before=x' })
  const parts = { reportId: String(reported?.id) }
  const dealtWith = () => machine.call('delete /internal/reports/{reportId}', undefined, { parts })
  assert.deepEqual([(await dealtWith()).answer, (await dealtWith()).answer], ['200', 'not_found'])
  http.close()
  http.closeAllConnections()
}

/** What can still be answered when all chat servers are gone. */
export async function withoutServers(
  { servers, release }: Fleet,
  machine: Tester,
  stranger: () => Tester,
  { olga, mo, roomId }: Scene,
): Promise<void> {
  await Promise.all(servers.map((server) => server.stop(30_000)))
  release()
  await until('there is no server', async () => (await stranger().call('get /get')).answer === 'no_server')
  // So many were made before that it takes until the time that counts is over.
  const homeless = await until('a room without a home', async () => {
    const { body } = await mo.call('post /api/rooms', { name: 'Homeless' })
    return body['roomId'] as string | undefined
  })
  await machine.call('post /internal/place', { room: homeless, server: 'stand-in' })
  await mo.call(`post ${room()}`, undefined, { parts: { roomId: homeless } })
  const parts = { roomId, hash: HASH }
  const calls: Call[] = [
    ...callsAbout(mo),
    ['get /api/me/export'],
    ['post /api/rooms', { name: 'Later', topic: 'x' }],
  ]
  await Promise.all([
    ...calls.map(([call, body]) => olga.call(call, body, { parts })),
    olga.call(`post ${room()}`, undefined, { parts: { roomId: 'general' } }),
    olga.call('put /api/blocks/{userId}', undefined, { parts: { userId: mo.id } }),
    mo
      .call('put /api/blocks/{userId}', undefined, { parts: { userId: olga.id } })
      .then(() => mo.call('delete /api/blocks/{userId}', undefined, { parts: { userId: olga.id } })),
  ])
}
