// What `npm start` runs: which processes make up the fleet, in which order they come up and go down.
import { join, relative } from 'node:path'
import { findFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { EndedBeforeReady } from './child.ts'
import { serverPorts, type StartConfig } from './config.ts'
import { serveControl, type Control, type ProcessRow } from './control.ts'
import { removeFleetFile, writeFleetFile } from './fleet-file.ts'
import { LOADBALANCER_MAIN, SERVER_ENV, SERVER_MAIN, fetchRegistry } from './local-fleet.ts'
import { findTakenPorts, type WantedPort } from './ports.ts'
import { Supervised } from './supervised.ts'
import { formatTable } from './table.ts'
import { until } from './until.ts'

const WEB_MAIN = join(import.meta.dirname, 'web.ts')
/** A first build of the app on a slow machine takes its time. */
const WEB_START_MS = 180_000
const STOP_GRACE_MS = 5_000

/** The fleet cannot come up; the message is made of lines for people. */
export class StartFailed extends Error {}

/** The fleet under supervision. `say` gets one line per event. */
export class Supervisor {
  readonly #config: StartConfig
  readonly #say: (line: string) => void
  readonly #processes: Supervised[] = []
  #control: Control | undefined
  #ports: PortBlock | undefined
  #stopping: Promise<void> | undefined

  constructor(config: StartConfig, say: (line: string) => void) {
    this.#config = config
    this.#say = say
  }

  /**
   * Resolves with the lines of a table of all processes when each is ready and the balancer lists every server.
   * @throws StartFailed with nothing left running
   */
  async start(): Promise<string[]> {
    const taken = await findTakenPorts(this.#wantedPorts())
    if (taken.length > 0) throw new StartFailed(taken.join('\n'))
    try {
      return await this.#bringUp()
    } catch (error) {
      await this.stop()
      throw error instanceof EndedBeforeReady ? new StartFailed(error.summary, { cause: error }) : error
    }
  }

  /** Asks every process to end, kills what has not after five seconds. Resolves when all are gone. */
  stop(): Promise<void> {
    this.#endControl()
    this.#stopping ??= Promise.all(this.#processes.map((each) => each.stop(STOP_GRACE_MS))).then(() => {})
    return this.#stopping
  }

  /** Ends every process without asking. */
  kill(): void {
    this.#endControl()
    for (const each of this.#processes) each.kill()
  }

  processes(): ProcessRow[] {
    return this.#processes.map(({ name, kind, port, pid, url, status }) => ({
      ...{ name, kind, port, url, status },
      ...(pid === undefined ? {} : { pid }),
    }))
  }

  restart(name: string): boolean {
    const asked = this.#processes.find((each) => each.name === name)
    if (asked?.isUp !== true || this.#stopping) return false
    void asked.restart()
    return true
  }

  async #offerControl(loadbalancer: string): Promise<void> {
    const { dataDir, fleetSecret } = this.#config
    this.#control = await serveControl(this, findFleetSecret(dataDir, fleetSecret))
    writeFleetFile(dataDir, { control: this.#control.url, loadbalancer, pid: process.pid })
  }

  #endControl(): void {
    if (this.#control === undefined) return
    this.#control.close()
    this.#control = undefined
    removeFleetFile(this.#config.dataDir)
  }

  async #bringUp(): Promise<string[]> {
    const { host } = this.#config
    const webPort = await this.#portOf(this.#config.webPort)
    const loadbalancer = this.#loadbalancer(webPort, await this.#portOf(this.#config.loadbalancerPort))
    await loadbalancer.start()

    const url = `http://${reachable(host)}:${loadbalancer.port}`
    const origins = this.#origins(webPort, loadbalancer.port)
    const ports: number[] = []
    for (const port of serverPorts(this.#config)) ports.push(await this.#portOf(port))
    const servers = ports.map((port) => this.#server(port, url, origins))
    const web = this.#config.isWebOn ? this.#web(webPort, url) : undefined
    await Promise.all([...servers, ...(web ? [web] : [])].map((each) => each.start()))
    await until('the balancer lists every server', async () => {
      if (this.#stopping) return true
      const up = (await fetchRegistry(url)).filter((row) => row.state === 'up')
      return up.length >= servers.length
    })
    if (!this.#stopping) await this.#offerControl(url)
    return formatTable([
      ['process', 'pid', 'where', 'data and log'],
      ...(web ? [[web.name, String(web.pid), `http://localhost:${web.port}`, '']] : []),
      [loadbalancer.name, String(loadbalancer.pid), loadbalancer.url, this.#shortPath('loadbalancer')],
      ...servers.map((server) => [
        server.name,
        String(server.pid),
        server.url,
        this.#shortPath(`server-${server.port}`),
      ]),
    ])
  }

  /** Any free one for 0, and then one that is still free when its process is started again. */
  async #portOf(asked: number): Promise<number> {
    if (asked !== 0) return asked
    this.#ports ??= await PortBlock.hold()
    return this.#ports.next()
  }

  #loadbalancer(webPort: number, port: number): Supervised {
    return this.#supervise({
      kind: 'balancer',
      port,
      args: (fixed) => [LOADBALANCER_MAIN, ...this.#common(fixed, this.#origins(webPort))],
      healthUrl: (url) => `${url}/healthz`,
    })
  }

  #server(port: number, loadbalancer: string, origins: readonly string[]): Supervised {
    return this.#supervise({
      kind: 'server',
      port,
      args: (fixed) => [
        SERVER_MAIN,
        ...this.#common(fixed, origins),
        '--loadbalancer',
        loadbalancer,
        ...this.#config.serverArgs,
      ],
      env: SERVER_ENV,
      healthUrl: (url) => url.replace(/^ws/, 'http').replace(/\/ws$/, '/healthz'),
    })
  }

  #web(webPort: number, loadbalancer: string): Supervised {
    return this.#supervise({
      kind: 'web app',
      port: webPort,
      args: (port) => [WEB_MAIN, '--host', this.#config.host, '--port', String(port)],
      env: { LOADBALANCER_URL: loadbalancer },
      healthUrl: (url) => url,
      limits: { startMs: WEB_START_MS },
    })
  }

  #supervise(spec: ConstructorParameters<typeof Supervised>[0]): Supervised {
    if (this.#stopping) throw new StartFailed('Told to stop before everything was up.')
    const supervised = new Supervised(spec, this.#say)
    this.#processes.push(supervised)
    return supervised
  }

  #common(port: number, origins: readonly string[]): string[] {
    const { host, dataDir } = this.#config
    return ['--host', host, '--port', String(port), '--data', dataDir, '--origins', origins.join(',')]
  }

  /** Whose pages may connect: the app from its own port, and from the balancer, which serves it too. */
  #origins(...ports: readonly number[]): string[] {
    const { host, origins } = this.#config
    const names = new Set(['localhost', '127.0.0.1', reachable(host)])
    return [...origins, ...ports.flatMap((port) => [...names].map((name) => `http://${name}:${port}`))]
  }

  #wantedPorts(): WantedPort[] {
    const { host, loadbalancerPort, webPort, isWebOn } = this.#config
    return [
      { name: 'balancer', flag: '--loadbalancer-port', port: loadbalancerPort, host },
      ...serverPorts(this.#config).map((port, before) => ({
        name: 'server',
        flag: before === 0 ? '--server-port' : `--server-port, or have fewer by --servers ${before}`,
        port,
        host,
      })),
      ...(isWebOn ? [{ name: 'web app', flag: '--web-port', port: webPort, host }] : []),
    ]
  }

  #shortPath(folder: string): string {
    const path = join(this.#config.dataDir, folder)
    const fromHere = relative('.', path)
    return fromHere.startsWith('..') ? path : fromHere
  }
}

/** Where a process of this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host.includes(':') ? `[${host === '::' ? '::1' : host}]` : host
}
