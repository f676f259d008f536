// The short form of `npm run chaos -- --storm`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeStorm, runStorm } from '../../scripts/chaos/storm.ts'

const CLIENTS = 300

test('clients of a server that is killed all come back with everything they missed, and the disk is not asked for each of them', async (t) => {
  const stop = new AbortController()
  t.signal.addEventListener('abort', () => stop.abort())
  const result = await runStorm(
    { clients: CLIENTS, servers: 3, rate: 40, windowMs: 1_000 },
    { say: (line) => t.diagnostic(line), signal: stop.signal },
  )
  for (const line of describeStorm(result)) t.diagnostic(line)

  assert.deepEqual(result.breaches, [])
  // On a machine that is slow some lose their connection before, and are elsewhere by then.
  const { clients } = result
  assert.ok(clients >= CLIENTS / 2, `only ${clients} were there`)
  assert.deepEqual([result.backMs.length, result.missing, result.notBack], [clients, 0, []])
  assert.ok(
    Math.abs(result.withTokens - clients / 2) <= (CLIENTS - clients) / 2,
    `${result.withTokens} tokens`,
  )
  // Spread over all who are left; what is random in it is far from taking half of a share away.
  const shares = Object.values(result.shares)
  assert.equal(shares.length, 2)
  for (const share of shares) assert.ok(share >= clients / 4, `${share} of ${clients} at one of two`)
  assert.ok(result.acked > 100, `${result.acked} acks`)
  // Each room is read a few times at most on each of two servers, by however many.
  const { storeReads } = result.survivors
  assert.ok(
    storeReads <= 4 * result.rooms,
    `${storeReads} readings for ${CLIENTS} clients in ${result.rooms} rooms`,
  )
})
