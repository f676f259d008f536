// W7: how many `GET /get` a second a balancer answers, and how evenly it spreads what comes between two reports.
import { join } from 'node:path'
import { launch } from '../fleet/child.ts'
import { startLocalFleet } from '../fleet/local-fleet.ts'
import type { Bench } from './chat-rows.ts'
import { FakeServers } from './fake-servers.ts'
import type { Gets } from './load/orders.ts'
import { cpuMsOf, rssKibOf } from './proc.ts'
import type { Column, Line, Row } from './report.ts'

const BARE_HTTP = join(import.meta.dirname, 'bare-http.ts')
const SERVERS = 8
const BALANCE_CALLS = 10_000
const CONNECTIONS = 32
const WARM_UP_MS = 1_500

export const BALANCER_COLUMNS: readonly Column[] = [
  { key: 'callsPerS', head: 'GET/s', digits: 0, isCompared: true },
  { key: 'cpuUsPerCall', head: 'CPU us/call', digits: 1, isCompared: true },
  { key: 'p50Ms', head: 'p50 ms', digits: 2, isCompared: true },
  { key: 'p99Ms', head: 'p99', digits: 2, isCompared: true },
  { key: 'p999Ms', head: 'p99.9', digits: 2, isCompared: true },
  { key: 'maxOverMean', head: 'max/mean', digits: 4, isCompared: false },
  { key: 'rssMib', head: 'RSS MiB', digits: 0, isCompared: false },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
]

export async function measureBalancer(bench: Bench): Promise<Row> {
  await using fleet = await startLocalFleet({ servers: 0, loadbalancerArgs: ['--log-level', 'warn'] })
  const { url, pid } = fleet.loadbalancer
  bench.pinning.server(pid)
  const servers = new FakeServers(url, fleet.secret)
  try {
    await servers.start(SERVERS)
    const answer = await (await fetch(`${url}/get`)).text()
    const flotilla = await measureGets('flotilla', `${url}/get`, pid, bench)

    await servers.hush()
    await servers.report()
    const spread = await bench.load.ask('get', {
      url: `${url}/get`,
      connections: CONNECTIONS,
      calls: BALANCE_CALLS,
    })
    servers.resume()
    const values = { ...flotilla.values, maxOverMean: maxOverMean(spread.ids, SERVERS) }
    return {
      label: `W7 GET /get, ${SERVERS} servers`,
      lines: [{ ...flotilla, values }, await measureBare(answer, bench)],
    }
  } finally {
    servers.stop()
  }
}

async function measureBare(answer: string, bench: Bench): Promise<Line> {
  const child = launch({ name: 'bare http', args: [BARE_HTTP, answer] })
  try {
    const { url } = await child.ready
    bench.pinning.server(child.pid)
    return await measureGets('bare http', url, child.pid, bench)
  } finally {
    await child.stop()
  }
}

async function measureGets(target: string, url: string, pid: number, bench: Bench): Promise<Line> {
  const ask = { url, connections: CONNECTIONS }
  await bench.load.ask('get', { ...ask, forMs: WARM_UP_MS })
  const cpuBefore = cpuMsOf(pid) ?? NaN
  const gets: Gets = await bench.load.ask('get', { ...ask, forMs: bench.seconds * 1_000 })
  const cpuMs = (cpuMsOf(pid) ?? NaN) - cpuBefore
  return {
    target,
    values: {
      callsPerS: (gets.calls * 1_000) / gets.tookMs,
      cpuUsPerCall: (cpuMs * 1_000) / gets.calls,
      p50Ms: gets.ms.p50,
      p99Ms: gets.ms.p99,
      p999Ms: gets.ms.p999,
      rssMib: (rssKibOf(pid) ?? NaN) / 1_024,
      loadCpu: gets.load.cpu * 100,
    },
    notes: gets.refused > 0 ? [`${gets.refused} refused`] : [],
  }
}

/** How uneven a choice was: 1 = every one of `servers` was chosen as often. One never chosen counts, too. */
export function maxOverMean(chosen: Readonly<Record<string, number>>, servers: number): number {
  const counts = Object.values(chosen)
  const mean = counts.reduce((sum, count) => sum + count, 0) / servers
  return Math.max(...counts) / mean
}
