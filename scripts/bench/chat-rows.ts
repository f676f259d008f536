// W1, W2, W3: sends at fixed rates into rooms whose members all listen and send in turn, and the highest rate that is stood.
import type { LoadProcess } from './load-process.ts'
import type { Joins, Sends } from './load/orders.ts'
import type { Pinning } from './pinning.ts'
import { RampSearch } from './ramp.ts'
import type { Column, Line, Row } from './report.ts'
import type { RunningTarget, Target } from './target.ts'

export const TEXT_BYTES = 120

export interface ChatRow {
  part: 'W1' | 'W2' | 'W3'
  rooms: number
  /** Of each room. */
  members: number
  /** Sends per second over all rooms; one row of figures each. */
  rates: readonly number[]
  /** How many times the usual window is measured: far quantiles want many sends. 1 if not said. */
  windows?: number
  /** The highest rate that is tried when looking for the one that is just stood; undefined: it is not looked for. */
  rampTo?: number
}

export const CHAT_ROWS: readonly ChatRow[] = [
  { part: 'W1', rooms: 1, members: 1_000, rates: [25, 200, 800, 1_600], rampTo: 12_800 },
  { part: 'W2', rooms: 500, members: 10, rates: [1_000, 4_000, 8_000, 16_000], rampTo: 64_000 },
  { part: 'W3', rooms: 500, members: 10, rates: [1_000], windows: 2 },
]

/** The same at other rates, whose limit is not looked for. */
export function atRates({ part, rooms, members, windows = 1 }: ChatRow, rates: readonly number[]): ChatRow {
  return { part, rooms, members, rates, windows }
}

export const CHAT_COLUMNS: readonly Column[] = [
  { key: 'deliveriesPerS', head: 'deliveries/s', digits: 0, isCompared: false },
  { key: 'cpuUsPerDelivery', head: 'CPU us/delivery', digits: 2, isCompared: true },
  { key: 'serverCpu', head: 'CPU %', digits: 0, isCompared: false },
  { key: 'ackP50Ms', head: 'ack p50 ms', digits: 2, isCompared: true },
  { key: 'ackP99Ms', head: 'p99', digits: 2, isCompared: true },
  { key: 'ackP999Ms', head: 'p99.9', digits: 1, isCompared: true },
  { key: 'deliveryP50Ms', head: 'delivery p50 ms', digits: 2, isCompared: true },
  { key: 'deliveryP99Ms', head: 'p99', digits: 2, isCompared: true },
  { key: 'deliveryP999Ms', head: 'p99.9', digits: 1, isCompared: true },
  { key: 'rssMib', head: 'RSS MiB', digits: 0, isCompared: true },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
  { key: 'sendLateP99Ms', head: 'sent late p99 ms', digits: 2, isCompared: false },
]

/** At saturation the rates differ, and so do latencies and memory: what is compared is how much is delivered. */
export const SATURATION_COLUMNS: readonly Column[] = CHAT_COLUMNS.map((column) => ({
  ...column,
  isCompared: column.key === 'deliveriesPerS' || column.key === 'cpuUsPerDelivery',
}))

/** What counts as stood: this p99 of deliveries, all of them within the window. */
const STOOD_P99_MS = 100
export const SATURATION_TITLE = `Saturation: the highest rate whose delivery p99 is ${STOOD_P99_MS} ms at most, to 10 %`
/** Less than this of what was due arrived within the window: the server does not keep up. */
const KEEPS_UP = 0.97
/** More of a core than this used by other programs disturbs latencies. */
const OTHERS_BUSY = 0.1
/** A load generator this busy may be what limits the figures. */
const LOAD_BUSY = 0.85

/**
 * By then the engine has compiled most of what is hot. At 1,600 sends/s in W1 its threads took 3.3 % of a core after 1.2 s, 1.7 % after
 * 5 s and 1.0 % after 12 s; of a row that takes a third of a core that is a tenth.
 */
const WARM_UP_MS = 4_000
const RAMP_PRECISION = 1.1
/** Of a server that is warm. */
const RAMP_WARM_UP_MS = 700
/** A rate of the ramp that lets sends wait for so long is too much: the rest is not sent. */
const RAMP_GIVE_UP_MS = 500

export interface Bench {
  load: LoadProcess
  pinning: Pinning
  /** Of each measured window. */
  seconds: number
  /** Before each; `WARM_UP_MS` if not said. */
  warmUpMs?: number
  /** Is told what is being measured: a whole run takes minutes. */
  progress?: (says: string) => void
}

