// Measures this program: how many deliveries a second, what each costs, how long an ack takes, what an idle connection weighs.
// The same figures are taken of a plain `ws` + `better-sqlite3` server in the same run: absolute figures depend on the
// machine, their ratio much less.
//
//   npm run bench                              everything, in about 20 minutes
//   npm run bench -- --targets flotilla,plain  without the other servers, in 10
//   npm run bench -- --only W1,W4              some of it
//   npm run bench -- --short                   the guard that the check runs, in half a minute
//   npm run bench -- --seconds 10 --json FILE  longer windows; all figures as JSON
//   npm run bench -- --profile --only W1       where the server's time goes
//   npm run bench -- --help                    all flags
//
// Load comes from a process of its own (load.ts). Latencies count from when a send was due, so a slow server cannot slow
// down what measures it. CPU is user and system time of the whole server process, its threads included.
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { BALANCER_COLUMNS, measureBalancer } from './balancer-rows.ts'
import {
  atRates,
  CHAT_COLUMNS,
  CHAT_ROWS,
  measureChat,
  SATURATION_COLUMNS,
  SATURATION_TITLE,
  type Bench,
} from './chat-rows.ts'
import { readBenchConfig, type Part } from './config.ts'
import { measureSync } from './disk.ts'
import { flotillaTarget } from './flotilla-target.ts'
import { IDLE_COLUMNS, measureIdle } from './idle-rows.ts'
import { LOAD_COLUMNS, measureLoad } from './load-rows.ts'
import { LoadProcess } from './load-process.ts'
import { readRun } from './page/figures.ts'
import { writePage } from './page/page.ts'
import { findPeers } from './peers/peers.ts'
import { findPinning } from './pinning.ts'
import { plainTarget } from './plain-target.ts'
import { measureProcesses, PROCESSES_COLUMNS, PROCESSES_TITLE } from './processes-rows.ts'
import { profileChat } from './profile-rows.ts'
import { asJson, describeSection, type Row, type Section } from './report.ts'
import { HISTORY_COLUMNS, measureResume, RESUME_COLUMNS } from './resume-rows.ts'
import { runShortForm } from './short-form.ts'
import { measureScreen, SCREEN_COLUMNS } from './screen-rows.ts'
import { measureSpread, SPREAD_COLUMNS, SPREAD_TITLE } from './spread-rows.ts'

const config = configOrExit(() => readBenchConfig(process.argv.slice(2), process.env))
const startedAt = performance.now()
const peers = config.isShort ? { targets: [], missing: [] } : findPeers()
const targets = [flotillaTarget(), plainTarget(config.plainSync), ...peers.targets].filter(
  ({ name }) => config.targets?.includes(name) ?? true,
)
const pinning = findPinning()
const { p50, p99 } = measureSync()
const head = {
  date: new Date().toISOString(),
  node: process.version,
  cpu: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  pinning: pinning.says,
  disk: `fsync of 4 KiB: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (no durable ack can be faster)`,
  seconds: config.seconds,
  targets: [...targets.map(({ says }) => says), ...peers.missing],
}
console.log([`${head.cpu}, Node ${head.node}`, head.pinning, head.disk, ...head.targets].join('\n'))

const load = new LoadProcess()
// Without it whatever is being measured fails, and everything started and written is taken away on the way out.
let isInterrupted = false
const interrupt = () => {
  isInterrupted = true
  void load.stop()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
process.stdout.on('error', interrupt) // a pager was closed

const progress = (says: string) => console.error(`  … ${says}`)
const bench: Bench = { load, pinning, seconds: config.seconds, progress }
const chatRows = CHAT_ROWS.filter(({ part }) => config.parts.includes(part)).map((row) =>
  config.rates === undefined ? row : atRates(row, config.rates),
)
try {
  pinning.load(load.pid)
  if (config.page !== undefined && config.from !== undefined) {
    await writePage(config.page, await Promise.all(config.from.map(readRun)))
  } else if (config.isShort) {
    const isFine = await runShortForm([flotillaTarget(), plainTarget('normal')], bench, (line) =>
      console.log(line),
    )
    if (!isFine) process.exitCode = 1
  } else if (config.isProfiling) {
    for (const row of chatRows) await profileChat(row, bench, (line) => console.log(line), config.flames)
  } else await measureAll()
  console.log(`\n${((performance.now() - startedAt) / 1_000).toFixed(0)} s in all`)
} catch (error) {
  console.error(isInterrupted ? 'stopped' : error instanceof Error ? error.message : error)
  process.exitCode = isInterrupted ? 130 : 1
} finally {
  await load.stop()
}

async function measureAll(): Promise<void> {
  const sections: Section[] = []
  const add = (section: Section) => {
    sections.push(section)
    console.log(`\n${describeSection(section).join('\n')}`)
  }
  const isAsked = (part: Part) => config.parts.includes(part)

  if (isAsked('load')) {
    const title = 'The load generator by itself, flooded by 1,000 connections: what a row cannot exceed'
    add({ title, columns: LOAD_COLUMNS, rows: await measureLoad(bench) })
  }
  if (isAsked('screen')) {
    const title = 'Message to screen: two people on two servers of one idle fleet, not pinned'
    add({ title, columns: SCREEN_COLUMNS, rows: await measureScreen(config.seconds) })
  }
  const rows: Row[] = []
  const saturations: Row[] = []
  for (const row of chatRows) {
    const figures = await measureChat(row, targets, bench)
    rows.push(...figures.rows)
    if (figures.saturation !== undefined) saturations.push(figures.saturation)
  }
  if (rows.length > 0) add({ title: 'Chat, 120-byte texts', columns: CHAT_COLUMNS, rows })
  if (saturations.length > 0) add({ title: SATURATION_TITLE, columns: SATURATION_COLUMNS, rows: saturations })
  if (isAsked('W4')) {
    const row = await measureIdle(config.idle, targets, bench)
    add({ title: 'Idle connections', columns: IDLE_COLUMNS, rows: [row] })
  }
  if (isAsked('W5')) add({ title: SPREAD_TITLE, columns: SPREAD_COLUMNS, rows: await measureSpread(bench) })
  if (isAsked('processes')) {
    const rows = await measureProcesses(config.seconds)
    add({ title: PROCESSES_TITLE, columns: PROCESSES_COLUMNS, rows })
  }
  if (isAsked('W6')) {
    const { resume, history } = await measureResume(bench)
    add({ title: 'Coming back after an outage, all at once', columns: RESUME_COLUMNS, rows: [resume] })
    add({ title: 'Old pages, read from the log', columns: HISTORY_COLUMNS, rows: [history] })
  }
  if (isAsked('W7')) {
    const title = 'Balancer, 32 connections; max/mean of 10,000 calls between two reports'
    add({ title, columns: BALANCER_COLUMNS, rows: [await measureBalancer(bench)] })
  }
  if (config.json !== undefined) await writeFile(config.json, asJson(head, sections))
  if (config.page !== undefined) await writePage(config.page, [{ ...head, sections }])
}
