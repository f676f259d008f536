// What Linux says of a process. Elsewhere every figure is undefined: the benchmark runs, without CPU and memory.
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of `/proc/<pid>/stat` per second: 100 for every Linux program, whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100

/** CPU a process used since its start, all its threads together, in ms: user and system. In steps of 10 ms. */
export function cpuMsOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseCpuMs(text)
}

/** The same for each of its threads, by number and name; empty where the system does not tell. */
export function threadCpuMsOf(pid: number): Map<string, number> {
  const threads = new Map<string, number>()
  let ids: string[]
  try {
    ids = readdirSync(`/proc/${pid}/task`)
  } catch {
    return threads
  }
  for (const id of ids) {
    const text = read(`/proc/${pid}/task/${id}/stat`)
    const cpuMs = text === undefined ? undefined : parseCpuMs(text)
    if (cpuMs !== undefined)
      threads.set(`${id} ${text?.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))}`, cpuMs)
  }
  return threads
}

/** Memory of a process that is in RAM now. */
export function rssKibOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/status`)
  return text === undefined ? undefined : parseRssKib(text)
}

/**
 * CPU all programs of the machine used since it started, in ms, and what a virtual machine wanted but its host gave to others; without
 * what interrupts took.
 */
export function machineCpuMs(): number | undefined {
  const text = read('/proc/stat')
  return text === undefined ? undefined : parseMachineCpuMs(text)
}

/** `text` = `/proc/stat`. */
export function parseMachineCpuMs(text: string): number | undefined {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(' ').map(Number)
  if (!fields) return undefined
  const [user = NaN, nice = NaN, system = NaN, , , , , steal = 0] = fields
  const ticks = user + nice + system + steal
  return Number.isFinite(ticks) ? (ticks * 1_000) / TICKS_PER_SECOND : undefined
}

/** `text` = `/proc/<pid>/stat`. */
export function parseCpuMs(text: string): number | undefined {
  // The second field is the program's name in brackets, which may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12]) // utime and stime: fields 14 and 15 of the whole line
  return Number.isFinite(ticks) ? (ticks * 1_000) / TICKS_PER_SECOND : undefined
}

/** `text` = `/proc/<pid>/status`. */
export function parseRssKib(text: string): number | undefined {
  const match = /^VmRSS:\s*(\d+) kB$/m.exec(text)
  return match ? Number(match[1]) : undefined
}

/** Files (and so sockets) this process may hold open; undefined = not known. */
export function fileLimit(): number | undefined {
  const match = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits') ?? '')
  return match ? Number(match[1]) : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // no such process any more, or no such file system
  }
}
