// Where a process spent its time: the `.cpuprofile` files of `node --cpu-prof`, added up by function. It is time by the
// clock: a function that waits for the disk counts as long as it waits.
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What is read of a `.cpuprofile`. Times are microseconds of the machine's monotonic clock. */
export interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
    children?: number[]
  }[]
  startTime: number
  samples: number[]
  timeDeltas: number[]
}

/** From when to when, by `now()`. */
export interface Window {
  fromUs: number
  toUs: number
}

export interface SelfTime {
  /** `pump server/src/rooms/pump.ts:21`, or `(garbage collector)` and the like. */
  where: string
  us: number
  /** Of the time the thread was not idle. */
  part: number
}

/** The clock that profiles are stamped with, the same in all processes. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Self time by function within `window`, the longest first; idle time is left out. */
export function selfTimes(profile: CpuProfile, window: Window, root: string): SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameName(callFrame, root)]))
  const byName = new Map<string, number>()
  let at = profile.startTime
  profile.samples.forEach((sample, i) => {
    // A delta is the time before its sample; the time after it is what the sampled function took.
    at += profile.timeDeltas[i] ?? 0
    const us = profile.timeDeltas[i + 1] ?? 0
    const name = names.get(sample) ?? '(unknown)'
    if (at < window.fromUs || at > window.toUs || name === '(idle)') return
    byName.set(name, (byName.get(name) ?? 0) + us)
  })
  const total = [...byName.values()].reduce((sum, us) => sum + us, 0)
  return [...byName].map(([where, us]) => ({ where, us, part: us / total })).sort((a, b) => b.us - a.us)
}

/** The profiles of one process, its main thread first. */
export async function readProfiles(
  dir: string,
  pid: number,
): Promise<{ thread: number; profile: CpuProfile }[]> {
  const found = []
  for (const file of await readdir(dir)) {
    // CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
    const [, , , ofPid, thread] = file.split('.')
    if (Number(ofPid) !== pid) continue
    const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as CpuProfile
    found.push({ thread: Number(thread), profile })
  }
  return found.sort((a, b) => a.thread - b.thread)
}

/** The `most` longest as lines of text. */
export function describeSelfTimes(times: readonly SelfTime[], window: Window, most: number): string[] {
  const busyUs = times.reduce((sum, { us }) => sum + us, 0)
  const windowUs = window.toUs - window.fromUs
  return [
    `busy ${((busyUs * 100) / windowUs).toFixed(0)} % of the window`,
    ...times
      .slice(0, most)
      .map(
        ({ where, us, part }) =>
          `${(part * 100).toFixed(1).padStart(5)} %  ${(us / 1_000).toFixed(0).padStart(6)} ms  ${where}`,
      ),
  ]
}

/** The function and where it is: `pump server/src/rooms/pump.ts:21`. */
export function frameName(frame: CpuProfile['nodes'][number]['callFrame'], root: string): string {
  const { functionName, url, lineNumber } = frame
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  return `${name} ${placeOf(url, root)}:${lineNumber + 1}`
}

/** Without the folders of the machine: packages by their name, wherever they lie. */
function placeOf(url: string, root: string): string {
  if (!url.startsWith('file:')) return url
  const path = fileURLToPath(url)
  const packages = path.lastIndexOf('/node_modules/')
  if (packages >= 0) return path.slice(packages + '/node_modules/'.length)
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : basename(path)
}
