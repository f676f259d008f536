// npm run fleet -- roll: restarts every process of a running fleet in turn, under a load of its own, and proves what it cost.
import { setTimeout as pause } from 'node:timers/promises'
import type { RollConfig } from './config.ts'
import { ControlClient, type ProcessRow } from './control.ts'
import { knownFleetSecret, readFleetFile } from './fleet-file.ts'
import { fetchRegistry } from './local-fleet.ts'
import { ProbeLoad } from './probe-load.ts'
import { delays, holds, percentile, prove, type Journal } from './proof.ts'
import { reasonOf } from './status.ts'
import { formatTable } from './table.ts'
import { until } from './until.ts'

/** The longest drain there can be, and some time to start. */
const RESTART_MS = 700_000
const REGISTER_MS = 60_000
/** How often it is looked whether the supervisor is there. */
const LOOK_MS = 500
/** One where nobody listens for so long is gone … */
const REFUSED_MS = 5_000
/** … and so is one that does not answer for so long. */
const SILENT_MS = 60_000
/** Servers before the balancer: it is what sends their clients elsewhere. */
const ORDER = ['server', 'balancer', 'web app']

interface Restarted {
  name: string
  /** On `performance.now()`'s clock: asked for, and serving again. */
  from: number
  to: number
}

/** @returns the exit code: 1 if a process does not come back, or anything was lost, doubled or put out of order */
export async function rollFleet({ dataDir, fleetSecret, clients }: RollConfig): Promise<number> {
  const file = readFleetFile(dataDir)
  const secret = knownFleetSecret(dataDir, fleetSecret)
  if (file === undefined || secret === undefined) {
    return fail(
      `No fleet runs on ${dataDir}: start one with npm start, or say with --data where its data is.`,
    )
  }
  const control = new ControlClient(file.control, secret)
  let processes: ProcessRow[]
  try {
    processes = await control.processes()
  } catch (error) {
    return fail(`The fleet on ${dataDir} (pid ${file.pid}) cannot be asked: ${reasonOf(error)}`)
  }
  let load: ProbeLoad
  try {
    load = await ProbeLoad.start(file.loadbalancer, clients)
  } catch (error) {
    return fail(`No load, no proof, no restart: ${reasonOf(error)}`)
  }
  try {
    const restarted: Restarted[] = []
    for (const process of inOrder(processes)) {
      // Between two of them, and before the first, everybody gets through.
      await whileThere(control, load.round())
      restarted.push(await whileThere(control, restart(process, control, file.loadbalancer)))
    }
    await whileThere(control, load.round())
    return report(restarted, await load.end())
  } catch (error) {
    return fail(`The roll stops here: ${reasonOf(error)}`)
  } finally {
    load.close()
  }
}

function inOrder(processes: readonly ProcessRow[]): ProcessRow[] {
  return processes.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || a.port - b.port)
}

/** As `work`. @throws also if the supervisor is gone meanwhile: then there is nothing to wait for */
async function whileThere<T>(control: ControlClient, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const gone = async (): Promise<never> => {
    for (let answeredAt = performance.now(); ; await pause(LOOK_MS, undefined, { signal: over.signal })) {
      try {
        await control.processes()
        answeredAt = performance.now()
      } catch (error) {
        const { cause } = error as { cause?: NodeJS.ErrnoException }
        const patienceMs = cause?.code === 'ECONNREFUSED' ? REFUSED_MS : SILENT_MS
        if (performance.now() - answeredAt > patienceMs)
          throw new Error('the process that runs the fleet does not answer any more', { cause: error })
      }
    }
  }
  try {
    return await Promise.race([work, gone()])
  } finally {
    over.abort()
  }
}

/** Resolves when it serves again and the balancer knows all servers. */
async function restart(
  process: ProcessRow,
  control: ControlClient,
  loadbalancer: string,
): Promise<Restarted> {
  const { name, pid } = process
  const before = (await fetchRegistry(loadbalancer)).filter(({ state }) => state === 'up')
  const from = performance.now()
  await control.restart(name)
  const outcome = await until(
    `${name} is back`,
    async () => {
      const now = (await control.processes()).find((one) => one.name === name)
      if (now?.status === 'waiting' || now?.status === 'killed') return 'died'
      return now?.status === 'ready' && now.pid !== pid && 'back'
    },
    { timeoutMs: RESTART_MS },
  )
  if (outcome === 'died') throw new Error(`${name} does not come up again`)
  await until(
    'the balancer lists every server again',
    async () => {
      const up = new Set(
        (await fetchRegistry(loadbalancer)).flatMap(({ id, state }) => (state === 'up' ? id : [])),
      )
      return before.every(({ id }) => up.has(id))
    },
    { timeoutMs: REGISTER_MS },
  )
  const to = performance.now()
  console.log(`${name} restarted in ${((to - from) / 1_000).toFixed(1)} s`)
  return { name, from, to }
}

function report(restarted: readonly Restarted[], journal: Journal): number {
  const rows = restarted.map(({ name, from, to }, i) => {
    // What the restart of one does to its clients may last until the next begins.
    const { ack, shown } = delays(journal, from, restarted[i + 1]?.from)
    return [
      name,
      `${((to - from) / 1_000).toFixed(1)} s`,
      String(ack.length),
      ms(ack.at(-1)),
      ms(shown.at(-1)),
    ]
  })
  const head = ['process', 'took', 'sends', 'longest to ack', 'longest to be seen']
  for (const line of formatTable([head, ...rows])) console.log(line)
  const { ack, shown } = delays(journal)
  console.log(
    `to ack: p50 ${ms(percentile(ack, 0.5))}, p99 ${ms(percentile(ack, 0.99))}; ` +
      `to be seen: p50 ${ms(percentile(shown, 0.5))}, p99 ${ms(percentile(shown, 0.99))}`,
  )
  const proof = prove(journal)
  const { sent, acked, lost, doubled, reordered, different, unanswered, mishaps } = proof
  console.log(`${sent} sent, ${acked} acked, ${shown.length} times shown to ${journal.seen.size} clients`)
  console.log(
    `lost ${lost}, doubled ${doubled}, reordered ${reordered}, longest gap ${ms(Math.max(ack.at(-1) ?? 0, shown.at(-1) ?? 0))}`,
  )
  if (different > 0) console.log(`different from the log: ${different}`)
  if (unanswered > 0) console.log(`never answered: ${unanswered}`)
  for (const mishap of mishaps) console.log(mishap)
  return holds(proof) ? 0 : 1
}

function ms(figure: number | undefined): string {
  return figure === undefined ? '-' : `${Math.round(figure)} ms`
}

function fail(line: string): number {
  console.error(line)
  return 1
}