/** Starts the target, puts the clients in and gives it to `measure`; ends both. */
export async function withTarget<T>(
  target: Target,
  options: { rooms: number; profileDir?: string },
  bench: Bench,
  measure: (running: RunningTarget) => Promise<T>,
): Promise<T> {
  const running = await target.start(options)
  try {
    bench.pinning.server(running.pid)
    for (const pid of running.companions) bench.pinning.load(pid)
    return await measure(running)
  } catch (error) {
    throw isRunning(running.pid) ? error : new Error(`${target.name} ended by itself`, { cause: error })
  } finally {
    await bench.load.ask('leave', {}).finally(() => running.stop())
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** `members` clients for each of its rooms. */
export function enter(
  { url, rooms, dialect, spread }: RunningTarget,
  members: number,
  bench: Bench,
): Promise<Joins> {
  return bench.load.ask('join', {
    url,
    rooms,
    members,
    ...(dialect && { dialect }),
    ...(spread && { spread }),
  })
}

export interface ChatFigures {
  rows: Row[]
  /** The highest rate that was stood; undefined if it was not looked for. */
  saturation: Row | undefined
}

/** Measures one row on each target in turn. */
export async function measureChat(
  row: ChatRow,
  targets: readonly Target[],
  bench: Bench,
): Promise<ChatFigures> {
  const lines = row.rates.map((): Line[] => [])
  const saturations: Line[] = []
  for (const target of targets) {
    const figures = await measureTarget(row, target, bench)
    figures.lines.forEach((line, i) => lines[i]?.push(line))
    if (figures.saturation !== undefined) saturations.push(figures.saturation)
  }
  const { part, rooms, members, rates } = row
  return {
    rows: rates.map((rate, i) => ({ label: labelOf(part, rooms, members, rate), lines: lines[i] ?? [] })),
    saturation:
      row.rampTo === undefined
        ? undefined
        : { label: `${part} ${rooms} x ${members}, saturation`, lines: saturations },
  }
}

/** All rates, then the ramp, which begins where they leave off. */
async function measureTarget(row: ChatRow, target: Target, bench: Bench) {
  const { part, rooms, members, rates, rampTo } = row
  const lines: Line[] = []
  const search = new RampSearch({
    from: rates.at(-1) ?? 1_000,
    least: 10,
    most: rampTo ?? 0,
    precision: RAMP_PRECISION,
  })
  const tried = new Map<number, Line>()
  let saturation: Line | undefined
  let retried: number | undefined
  let isWarm = false

  /** Whether there is more to do, on the target as it is after it. */
  const step = async (pid: number): Promise<'next' | 'anew' | 'done'> => {
    const rate = rates[lines.length]
    if (rate !== undefined) {
      bench.progress?.(`${target.name}: ${labelOf(part, rooms, members, rate)}`)
      const sends = await sendAt(rate, pid, bench, row.windows)
      isWarm = true
      const line = chatLine(target.name, rate, members, sends)
      lines.push(line)
      tried.set(rate, line)
      search.note(rate, isStood(rate, members, sends))
      return isUnsettled(sends) ? 'anew' : 'next'
    }
    const next = rampTo === undefined ? undefined : search.next()
    if (next === undefined) return 'done'
    bench.progress?.(`${target.name}: ${labelOf(part, rooms, members, next)}?`)
    const sends = await tryAt(next, pid, bench, isWarm ? RAMP_WARM_UP_MS : WARM_UP_MS)
    isWarm = true
    const isEnough = isStood(next, members, sends)
    // A moment's disturbance is no limit: what was not far too much is tried again.
    if (!isEnough && !sends.isOverloaded && retried !== next) {
      retried = next
      return 'next'
    }
    tried.set(next, chatLine(target.name, next, members, sends))
    search.note(next, isEnough)
    return isUnsettled(sends) ? 'anew' : 'next'
  }
  let state: 'next' | 'anew' | 'done' = 'anew'
  while (state !== 'done') {
    state = await withTarget(target, { rooms }, bench, async (running) => {
      isWarm = false
      await enter(running, members, bench)
      let after = await step(running.pid)
      while (after === 'next') after = await step(running.pid)
      return after
    })
  }
  if (rampTo !== undefined) saturation = saturationLine(target.name, search, tried)
  return { lines, saturation }
}

/** What it was sent is still under way: the next figures would be spoilt. */
function isUnsettled({ isOverloaded, missingDeliveries }: Sends): boolean {
  return isOverloaded && missingDeliveries > 0
}

/** All that was due arrived in time. */
export function isStood(rate: number, members: number, sends: Sends): boolean {
  const { deliveryMs, windowMs, deliveries, isOverloaded, missingAcks, missingDeliveries } = sends
  return (
    !isOverloaded &&
    missingAcks + missingDeliveries === 0 &&
    (deliveryMs.p99 ?? Infinity) <= STOOD_P99_MS &&
    deliveries * 1_000 >= rate * members * windowMs * KEEPS_UP
  )
}

function saturationLine(target: string, search: RampSearch, tried: ReadonlyMap<number, Line>): Line {
  const { best, tooMuch } = search
  const line = best === undefined ? undefined : tried.get(best)
  const failed = tooMuch === undefined ? undefined : tried.get(tooMuch)
  const why = failed === undefined ? [] : [`${tooMuch}/s is too much: ${whatFailed(failed)}`]
  if (line === undefined) return { target, values: {}, notes: ['no rate was stood', ...why] }
  return { ...line, notes: [`${best} sends/s`, ...why, ...line.notes] }
}

function whatFailed({ values, notes }: Line): string {
  const limits = notes.filter((note) => note === NEAR_ITS_LIMIT)
  return [`delivery p99 ${(values['deliveryP99Ms'] ?? NaN).toFixed(0)} ms`, ...limits].join(', ')
}

export function labelOf(part: string, rooms: number, members: number, rate: number): string {
  return `${part} ${rooms} x ${members}, ${rate}/s`
}

/** A window of `seconds`, or several, after a time to warm up. */
export function sendAt(
  rate: number,
  pid: number,
  { load, seconds, warmUpMs = WARM_UP_MS }: Bench,
  windows = 1,
): Promise<Sends> {
  const windowMs = seconds * 1_000 * windows
  const ask = { rate, warmUpMs, windowMs, textBytes: TEXT_BYTES, server: pid }
  return load.ask('send', ask, warmUpMs + windowMs)
}

/** A short one, ended as soon as it is known to be too much. */
function tryAt(rate: number, pid: number, { load, seconds }: Bench, warmUpMs: number): Promise<Sends> {
  return load.ask('send', {
    rate,
    warmUpMs,
    windowMs: seconds * 500,
    textBytes: TEXT_BYTES,
    server: pid,
    giveUpMs: RAMP_GIVE_UP_MS,
  })
}

export function chatLine(target: string, rate: number, members: number, sends: Sends): Line {
  const { windowMs, deliveries, serverCpuMs, rssKib, ackMs, deliveryMs, load } = sends
  const perSecond = (deliveries * 1_000) / windowMs
  return {
    target,
    values: {
      deliveriesPerS: perSecond,
      cpuUsPerDelivery: serverCpuMs === undefined ? undefined : (serverCpuMs * 1_000) / deliveries,
      serverCpu: serverCpuMs === undefined ? undefined : (serverCpuMs * 100) / windowMs,
      ackP50Ms: ackMs.p50,
      ackP99Ms: ackMs.p99,
      ackP999Ms: ackMs.p999,
      deliveryP50Ms: deliveryMs.p50,
      deliveryP99Ms: deliveryMs.p99,
      deliveryP999Ms: deliveryMs.p999,
      rssMib: rssKib === undefined ? undefined : rssKib / 1_024,
      loadCpu: load.cpu * 100,
      loadLoopMs: load.loopDelayMs,
      sendLateP99Ms: load.sendLateMs,
    },
    notes: notesOf(sends, perSecond < rate * members * KEEPS_UP),
  }
}

const NEAR_ITS_LIMIT = 'load generator near its limit'

function notesOf(sends: Sends, isBehind: boolean): string[] {
  const lacking = {
    'acks missing after 10 s': sends.missingAcks,
    'deliveries missing after 10 s': sends.missingDeliveries,
  }
  const counts = {
    ...(sends.isOverloaded ? {} : lacking),
    'deliveries too many': sends.surplusDeliveries,
    'out of order': sends.outOfOrder,
    ...sends.errors,
  }
  const othersCpu = (sends.othersCpuMs ?? 0) / sends.windowMs
  return [
    ...(isBehind || sends.isOverloaded ? ['saturated'] : []),
    ...(sends.load.cpu > LOAD_BUSY ? [NEAR_ITS_LIMIT] : []),
    ...(othersCpu > OTHERS_BUSY ? [`other programs used ${(othersCpu * 100).toFixed(0)} % of a core`] : []),
    ...Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what}`),
  ]
}
