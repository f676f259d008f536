import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startLocalFleet, type FleetProcess, type LocalFleet } from '../fleet/local-fleet.ts'
import type { Attack, Tally, Target } from './attack.ts'
import { Witness } from './witness.ts'

/** How long the witnesses talk before anything is done to them. */
const QUIET_MS = 3_000

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
  onResult?: (result: AttackResult) => void
}

/** Every attack against one fleet, one after the other; an attack finds what the one before has left. */
export async function runAbuse({ attacks, scale, seed, signal, onResult }: AbuseOptions) {
  await using fleet = await startLocalFleet({
    servers: 0,
    loadbalancerArgs: ['--login-rate', '0'],
    env: { NODE_ENV: 'test' },
  })
  const origin = fleet.loadbalancer.url
  const server = await fleet.addServer(['--origins', origin, '--rate', '0'])
  await fleet.complete()
  const target: Target = {
    ...{ fleet, server, balancer: fleet.loadbalancer.url, origin, seed, scale },
    serverHttp: server.url.replace(/^ws/, 'http').replace(/\/ws$/, ''),
  }
  const results: AttackResult[] = []
  for (const attack of attacks) {
    if (signal?.aborted === true) break
    const result = await attackOnce(attack, target)
    results.push(result)
    onResult?.(result)
  }
  return results
}

async function attackOnce(attack: Attack, target: Target): Promise<AttackResult> {
  const { fleet } = target
  const before = new Map(
    processes(fleet).map((one) => [one, { pid: one.pid, lines: errorLines(one).length }]),
  )
  const witness = new Witness()
  await witness.start(target.balancer)
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  const p99Before = await witness.takeP99()
  const tally = await attack.run(target)
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
  const { name, says } = attack
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
