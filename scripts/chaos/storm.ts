import { setTimeout as pause } from 'node:timers/promises'
import { startLocalFleet, type FleetProcess, type LocalFleet } from '../fleet/local-fleet.ts'
import { formatTable } from '../fleet/table.ts'
import { BalancerApi } from '../replay/balancer-api.ts'
import { quantile } from './gaps.ts'
import type { Back, Look, Placing } from './storm-orders.ts'
import { StormProcess } from './storm-process.ts'

/**
 * A storm: a server with very many clients is killed, and all of them come back to the others at once. The clients are those of the
 * library, in processes of their own, every second one with a token; they talk all the time at the same rate. What is measured is how long each was away, until it
 * had everything it missed, and what it cost the servers that were left and the clients that were there already.
 */

const ROOM_PEOPLE = 100
/** Of so many clients of the doomed server, one lives on each of the others. */
const ELSEWHERE = 20
const PROCESSES = 2
/** Whoever is not back by then is lost. */
const BACK_MS = 60_000
const SETTLE_MS = 60_000
const WINDOW_MS = 5_000
const GOAL_MS = 30_000
/** Of what was acked and delivered before, so much must be again afterwards: less is a fleet that does not recover. */
const LEAST_AFTER = 0.9

export interface StormConfig {
  /** Clients of the server that dies. */
  clients: number
  servers: number
  /** Sends per second, all clients together. */
  rate: number
  /** How long the load is measured before and after; 5 s if not said. */
  windowMs?: number
}

export interface StormPorts {
  say: (line: string) => void
  signal?: AbortSignal
}

export interface Load {
  sendsPerS: number
  acksPerS: number
  deliveriesPerS: number
  ackMs: { p50: number | undefined; p99: number | undefined }
}

export interface StormResult {
  clients: number
  rooms: number
  /** How long clients of the dead server were away, until they had everything they missed. */
  backMs: readonly number[]
  /** Clients that did not come back, and where some of them stand. */
  missing: number
  notBack: readonly string[]
  /** Of them, those that come by a token, which has to be verified; the others by a guest's name. */
  withTokens: number
  /** Those that are back, by the server they are on now. */
  shares: Readonly<Record<string, number>>
  before: Load
  /** From the death to the last client's return. */
  during: Load
  after: Load
  /** By the servers that were left, from the death to the last client's return. */
  survivors: Counts
  /** CPU of everybody in that time, in seconds. */
  cpu: { servers: number; balancer: number; clients: number }
  located: number
  acked: number
  breaches: readonly string[]
}

/** What a server counts that tells what a storm costs it. */
const COUNTED = {
  storeReads: 'flotilla_store_reads_total',
  commits: 'flotilla_commits_total',
  catchUps: 'flotilla_catch_ups_total',
  held: 'flotilla_held_total',
  putOff: 'flotilla_put_off_total',
  cpuSeconds: 'process_cpu_seconds_total',
} as const
type Counts = Record<keyof typeof COUNTED, number>

/** Runs a storm and says what came of it. @returns the exit code */
export async function sayStorm(config: StormConfig, ports: StormPorts): Promise<number> {
  const { say } = ports
  try {
    const result = await runStorm(config, ports)
    for (const line of ['', ...describeStorm(result)]) say(line)
    for (const breach of result.breaches) say(`BREACH ${breach}`)
    for (const standing of result.notBack) say(`NOT BACK ${standing}`)
    return failuresOf(result).length > 0 ? 1 : 0
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return 1
  }
}

/** @throws if the crowd cannot be gathered; what goes wrong after that is in the result */
export async function runStorm(config: StormConfig, { say, signal }: StormPorts): Promise<StormResult> {
  const { clients, servers } = config
  const fleet = await startLocalFleet({
    servers,
    serverArgs: ['--rate', '0', '--per-ip', '0', '--capacity', String(4 * clients)],
    loadbalancerArgs: ['--login-rate', '0'],
  })
  const processes = Array.from({ length: PROCESSES }, () => new StormProcess())
  const stop = () => void Promise.all([...processes.map((one) => one.stop()), fleet.stop()])
  signal?.addEventListener('abort', stop)
  try {
    return await blow(config, fleet, processes, say)
  } finally {
    signal?.removeEventListener('abort', stop)
    await Promise.all(processes.map((one) => one.stop()))
    await fleet.stop()
  }
}

