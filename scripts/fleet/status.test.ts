import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatStatus } from './status.ts'

test('the status of a fleet is a table in the order of its ports', () => {
  const row = (port: number) => ({
    id: `s-${port}`,
    inc: `run-${port}`,
    url: `ws://127.0.0.1:${port}/ws`,
    host: '127.0.0.1',
    port,
    state: 'up' as const,
    clients: port,
    rooms: 1,
    capacity: 20_000,
    ageMs: 340,
    loopDelayMs: 0.52,
  })
  assert.deepEqual(formatStatus([row(10_000), row(8_080)]), [
    'server   state  url                      clients      rooms  reported  loop delay',
    's-8080   up     ws://127.0.0.1:8080/ws   8080/20000   1      0.3 s     0.5 ms',
    's-10000  up     ws://127.0.0.1:10000/ws  10000/20000  1      0.3 s     0.5 ms',
  ])
})
