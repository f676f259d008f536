// The proof of the proof, for what only files and processes show: with a bug planted in every server, chaos has to find it.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { readChaosConfig } from '../../scripts/chaos/config.ts'
import { runChaos } from '../../scripts/chaos/run.ts'
import { FILE_PLANTS } from '../simulator/plants.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, '../simulator/plant-hook.ts')).href
/** Runs a plant may hide in; one is nearly always enough. */
const RUNS = 3

describe('chaos finds a fleet that', () => {
  for (const { name } of FILE_PLANTS) {
    test(name, async () => {
      const found: string[] = []
      for (let seed = 1; seed <= RUNS && found.length === 0; seed += 1) {
        const config = readChaosConfig(
          [
            // Drains move rooms while they are being written: that is where fences matter.
            ...['--seed', String(seed), '--faults', 'drain', '--minutes', '1', '--count', '2'],
            ...['--clients', '8', '--rooms', '2', '--rate', '400', '--drain-ms', '2000'],
            ...['--overlapping', '0'],
          ],
          {},
        )
        const { breaches, unexpectedEnds, folder } = await runChaos(config, {
          say: () => {},
          env: { NODE_OPTIONS: `--import ${HOOK}`, FLOTILLA_PLANT: name },
          settleMs: 5_000,
        })
        found.push(...breaches, ...unexpectedEnds)
        await rm(folder, { recursive: true, force: true })
      }
      assert.notDeepEqual(found, [])
    })
  }
})