async function blow(
  { clients, rate, windowMs = WINDOW_MS }: StormConfig,
  fleet: LocalFleet,
  processes: readonly StormProcess[],
  say: (line: string) => void,
): Promise<StormResult> {
  const [victim, ...survivors] = fleet.servers
  if (victim === undefined || survivors.length === 0) throw new Error('a storm needs two servers at least')
  const rooms = await makeRooms(fleet, Math.ceil(clients / ROOM_PEOPLE))
  const at = (many: number, by: FleetProcess): Placing => ({
    url: by.url,
    rooms: Array.from({ length: many }, (_, i) => rooms[i % rooms.length]!),
  })
  const elsewhere = Math.ceil(clients / ELSEWHERE / PROCESSES)
  const gatheredAt = performance.now()
  await Promise.all(
    processes.map((one, i) =>
      one.ask('place', {
        loadbalancer: fleet.loadbalancer.url,
        names: `storm-${i}`,
        at: [
          at(Math.ceil((clients - i) / PROCESSES), victim),
          ...survivors.map((server) => at(elsewhere, server)),
        ],
      }),
    ),
  )
  const seconds = (from: number) => ((performance.now() - from) / 1_000).toFixed(1)
  say(
    `${clients} clients on one server, ${2 * elsewhere * survivors.length} on the others, in ${rooms.length} rooms, after ${seconds(gatheredAt)} s`,
  )

  const each = <T>(ask: (one: StormProcess) => Promise<T>) => Promise.all(processes.map(ask))
  const look = async (forMs: number): Promise<Load> => {
    if (forMs > 0) {
      await each((one) => one.ask('look', {}))
      await pause(forMs)
    }
    return loadOf(await each((one) => one.ask('look', {})))
  }
  await each((one) => one.ask('talk', { rate: rate / PROCESSES }))
  await pause(2_000)
  const before = await look(windowMs)

  const braced = await each((one) => one.ask('brace', { url: victim.url }))
  const counted = await countsOf(survivors)
  const balancer = await countsOf([fleet.loadbalancer])
  await look(0)
  const killedAt = performance.timeOrigin + performance.now()
  victim.kill('SIGKILL')
  const backs = await each((one) => one.ask('back', { killedAt, atMostMs: BACK_MS }, 2 * BACK_MS))
  const during = await look(0)
  const spent = difference(await countsOf(survivors), counted)
  const cpu = {
    servers: spent.cpuSeconds,
    balancer: difference(await countsOf([fleet.loadbalancer]), balancer).cpuSeconds,
    clients: backs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  }
  const backMs = backs.flatMap((back) => back.backMs)
  say(`${backMs.length} of ${braced.reduce((sum, one) => sum + one.clients, 0)} are back`)

  await pause(2_000)
  const after = await look(windowMs)
  await victim.restart()
  await fleet.complete()
  await each((one) => one.ask('talk', { rate: 0 }))
  await pause(1_000)
  const heads = (await each((one) => one.ask('heads', {}))).reduce<Record<string, number>>((all, some) => {
    for (const [room, head] of Object.entries(some)) all[room] = Math.max(all[room] ?? 0, head)
    return all
  }, {})
  const settled = await each((one) => one.ask('settle', { heads, atMostMs: SETTLE_MS }))
  return {
    clients: braced.reduce((sum, one) => sum + one.clients, 0),
    rooms: rooms.length,
    backMs,
    missing: backs.reduce((sum, { missing }) => sum + missing, 0),
    notBack: backs.flatMap(({ notBack }) => notBack),
    withTokens: braced.reduce((sum, one) => sum + one.withTokens, 0),
    shares: sharesOf(survivors, backs),
    before,
    during,
    after,
    survivors: spent,
    cpu,
    located: backs.reduce((sum, { located }) => sum + located, 0),
    acked: settled.reduce((sum, { acked }) => sum + acked, 0),
    breaches: settled.flatMap(({ breaches }) => breaches),
  }
}

/** By the name of the server; what is somewhere else stands under its URL. */
function sharesOf(survivors: readonly FleetProcess[], backs: readonly Back[]): Record<string, number> {
  const shares = Object.fromEntries(survivors.map(({ name }) => [name, 0]))
  for (const { on } of backs) {
    for (const [url, count] of Object.entries(on)) {
      const name = survivors.find((one) => one.url === url)?.name ?? url
      shares[name] = (shares[name] ?? 0) + count
    }
  }
  return shares
}

