// The whole fleet as real processes, for tests: on free ports, in a temporary folder, gone with the test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  startLocalFleet,
  type FleetOptions,
  type FleetProcess,
  type LocalFleet,
} from '../../scripts/fleet/local-fleet.ts'
import { until as untilWithin } from '../../scripts/fleet/until.ts'

export type { FleetProcess, LocalFleet }

/** Longest wait for anything, if a test does not say otherwise: several processes on two busy cores may need a while. */
const PATIENCE_MS = 60_000

/** As the one of the scripts, with more patience. */
export const until: typeof untilWithin = (what, condition, { timeoutMs = PATIENCE_MS, ...more } = {}) =>
  untilWithin(what, condition, { timeoutMs, ...more })

/**
 * A fleet that ends with test `t` (or by `stop()`, where there is no test context, as in a `before` hook). If the
 * test fails, what its processes said last is printed. Should the test's own process die, its children end, too.
 */
export async function startFleet(options: FleetOptions & { t?: TestContext } = {}): Promise<LocalFleet> {
  const { t, ...fleetOptions } = options
  const fleet = await startLocalFleet(fleetOptions)
  if (t) {
    atEnd(t, async () => {
      if (t.error) printOutput(t, fleet)
      await fleet.stop()
    })
  }
  return fleet
}

const endings = new WeakMap<TestContext, (() => unknown)[]>()

/** Like `t.after`, but last in, first out: what was started in a folder is stopped before the folder goes. */
export function atEnd(t: TestContext, run: () => unknown): void {
  const known = endings.get(t)
  if (known) {
    known.push(run)
    return
  }
  const runs = [run]
  endings.set(t, runs)
  t.after(async () => {
    for (const each of runs.reverse()) await each()
  })
}

/** A folder that goes with the test. */
export async function freshFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-test-'))
  atEnd(t, () => rm(folder, { recursive: true, force: true }))
  return folder
}

/** What each process said last, as diagnostics of the test. */
export function printOutput(t: TestContext, fleet: LocalFleet): void {
  for (const part of [fleet.loadbalancer, ...fleet.servers]) {
    for (const line of part.output.slice(-40)) t.diagnostic(`${part.name}: ${line}`)
  }
}
