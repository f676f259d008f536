// W1, W2, W3: sends at a fixed rate into rooms whose members all listen and send in turn.
import type { LoadProcess } from './load-process.ts'
import type { Sends } from './load/orders.ts'
import type { Pinning } from './pinning.ts'
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
}

export const CHAT_ROWS: readonly ChatRow[] = [
  { part: 'W1', rooms: 1, members: 1_000, rates: [25, 200] },
  { part: 'W2', rooms: 500, members: 10, rates: [1_000] },
  { part: 'W3', rooms: 50, members: 10, rates: [20] },
]

export const CHAT_COLUMNS: readonly Column[] = [
  { key: 'deliveriesPerS', head: 'deliveries/s', digits: 0, isCompared: false },
  { key: 'cpuUsPerDelivery', head: 'CPU us/delivery', digits: 2, isCompared: true },
  { key: 'serverCpu', head: 'CPU %', digits: 0, isCompared: false },
  { key: 'ackP50Ms', head: 'ack p50 ms', digits: 2, isCompared: true },
  { key: 'ackP99Ms', head: 'p99', digits: 2, isCompared: true },
  { key: 'deliveryP50Ms', head: 'delivery p50 ms', digits: 2, isCompared: true },
  { key: 'deliveryP99Ms', head: 'p99', digits: 2, isCompared: true },
  { key: 'rssMib', head: 'RSS MiB', digits: 0, isCompared: true },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
  { key: 'loadLoopMs', head: 'loop p99 ms', digits: 1, isCompared: false },
]

/** Less than this of what was due arrived within the window: the server does not keep up. */
const KEEPS_UP = 0.97
/** More of a core than this used by other programs disturbs latencies. */
const OTHERS_BUSY = 0.1
/** A load generator this busy may be what limits the figures. */
const LOAD_BUSY = 0.85

export interface Bench {
  load: LoadProcess
  pinning: Pinning
  seconds: number
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
  } finally {
    await bench.load.ask('leave', {}).finally(() => running.stop())
  }
}

/** Measures one row on each target in turn. */
export async function measureChat(
  { part, rooms, members, rates }: ChatRow,
  targets: readonly Target[],
  bench: Bench,
): Promise<Row[]> {
  const lines = rates.map((): Line[] => [])
  for (const target of targets) {
    await withTarget(target, { rooms }, bench, async ({ pid, url, rooms: ids }) => {
      await bench.load.ask('join', { url, rooms: ids, members })
      for (const [i, rate] of rates.entries()) {
        lines[i]?.push(chatLine(target.name, rate, members, await sendAt(rate, pid, bench)))
      }
    })
  }
  return rates.map((rate, i) => ({ label: labelOf(part, rooms, members, rate), lines: lines[i] ?? [] }))
}

export function labelOf(part: string, rooms: number, members: number, rate: number): string {
  return `${part} ${rooms} x ${members}, ${rate}/s`
}

/** A window of `seconds`, after two fifths of that (and a second at least) to warm up. */
export function sendAt(rate: number, pid: number, { load, seconds }: Bench): Promise<Sends> {
  return load.ask('send', {
    rate,
    warmUpMs: Math.max(1_000, seconds * 400),
    windowMs: seconds * 1_000,
    textBytes: TEXT_BYTES,
    server: pid,
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

function notesOf(sends: Sends, isBehind: boolean): string[] {
  const counts = {
    'acks missing after 10 s': sends.missingAcks,
    'deliveries missing after 10 s': sends.missingDeliveries,
    'deliveries too many': sends.surplusDeliveries,
    'out of order': sends.outOfOrder,
    ...sends.errors,
  }
  const othersCpu = (sends.othersCpuMs ?? 0) / sends.windowMs
  return [
    ...(isBehind ? ['saturated'] : []),
    ...(sends.load.cpu > LOAD_BUSY ? ['load generator near its limit'] : []),
    ...(othersCpu > OTHERS_BUSY ? [`other programs used ${(othersCpu * 100).toFixed(0)} % of a core`] : []),
    ...Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what}`),
  ]
}
