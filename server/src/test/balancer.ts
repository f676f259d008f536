import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '../../..')
const MAIN = join(ROOT, 'loadbalancer/src/main.ts')
/** Ends the process when the one that started it is gone, however that ended. */
const GUARD = join(ROOT, 'scripts/fleet/orphan-guard.ts')

/** A balancer as a process of its own: servers know it by HTTP only, and so do their tests. */
export class Balancer {
  readonly url: string
  readonly fleetSecret: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string, root: string) {
    this.#child = child
    this.url = url
    this.fleetSecret = readFileSync(join(root, 'fleet.secret'), 'utf8').trim()
  }

  /** Resolves when it serves. */
  static async start(root: string, port: number): Promise<Balancer> {
    const flags = ['--port', `${port}`, '--data', root, '--log-level', 'silent', '--login-rate', '0']
    const child = spawn(process.execPath, ['--import', GUARD, MAIN, ...flags], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    const out = child.stdout
    if (out === null) throw new Error('a balancer without output')
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the balancer did not start')))
    const [line] = (await Promise.race([once(createInterface(out), 'line'), ended])) as [string]
    ended.catch(() => {}) // later it may end
    return new Balancer(child, (JSON.parse(line) as { url: string }).url, root)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}
