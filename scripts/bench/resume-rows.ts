// W6: clients that were cut off come back to rooms in which others go on talking; and how fast old pages are read.
import { setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { TEXT_BYTES, withTarget, type Bench } from './chat-rows.ts'
import { flotillaTarget } from './flotilla-target.ts'
import type { Returns, Sends } from './load/orders.ts'
import { LoadProcess } from './load-process.ts'
import { cpuMsOf } from './proc.ts'
import type { Column, Line, Row } from './report.ts'
import type { RunningTarget } from './target.ts'

export interface ResumeSize {
  rooms: number
  /** In each room: those who stay and talk, and those who come back. */
  staying: number
  returning: number
  behind: number
  /** What each room's log holds before. */
  entries: number
}

/** Logs are longer than what is kept in memory, so that old pages come from the log. */
const SIZE: ResumeSize = { rooms: 50, staying: 50, returning: 100, behind: 500, entries: 800 }
const FILLING_PER_S = 4_000
/** What those who stay send; as many windows as these are compared. */
const TALKING_PER_S = 100
const WARM_UP_MS = 1_000
const WINDOW_MS = 3_000
const GIVE_UP_MS = 60_000
/** Those who come back are many: what measures the others goes first. */
const NICER = 10

export const RESUME_COLUMNS: readonly Column[] = [
  { key: 'clients', head: 'clients', digits: 0, isCompared: false },
  { key: 'caughtUpS', head: 'all caught up s', digits: 2, isCompared: false },
  { key: 'p50S', head: 'p50 s', digits: 2, isCompared: false },
  { key: 'p99S', head: 'p99 s', digits: 2, isCompared: false },
  { key: 'cpuUsPerClient', head: 'CPU us/client', digits: 0, isCompared: false },
  { key: 'serverCpu', head: 'CPU %', digits: 0, isCompared: false },
  { key: 'beforeP99Ms', head: "others' p99 ms before", digits: 1, isCompared: false },
  { key: 'meanwhileP99Ms', head: 'meanwhile', digits: 1, isCompared: false },
  { key: 'timesP99', head: 'times', digits: 2, isCompared: false },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
]

export const HISTORY_COLUMNS: readonly Column[] = [
  { key: 'pagesPerS', head: 'pages/s', digits: 0, isCompared: false },
  { key: 'entriesPerS', head: 'entries/s', digits: 0, isCompared: false },
  { key: 'cpuUsPerPage', head: 'CPU us/page', digits: 0, isCompared: false },
  { key: 'p50Ms', head: 'p50 ms', digits: 2, isCompared: false },
  { key: 'p99Ms', head: 'p99', digits: 2, isCompared: false },
]

/** Flotilla alone: the plain server knows no resume, and no pages. */
export async function measureResume(bench: Bench, size = SIZE): Promise<{ resume: Row; history: Row }> {
  const returning = new LoadProcess()
  try {
    setPriority(returning.pid, NICER)
    bench.pinning.load(returning.pid)
    return await withTarget(flotillaTarget(), { rooms: size.rooms }, bench, async (running) => {
      const { load } = bench
      await load.ask('join', { url: running.url, rooms: running.rooms, members: size.staying })
      await talk(FILLING_PER_S, 0, (size.rooms * size.entries * 1_000) / FILLING_PER_S, running, bench)
      const history = await measureHistory(running, bench)
      const before = await talk(TALKING_PER_S, WARM_UP_MS, WINDOW_MS, running, bench)
      const meanwhile = talk(TALKING_PER_S, WARM_UP_MS, WINDOW_MS, running, bench)
      await pause(WARM_UP_MS)
      const cpuBefore = cpuMsOf(running.pid) ?? NaN
      const returns = await returning.ask('return', {
        url: running.url,
        rooms: running.rooms,
        members: size.returning,
        behind: size.behind,
        withinMs: GIVE_UP_MS,
      })
      const cpuMs = (cpuMsOf(running.pid) ?? NaN) - cpuBefore
      return { resume: resumeRow(size, returns, cpuMs, before, await meanwhile), history }
    })
  } finally {
    await returning.stop()
  }
}

function talk(
  rate: number,
  warmUpMs: number,
  windowMs: number,
  { pid }: RunningTarget,
  { load }: Bench,
): Promise<Sends> {
  return load.ask('send', { rate, warmUpMs, windowMs, textBytes: TEXT_BYTES, server: pid })
}

function resumeRow(
  { rooms, behind }: ResumeSize,
  returns: Returns,
  cpuMs: number,
  before: Sends,
  meanwhile: Sends,
): Row {
  const { clients, caughtUp, tookMs, ms, putOff, pages, errors, load } = returns
  const [beforeP99Ms, meanwhileP99Ms] = [before.deliveryMs.p99, meanwhile.deliveryMs.p99]
  const seconds = (milliseconds: number | undefined) =>
    milliseconds === undefined ? undefined : milliseconds / 1_000
  const values: Line['values'] = {
    clients,
    caughtUpS: caughtUp === clients ? tookMs / 1_000 : undefined,
    p50S: seconds(ms.p50),
    p99S: seconds(ms.p99),
    cpuUsPerClient: (cpuMs * 1_000) / clients,
    serverCpu: (cpuMs * 100) / tookMs,
    beforeP50Ms: before.deliveryMs.p50,
    beforeP99Ms,
    meanwhileP50Ms: meanwhile.deliveryMs.p50,
    meanwhileP99Ms,
    timesP99:
      beforeP99Ms === undefined || meanwhileP99Ms === undefined ? undefined : meanwhileP99Ms / beforeP99Ms,
    loadCpu: load.cpu * 100,
  }
  const counts = {
    'not caught up': clients - caughtUp,
    'put off for a while': putOff,
    'pages of history asked for': pages,
    ...errors,
  }
  const notes = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
  return {
    label: `W6 ${behind} entries behind, ${rooms} rooms`,
    lines: [{ target: 'flotilla', values, notes }],
  }
}

async function measureHistory({ pid, url, rooms }: RunningTarget, { load, seconds }: Bench): Promise<Row> {
  const cpuBefore = cpuMsOf(pid) ?? NaN
  const pages = await load.ask('pages', { url, rooms, forMs: seconds * 1_000 })
  const cpuMs = (cpuMsOf(pid) ?? NaN) - cpuBefore
  const values = {
    pagesPerS: (pages.pages * 1_000) / pages.tookMs,
    entriesPerS: (pages.entries * 1_000) / pages.tookMs,
    cpuUsPerPage: (cpuMs * 1_000) / pages.pages,
    p50Ms: pages.ms.p50,
    p99Ms: pages.ms.p99,
  }
  const notes = pages.refused > 0 ? [`${pages.refused} refused`] : []
  return { label: `W6 history, ${rooms.length} readers`, lines: [{ target: 'flotilla', values, notes }] }
}
