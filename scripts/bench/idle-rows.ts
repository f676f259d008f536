// W4: connections that have joined a room and say nothing.
import { setTimeout as pause } from 'node:timers/promises'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { enter, withTarget, type Bench } from './chat-rows.ts'
import { cpuMsOf, fileLimit, rssKibOf } from './proc.ts'
import type { Column, Line, Row } from './report.ts'
import type { Target } from './target.ts'

const MEMBERS = 10
/** Files each of the two processes needs besides the connections. */
const OTHER_FILES = 200
/** Until what joining caused has calmed down: presence, reports, garbage. */
const CALM_MS = 3_000
/** Two heartbeats of Flotilla's, which is what an idle server has to do. */
const IDLE_MS = 2 * LIMITS.heartbeatMs

export const IDLE_COLUMNS: readonly Column[] = [
  { key: 'joinsPerS', head: 'joins/s', digits: 0, isCompared: true },
  { key: 'cpuUsPerJoin', head: 'CPU us/join', digits: 0, isCompared: true },
  { key: 'kibEach', head: 'KiB each', digits: 1, isCompared: true },
  { key: 'emptyRssMib', head: 'RSS MiB empty', digits: 0, isCompared: true },
  { key: 'rssMib', head: 'RSS MiB full', digits: 0, isCompared: true },
  { key: 'idleCpu', head: 'idle CPU %', digits: 2, isCompared: false },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
]

/**
 * `wanted` connections, or as many as the file limit allows, in rooms of ten. (Node raises the limit of each process as far as
 * it may when it starts: what is left is the system's hard limit.) They are left alone for `idleMs`.
 */
export async function measureIdle(
  wanted: number,
  targets: readonly Target[],
  bench: Bench,
  idleMs = IDLE_MS,
): Promise<Row> {
  const allowed = (fileLimit() ?? 1_024) - OTHER_FILES
  const rooms = Math.max(1, Math.floor(Math.min(wanted, allowed) / MEMBERS))
  const lines: Line[] = []
  for (const target of targets) {
    bench.progress?.(`${target.name}: W4 ${rooms} x ${MEMBERS}`)
    lines.push(
      await withTarget(target, { rooms }, bench, async (running) => {
        const { pid } = running
        await pause(1_000) // its own start is over
        const empty = readingOf(pid)
        const { clients, tookMs, putOff, load } = await enter(running, MEMBERS, bench)
        const joined = readingOf(pid)
        await pause(CALM_MS)
        const calm = readingOf(pid)
        await pause(idleMs)
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
            loadCpu: load.cpu * 100,
          },
          notes: [
            ...(clients < wanted ? [`file limit: ${clients} instead of ${wanted}`] : []),
            ...(putOff > 0 ? [`${putOff} put off for a while`] : []),
          ],
        }
      }),
    )
  }
  return { label: `W4 ${rooms} x ${MEMBERS}, idle`, lines }
}

function readingOf(pid: number) {
  return { at: performance.now(), cpuMs: cpuMsOf(pid) ?? NaN, rssKib: rssKibOf(pid) ?? NaN }
}
