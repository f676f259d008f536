import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chatLine, enter, labelOf, sendAt, withTarget, type Bench, type ChatRow } from './chat-rows.ts'
import { flameOf, flameSvg } from './flame.ts'
import { flotillaTarget } from './flotilla-target.ts'
import { threadCpuMsOf } from './proc.ts'
import { describeSelfTimes, nowUs, readProfiles, selfTimes, type Window } from './profile.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const LINES = 25
const WORKER_LINES = 8

/** What the server was made to do, and when. */
interface Phase {
  /** Of the file of its flame graph. */
  name: string
  says: string
  threads: string
  window: Window
}

/**
 * Runs the row on Flotilla alone, under the profiler, and says what each thread did in each measured window;
 * with `flameDir`, a flame graph of the main thread in each goes there.
 */
export async function profileChat(
  { part, rooms, members, rates }: ChatRow,
  bench: Bench,
  say: (line: string) => void,
  flameDir?: string,
): Promise<void> {
  const profileDir = await mkdtemp(join(tmpdir(), 'flotilla-profile-'))
  try {
    const run = await withTarget(flotillaTarget(), { rooms, profileDir }, bench, async (running) => {
      const { pid } = running
      const phases: Phase[] = []
      const profiled = async (work: () => Promise<{ name: string; says: string } & Partial<Window>>) => {
        const before = threadCpuMsOf(pid)
        const fromUs = nowUs()
        const { name, says, ...window } = await work()
        const threads = describeThreads(before, threadCpuMsOf(pid))
        phases.push({ name, says, threads, window: { fromUs, toUs: nowUs(), ...window } })
      }
      await profiled(async () => {
        const { clients, tookMs } = await enter(running, members, bench)
        return { name: `${part}-join`, says: `${clients} clients join in ${tookMs.toFixed(0)} ms` }
      })
      for (const rate of rates) {
        await profiled(async () => {
          const sends = await sendAt(rate, pid, bench)
          const cost = chatLine('flotilla', rate, members, sends).values.cpuUsPerDelivery?.toFixed(2)
          const says = `${labelOf(part, rooms, members, rate)}: ${cost ?? '-'} us per delivery under the profiler`
          return { name: `${part}-${rate}`, says, fromUs: sends.fromUs, toUs: sends.toUs } // without warming up
        })
      }
      return { pid, phases }
    })
    const profiles = await readProfiles(profileDir, run.pid)
    for (const { name, says, threads, window } of run.phases) {
      say(`\n${says}`)
      say(`  CPU: ${threads}`)
      for (const { thread, profile } of profiles) {
        const most = thread === 0 ? LINES : WORKER_LINES
        const [head, ...lines] = describeSelfTimes(selfTimes(profile, window, ROOT), window, most)
        say(`  ${thread === 0 ? 'main thread' : `worker ${thread}`}: ${head}`)
        for (const line of lines) say(`    ${line}`)
        if (thread === 0 && flameDir !== undefined) {
          await mkdir(flameDir, { recursive: true })
          const file = join(flameDir, `flame-${name}.svg`)
          await writeFile(file, flameSvg(flameOf(profile, window, ROOT), `The server's main thread, ${says}`))
          say(`    ${file}`)
        }
      }
    }
  } finally {
    await rm(profileDir, { recursive: true, force: true })
  }
}

/** What share each thread has of the CPU used between two readings. */
function describeThreads(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  const used = [...after]
    .map(([thread, cpuMs]) => ({ thread, cpuMs: cpuMs - (before.get(thread) ?? 0) }))
    .sort((a, b) => b.cpuMs - a.cpuMs)
  const total = used.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  return used
    .filter(({ cpuMs }) => cpuMs >= total / 100)
    .map(({ thread, cpuMs }) => `${thread} ${((cpuMs * 100) / total).toFixed(0)} %`)
    .join(', ')
}
