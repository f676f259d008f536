import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startLocalFleet, type FleetProcess, type LocalFleet } from '../fleet/local-fleet.ts'
import type { Attack, Tally, Target } from './attack.ts'
import { attackFromOutside } from './attacker.ts'
import { Witness } from './witness.ts'

const QUIET_MS = 5_000
const WARM_MS = 1_500

export interface AttackResult extends Tally {
  name: string
  says: string
  /** Processes that ended, and errors that nobody had planned, in their logs. */
  crashes: string[]
  /** The others' p99 before and meanwhile, in ms. */
  p99Before: number
  p99Meanwhile: number
}

export interface AbuseOptions {
  attacks: readonly Attack[]
  scale: number
  seed: number
  signal?: AbortSignal
  /**
   * How long the witnesses talk before anything is done to them; 5 s if not said. 0: their times are not wanted, and attackers get as
   * much of the processor as anybody.
   */
  quietMs?: number
  onResult?: (result: AttackResult) => void
}

/**
 * Every attack against one fleet, one after the other: an attack finds what the one before has left. Those that are about limits
 * by address have a fleet of their own.
 */
export async function runAbuse({ attacks, scale, seed, signal, onResult, quietMs = QUIET_MS }: AbuseOptions) {
  const results: AttackResult[] = []
  const groups = Map.groupBy(attacks, ({ limits }) => limits ?? 'none by address')
  for (const [limits, group] of groups) {
    const open = ['--login-rate', '0', '--signup-rate', '0']
    await using fleet = await startLocalFleet({
      servers: 0,
      loadbalancerArgs: limits === 'as deployed' ? [] : open,
      env: { NODE_ENV: 'test' },
    })
    const origin = fleet.loadbalancer.url
    const server = await fleet.addServer(['--origins', origin])
    await fleet.complete()
    const { id, url, port } = server
    const target: Target = {
      ...{ secret: fleet.secret, server: { id, url, port }, origin, seed, scale, givesWay: quietMs > 0 },
      balancer: fleet.loadbalancer.url,
      balancerDataDir: fleet.loadbalancer.dataDir,
      serverHttp: server.url.replace(/^ws/, 'http').replace(/\/ws$/, ''),
    }
    for (const attack of group) {
      if (signal?.aborted === true) break
      const result = await attackOnce(attack, fleet, target, quietMs)
      results.push(result)
      onResult?.(result)
    }
  }
  return results
}

async function attackOnce(
  { name, says }: Attack,
  fleet: LocalFleet,
  target: Target,
  quietMs: number,
): Promise<AttackResult> {
  const before = new Map(
    processes(fleet).map((one) => [one, { pid: one.pid, lines: errorLines(one).length }]),
  )
  const witness = new Witness()
  await witness.start(target.balancer)
  if (quietMs > 0) {
    // What is slow is the first of everything: compilers, files, lines.
    await pause(WARM_MS)
    await witness.takeP99()
    await pause(quietMs)
  }
  const p99Before = await witness.takeP99()
  const tally = await attackFromOutside(name, target)
  const p99Meanwhile = await witness.takeP99()
  const unheard = await witness.stop()
  const crashes = processes(fleet).flatMap((one) => {
    const known = before.get(one)
    const errors = errorLines(one).slice(known?.lines ?? 0)
    return [
      ...errors.map((line) => `${one.name} logged ${line}`),
      ...(isAlive(one.pid) ? [] : [`${one.name} ended`]),
    ]
  })
  if (unheard > 0) crashes.push(`${unheard} messages of the witnesses never came`)
  return { name, says, tries: tally.tries, bypasses: tally.bypasses, crashes, p99Before, p99Meanwhile }
}

const processes = ({ loadbalancer, servers }: LocalFleet) => [loadbalancer, ...servers]

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Of pino's levels, 50 is `error`: what nobody planned is logged so. */
function errorLines({ dataDir, name }: FleetProcess): string[] {
  const file = name.startsWith('server') ? 'chat.log' : 'loadbalancer.log'
  return readFileSync(join(dataDir, file), 'utf8')
    .split('\n')
    .filter((line) => /"level":(?:50|60)\b/.test(line))
}
