// Which core a process may run on, by `taskset` (util-linux). The server under test gets a core of its own: neither the
// load generator nor the scheduler's wanderings show in its figures.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

export interface Pinning {
  /** One line for people. */
  says: string
  server(pid: number): void
  load(pid: number): void
}

/** Server on core 0, everything else on core 1; nothing at all where that cannot be. */
export function findPinning(): Pinning {
  const cores = availableParallelism()
  const reason =
    process.platform !== 'linux'
      ? 'it is done on Linux only'
      : cores < 2
        ? 'there is one core only'
        : spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0
          ? 'taskset (util-linux) is not installed'
          : undefined
  if (reason !== undefined) {
    return { says: `not pinned to cores: ${reason}`, server: () => undefined, load: () => undefined }
  }
  return {
    says: 'pinned: server on core 0, load generator (and balancer) on core 1',
    server: (pid) => pin(pid, 0),
    load: (pid) => pin(pid, 1),
  }
}

/** All threads of the process, and those they start from now on. */
function pin(pid: number, core: number): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`taskset could not pin process ${pid} to core ${core}: ${stderr.trim()}`)
}
