// One process of a fleet: started under this same Node, ready when it says so, ended with its parent.
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { LineSplitter } from './line-splitter.ts'

const ORPHAN_GUARD = new URL('./orphan-guard.ts', import.meta.url).href
const OUTPUT_LINES = 200

export interface ChildSpec {
  name: string
  /** The file to run and its arguments, as after `node`. */
  args: readonly string[]
  /** Added to the environment of this process. */
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Every line of its output as it comes, the ready line excepted. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

/** What a process says on standard output when it serves. */
export interface Ready {
  id?: string
  url: string
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** `SIGKILL` or `exit code 1`: for people. */
export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`
}

export class EndedBeforeReady extends Error {
  /** The message without the output. */
  readonly summary: string
  constructor(name: string, exit: Exit, output: readonly string[]) {
    const summary = `${name} ended before it was ready (${describeExit(exit)})`
    super([summary, ...output.slice(-20)].join('\n  '))
    this.summary = summary
  }
}

export interface Child {
  readonly name: string
  readonly pid: number
  /** Resolves with the first ready line; rejects with EndedBeforeReady. Never both hangs and ends silently. */
  readonly ready: Promise<Ready>
  /** Resolves when the process is gone and its output has been read. Never rejects. */
  readonly exited: Promise<Exit>
  readonly hasExited: boolean
  /** Its last lines, of both streams; at most 200. */
  readonly output: readonly string[]
  /** @returns false if it is gone already. */
  kill(signal: NodeJS.Signals): boolean
  /** Asks it to end now (SIGINT) and ends it after `graceMs`. */
  stop(graceMs?: number): Promise<Exit>
}

/**
 * Starts a process. Nothing it does throws here: an end before the ready line rejects `ready`, which may be left
 * unwatched.
 */
export function launch(spec: ChildSpec): Child {
  const subprocess = spawn(process.execPath, ['--import', ORPHAN_GUARD, ...spec.args], {
    // The fourth is the channel whose closing tells the orphan guard that the parent is gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...spec.env },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    // A group of its own: Ctrl-C in the terminal reaches the parent alone, which ends its children in order.
    detached: process.platform !== 'win32',
  })

  const output: string[] = []
  let hasExited = false
  let resolveReady: (ready: Ready) => void = () => {}
  let rejectReady: (error: Error) => void = () => {}
  const ready = new Promise<Ready>((resolve, reject) => {
    resolveReady = resolve
    rejectReady = reject
  })
  ready.catch(() => {})

  const take = (line: string, stream: 'stdout' | 'stderr') => {
    const said = stream === 'stdout' ? parseReady(line) : undefined
    if (said) return resolveReady(said)
    output.push(line)
    if (output.length > OUTPUT_LINES) output.shift()
    spec.onLine?.(line, stream)
  }
  readLines(subprocess.stdout, (line) => take(line, 'stdout'))
  readLines(subprocess.stderr, (line) => take(line, 'stderr'))

  const exited = new Promise<Exit>((resolve) => {
    const end = (exit: Exit) => {
      hasExited = true
      rejectReady(new EndedBeforeReady(spec.name, exit, output))
      resolve(exit)
    }
    subprocess.once('error', (error) => {
      output.push(error.message)
      if (subprocess.pid === undefined) end({ code: null, signal: null })
    })
    subprocess.once('exit', () => (hasExited = true))
    // Not `exit`: its last words are still in the pipe then.
    subprocess.once('close', (code, signal) => end({ code, signal }))
  })

  const kill = (signal: NodeJS.Signals) => !hasExited && subprocess.kill(signal)
  return {
    name: spec.name,
    pid: subprocess.pid ?? -1,
    ready,
    exited,
    get hasExited() {
      return hasExited
    },
    output,
    kill,
    async stop(graceMs = 5_000) {
      kill('SIGINT')
      const timer = setTimeout(() => kill('SIGKILL'), graceMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
  }
}

/** A process's line `{"ready":true,"id":…,"url":…}`. */
function parseReady(line: string): Ready | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const said = JSON.parse(line) as { ready?: unknown; id?: unknown; url?: unknown }
    if (said.ready !== true || typeof said.url !== 'string') return undefined
    return { url: said.url, ...(typeof said.id === 'string' ? { id: said.id } : {}) }
  } catch {
    return undefined
  }
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  const lines = new LineSplitter(onLine)
  if (!stream) return // it could not be started at all; `error` says why
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => lines.push(chunk))
  stream.on('end', () => lines.end())
}