async function makeRooms(fleet: LocalFleet, count: number): Promise<string[]> {
  const api = await BalancerApi.enter(fleet.loadbalancer.url, 'storm-operator')
  const rooms: string[] = []
  while (rooms.length < count) rooms.push(await api.roomNamed(`storm ${rooms.length}`))
  return rooms
}

function loadOf(looks: readonly Look[]): Load {
  const sum = (of: (look: Look) => number) => looks.reduce((all, look) => all + of(look), 0)
  const seconds = sum(({ ms }) => ms) / looks.length / 1_000
  const ackMs = looks.flatMap((look) => look.ackMs)
  return {
    sendsPerS: sum(({ sent }) => sent) / seconds,
    acksPerS: sum(({ acked }) => acked) / seconds,
    deliveriesPerS: sum(({ delivered }) => delivered) / seconds,
    ackMs: { p50: quantile(ackMs, 0.5), p99: quantile(ackMs, 0.99) },
  }
}

/** Of all these servers together. */
async function countsOf(servers: readonly FleetProcess[]): Promise<Counts> {
  const texts = await Promise.all(
    servers.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  )
  const sum = (name: string) =>
    texts.reduce((all, text) => all + Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0), 0)
  return Object.fromEntries(Object.entries(COUNTED).map(([key, name]) => [key, sum(name)])) as Counts
}

function difference(to: Counts, from: Counts): Counts {
  return Object.fromEntries(
    Object.entries(to).map(([key, value]) => [key, value - from[key as keyof Counts]]),
  ) as Counts
}

/** Every goal it missed, in words; empty: it is a proof. */
export function failuresOf(
  result: Pick<StormResult, 'backMs' | 'missing' | 'breaches' | 'before' | 'after'>,
): string[] {
  const { backMs, missing, breaches, before, after } = result
  const failures: string[] = []
  if (missing > 0) failures.push(`${missing} clients are not back`)
  if (breaches.length > 0) failures.push(`${breaches.length} breaches`)
  const longestMs = quantile(backMs, 1) ?? 0
  if (longestMs > GOAL_MS) failures.push(`the last client was back after ${Math.round(longestMs)} ms`)
  for (const rate of ['acksPerS', 'deliveriesPerS'] as const) {
    if (!(after[rate] >= LEAST_AFTER * before[rate]))
      failures.push(`${rate} is ${after[rate].toFixed(0)} afterwards, ${before[rate].toFixed(0)} before`)
  }
  return failures
}

/** For people: one table, and what it comes to. */
export function describeStorm(result: StormResult): string[] {
  const { backMs, before, during, after, survivors, cpu, clients, located, acked, breaches } = result
  const ms = (value: number | undefined) => (value === undefined ? '' : `${Math.round(value)} ms`)
  const row = (name: string, { sendsPerS, acksPerS, deliveriesPerS, ackMs }: Load) => [
    name,
    ...[sendsPerS, acksPerS, deliveriesPerS].map((value) => value.toFixed(0)),
    ...[ms(ackMs.p50), ms(ackMs.p99)],
  ]
  const [p50, p99, max] = [0.5, 0.99, 1].map((part) => quantile(backMs, part))
  const failures = failuresOf(result)
  return [
    ...formatTable([
      ['', 'sends/s', 'acks/s', 'deliveries/s', 'ack p50', 'p99'],
      row('before', before),
      row('until all are back', during),
      row('after', after),
    ]),
    '',
    `${backMs.length} of ${clients} clients back with everything they missed: p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`,
    `they are on: ${Object.entries(result.shares)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}; ${result.withTokens} of them came by a token`,
    `the servers that were left meanwhile: ${survivors.storeReads} readings of the store (${result.rooms} rooms), ${survivors.commits} commits, ` +
      `${survivors.held} clients held in the handshake, ${survivors.putOff} put off to a slot; the balancer was asked ${located} times`,
    `CPU meanwhile: servers ${cpu.servers.toFixed(1)} s, balancer ${cpu.balancer.toFixed(1)} s, clients ${cpu.clients.toFixed(1)} s`,
    `${acked} messages acked; ${breaches.length} lost, doubled or out of order`,
    `goals: everybody back within ${GOAL_MS / 1_000} s, nothing lost, afterwards ${100 * LEAST_AFTER} % of what was acked and delivered before: ` +
      (failures.length === 0 ? 'met' : `MISSED: ${failures.join('; ')}`),
  ]
}
