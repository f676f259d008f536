// W4: connections that have joined a room and say nothing.
import { setTimeout as pause } from 'node:timers/promises'
import { withTarget, type Bench } from './chat-rows.ts'
import { cpuMsOf, fileLimit, rssKibOf } from './proc.ts'
import type { Column, Line, Row } from './report.ts'
import type { Target } from './target.ts'

const MEMBERS = 10
/** Files each of the two processes needs besides the connections. */
const OTHER_FILES = 200
/** Until what joining caused has calmed down: presence, reports, garbage. */
const CALM_MS = 3_000
const IDLE_MS = 3_000

export const IDLE_COLUMNS: readonly Column[] = [
  { key: 'joinsPerS', head: 'joins/s', digits: 0, isCompared: true },
  { key: 'cpuUsPerJoin', head: 'CPU us/join', digits: 0, isCompared: true },
  { key: 'kibEach', head: 'KiB each', digits: 1, isCompared: true },
  { key: 'emptyRssMib', head: 'RSS MiB empty', digits: 0, isCompared: true },
  { key: 'rssMib', head: 'RSS MiB full', digits: 0, isCompared: true },
  { key: 'idleCpu', head: 'idle CPU %', digits: 1, isCompared: false },
]

/** `wanted` connections, or as many as the file limit allows, in rooms of ten. */
export async function measureIdle(wanted: number, targets: readonly Target[], bench: Bench): Promise<Row> {
  const allowed = (fileLimit() ?? 1_024) - OTHER_FILES
  const rooms = Math.max(1, Math.floor(Math.min(wanted, allowed) / MEMBERS))
  const lines: Line[] = []
  for (const target of targets) {
    lines.push(
      await withTarget(target, { rooms }, bench, async ({ pid, url, rooms: ids }) => {
        await pause(1_000) // its own start is over
        const empty = readingOf(pid)
        const { clients, tookMs } = await bench.load.ask('join', { url, rooms: ids, members: MEMBERS })
        const joined = readingOf(pid)
        await pause(CALM_MS)
        const calm = readingOf(pid)
        await pause(IDLE_MS)
        const end = readingOf(pid)
        return {
          target: target.name,
          values: {
            joinsPerS: (clients * 1_000) / tookMs,
            cpuUsPerJoin: ((joined.cpuMs - empty.cpuMs) * 1_000) / clients,
            kibEach: (end.rssKib - empty.rssKib) / clients,
            emptyRssMib: empty.rssKib / 1_024,
            rssMib: end.rssKib / 1_024,
            idleCpu: ((end.cpuMs - calm.cpuMs) * 100) / (end.at - calm.at),
          },
          notes: rooms * MEMBERS < wanted ? [`file limit: ${rooms * MEMBERS} instead of ${wanted}`] : [],
        }
      }),
    )
  }
  return { label: `W4 ${rooms} x ${MEMBERS}, idle`, lines }
}

function readingOf(pid: number) {
  return { at: performance.now(), cpuMs: cpuMsOf(pid) ?? NaN, rssKib: rssKibOf(pid) ?? NaN }
}
