// The short form of `npm run chaos`: every kind of fault that any machine allows, once at least, on real processes.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { readChaosConfig } from '../../scripts/chaos/config.ts'
import { runChaos } from '../../scripts/chaos/run.ts'

const KINDS = ['kill', 'pause', 'cut', 'drain', 'balancer'] as const

test('a fleet that is killed, paused, cut off, drained and left by its balancer loses, doubles and reorders nothing', async (t) => {
  const seed = randomInt(1, 1_000_000)
  const config = readChaosConfig(
    [
      ...['--seed', String(seed), '--faults', KINDS.join(','), '--minutes', '3', '--count', '8'],
      ...['--servers', '3', '--clients', '8', '--rooms', '2', '--rate', '40'],
      ...['--longest-ms', '2500', '--drain-ms', '2000'],
    ],
    {},
  )
  const said: string[] = []
  const stop = new AbortController()
  t.signal.addEventListener('abort', () => stop.abort())
  const result = await runChaos(config, { say: (line) => said.push(line), signal: stop.signal })
  if (result.breaches.length > 0) for (const line of said) t.diagnostic(line)

  assert.deepEqual(result.breaches.slice(0, 10), [], `seed ${seed}, journals in ${result.folder}`)
  assert.deepEqual(result.unexpectedEnds, [])
  for (const kind of KINDS)
    assert.ok(
      result.records.some((record) => record.kind === kind),
      `no ${kind}`,
    )
  // A run in which nothing is said, or in which nothing is in the way of it, proves nothing.
  assert.ok(result.acked > 100, `${result.acked} acks`)
  assert.ok(result.records.some(({ rooms }) => rooms.length > 0))
  assert.equal(existsSync(result.folder), false, 'what is not needed is not left behind')
})
