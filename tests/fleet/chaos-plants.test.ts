// The proof of the proof, for what only files and processes show: with a bug planted in every server, chaos has to find it, and
// without one nothing.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { readChaosConfig } from '../../scripts/chaos/config.ts'
import { runChaos, type ChaosResult } from '../../scripts/chaos/run.ts'
import { FILE_PLANTS, type FilePlant } from '../simulator/file-plants.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, '../simulator/plant-hook.ts')).href
/** Runs a plant may hide in; one is nearly always enough. */
const RUNS = 6
/** A fleet with a bug may never come to rest: no use in waiting long for it. */
const PLANTED_SETTLE_MS = 60_000

/** One fault, in the midst of many sends: that is where fences, commits and repeats matter. */
async function run(
  seed: number,
  fault: FilePlant['fault'],
  planted: { env: Record<string, string>; settleMs: number } | undefined = undefined,
): Promise<ChaosResult> {
  const config = readChaosConfig(
    [
      ...['--seed', String(seed), '--faults', fault, '--minutes', '15', '--count', '1', '--overlapping', '0'],
      ...['--clients', '8', '--rooms', '2', '--rate', '400', '--drain-ms', '1000', '--longest-ms', '300'],
    ],
    {},
  )
  const result = await runChaos(config, { say: () => {}, ...planted })
  await rm(result.folder, { recursive: true, force: true })
  return result
}

describe('chaos finds a fleet that', () => {
  for (const { name, fault, breaks } of FILE_PLANTS) {
    test(name, async () => {
      const breaches: string[] = []
      // Only what the bug does to people counts: a slow machine ends processes and leaves things unsettled, too.
      const isFound = () => breaches.some((breach) => breaks.test(breach))
      for (let seed = 1; seed <= RUNS && !isFound(); seed += 1) {
        const env = { NODE_OPTIONS: `--import ${HOOK}`, FLOTILLA_PLANT: name }
        breaches.push(...(await run(seed, fault, { env, settleMs: PLANTED_SETTLE_MS })).breaches)
      }
      assert.ok(isFound(), `only ${JSON.stringify(breaches.slice(0, 10))}`)
    })
  }
})

for (const fault of new Set(FILE_PLANTS.map((plant) => plant.fault))) {
  test(`chaos finds nothing in a fleet without a bug in the same run (${fault})`, async () => {
    const { breaches, unexpectedEnds, records } = await run(1, fault)
    assert.deepEqual([breaches, unexpectedEnds, records.length], [[], [], 1])
  })
}
