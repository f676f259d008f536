// `npm start` and `npm run fleet` as processes, for tests.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { LineSplitter } from '../../scripts/fleet/line-splitter.ts'
import { atEnd, freshFolder, until } from './harness.ts'

const FLEET = join(import.meta.dirname, '../../scripts/fleet.ts')
/** It may have to build the web app first. */
const UP_MS = 300_000
const PIPE_MS = 5_000
export const ANY_PORT = ['--loadbalancer-port', '0', '--server-port', '0', '--web-port', '0']

export interface Row {
  kind: string
  name: string
  pid: number
  url: string
}

export interface Started {
  process: ChildProcess
  lines: string[]
  /** Resolves with the table it prints when all are up. */
  table(): Promise<Row[]>
  says(text: string): Promise<unknown>
}

/** With a flag first it is a fleet, on data of its own unless the flags say which; else a command. Ends with the test. */
export async function start(
  t: TestContext,
  args: readonly string[],
  serverArgs: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const data = args[0]?.startsWith('-') && !args.includes('--data') ? ['--data', await freshFolder(t)] : []
  const child = spawn(process.execPath, [FLEET, ...args, ...data, ...serverArgs], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    const splitter = new LineSplitter((line) => line.trim() !== '' && lines.push(line))
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => splitter.push(text))
    stream.on('end', () => splitter.end())
  }
  atEnd(t, async () => {
    if (t.error) for (const line of lines) t.diagnostic(line)
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL') // its children follow
    await once(child, 'close')
  })
  const hasSaid = (text: string) => lines.some((line) => line.includes(text))
  /** @throws also as soon as it ends without having said it */
  const says = async (text: string, timeoutMs?: number) => {
    const isOver = () => child.exitCode !== null || child.signalCode !== null
    const patience = timeoutMs === undefined ? {} : { timeoutMs }
    await until(`it says "${text}"`, () => hasSaid(text) || isOver(), patience)
    // What it said last may come after its end.
    if (!hasSaid(text)) await once(child, 'close', { signal: AbortSignal.timeout(PIPE_MS) }).catch(() => {})
    if (!hasSaid(text)) throw new Error(`it ended without saying "${text}"`)
  }
  return {
    process: child,
    lines,
    says,
    async table() {
      await says('Flotilla is up', UP_MS)
      return lines.flatMap((line) => {
        const [, kind = '', port, pid, url = ''] =
          /^ {2}(balancer|server|web app) (\d+) +(\d+) +(\S+)/.exec(line) ?? []
        return pid === undefined ? [] : [{ kind, name: `${kind} ${port}`, pid: Number(pid), url }]
      })
    },
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
