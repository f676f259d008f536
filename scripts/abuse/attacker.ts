import { join } from 'node:path'
import { AskedProcess } from '../asked-process.ts'
import type { Tally, Target } from './attack.ts'
import { findGivingWay } from './giving-way.ts'

export interface AttackerOrders {
  /** `name` = as in `--only`. */
  attack: { ask: { name: string; target: Target }; answer: Tally }
}

/** For the slowest attack on a machine that has much else to do. */
const MOST_MS = 6 * 60 * 60_000

/** Runs one attack in a process of its own, which gives way to everybody else if the target says so. */
export async function attackFromOutside(name: string, target: Target): Promise<Tally> {
  const attacker = new AskedProcess<AttackerOrders>(
    join(import.meta.dirname, 'attacker-main.ts'),
    'the attacker',
    { isDetached: true },
  )
  try {
    if (target.givesWay) findGivingWay().pid(attacker.pid)
    return await attacker.ask('attack', { name, target }, MOST_MS)
  } finally {
    await attacker.stop()
  }
}
