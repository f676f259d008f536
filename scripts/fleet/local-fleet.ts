// A fleet of its own on free ports, for replay and tests: started, killed and started again by the program that
// needs it, with no supervisor that would interfere.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ServerListSchema, type ServerRow } from '@flotilla/protocol/control.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { launch, type Child, type Exit } from './child.ts'
import { until } from './until.ts'

/** For all that a server does when it is told to end: the machine may be busy with something else. */
const STOP_MS = 30_000
const ROOT = dirname(dirname(import.meta.dirname))
export const LOADBALANCER_MAIN = join(ROOT, 'loadbalancer/src/main.ts')
export const SERVER_MAIN = join(ROOT, 'server/src/main.ts')
/** Of a chat server. Two pools of the system's memory, not one for each thread: what the compiler's threads once took would never be given back. */
export const SERVER_ENV = { MALLOC_ARENA_MAX: '2' }

export interface FleetOptions {
  /** How many chat servers; 2 if not said. */
  servers?: number
  serverArgs?: readonly string[]
  loadbalancerArgs?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Stands under this folder, which then stays; without it in a temporary one, deleted by `stop`. */
  dataDir?: string
}

/** One process of the fleet, over all its runs: `pid` and `output` are those of the last one. */
export interface FleetProcess {
  readonly name: string
  /** Made by the process, kept in its data folder. */
  readonly id: string
  /** `http://…` of the balancer, `ws://…/ws` of a server. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Holds `chat.db` and `chat.log` of a server. */
  readonly dataDir: string
  readonly output: readonly string[]
  /** Sends a signal (SIGKILL if not said); does not wait. */
  kill(signal?: NodeJS.Signals): void
  /** Asks it to end now and waits until it has. */
  stop(): Promise<Exit>
  /** Resolves when the present run is over. */
  readonly exited: Promise<Exit>
  /** Starts it again with the same port and data, killing (-9) what still runs of it; resolves when it is ready. */
  restart(): Promise<void>
}

export interface LocalFleet {
  readonly dataDir: string
  /** What its processes know each other by. */
  readonly secret: string
  readonly loadbalancer: FleetProcess
  readonly servers: readonly FleetProcess[]
  /** One more server; resolves when it is ready. */
  addServer(args?: readonly string[]): Promise<FleetProcess>
  /** The balancer's registry now. */
  registry(): Promise<ServerRow[]>
  /** Resolves when the balancer lists every server of this fleet that runs as up. */
  complete(timeoutMs?: number): Promise<void>
  /** Ends every process and deletes a temporary data folder. Idempotent. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Resolves when every process is ready and the balancer lists every server. On failure nothing is left running. */
export async function startLocalFleet(options: FleetOptions = {}): Promise<LocalFleet> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'flotilla-')))
  const secret = randomBytes(24).toString('base64url')
  const env = { FLEET_SECRET: secret, ...options.env }
  // One that is killed finds its port free when it is started again, whatever else runs on this machine.
  const ports = await PortBlock.hold()
  const running: Run[] = []
  const servers: Run[] = []
  let stopping: Promise<void> | undefined

  const begin = async (
    name: string,
    main: string,
    args: readonly string[],
    ownEnv: Readonly<Record<string, string>> = {},
  ) => {
    const run = new Run({
      kind: name,
      args: [main, '--data', dataDir, '--host', '127.0.0.1', ...args],
      env: { ...ownEnv, ...env },
      dataRoot: dataDir,
      port: await ports.next(),
    })
    running.push(run)
    await run.start()
    return run
  }
  const addServer = async (args: readonly string[] = []) => {
    const ofFleet = ['--loadbalancer', loadbalancer.url, ...(options.serverArgs ?? [])]
    const run = await begin('server', SERVER_MAIN, [...ofFleet, ...args], SERVER_ENV)
    servers.push(run)
    return run
  }
  const stop = async () => {
    await Promise.all(running.map((run) => run.stop()))
    ports.release()
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  const stopOnce = () => (stopping ??= stop())

  let loadbalancer: Run
  const fleet = (): LocalFleet => ({
    dataDir,
    secret,
    loadbalancer,
    servers,
    addServer,
    registry: () => fetchRegistry(loadbalancer.url),
    async complete(timeoutMs = 60_000) {
      await until(
        'the balancer lists every server as up',
        async () => {
          const up = new Set((await fetchRegistry(loadbalancer.url)).filter(isUp).map((row) => row.id))
          return servers.every((server) => server.isDown || up.has(server.id))
        },
        { timeoutMs },
      )
    },
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  })

  try {
    loadbalancer = await begin('balancer', LOADBALANCER_MAIN, options.loadbalancerArgs ?? [])
    await Promise.all(Array.from({ length: options.servers ?? 2 }, () => addServer()))
    const started = fleet()
    await started.complete()
    return started
  } catch (error) {
    await stopOnce()
    throw error
  }
}

/** `GET /servers`. */
export async function fetchRegistry(loadbalancerUrl: string): Promise<ServerRow[]> {
  const response = await fetch(`${loadbalancerUrl}/servers`, { signal: AbortSignal.timeout(20_000) })
  if (!response.ok) throw new Error(`${loadbalancerUrl}/servers answered ${response.status}`)
  return ServerListSchema.parse(await response.json())
}

const isUp = (row: ServerRow) => row.state === 'up'

class Run implements FleetProcess {
  readonly #kind: string
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  readonly #dataRoot: string
  readonly #port: number
  #child: Child | undefined
  #id = ''
  #url = ''

  constructor(options: {
    kind: string
    args: readonly string[]
    env: Readonly<Record<string, string>>
    dataRoot: string
    port: number
  }) {
    this.#kind = options.kind
    this.#args = options.args
    this.#env = options.env
    this.#dataRoot = options.dataRoot
    this.#port = options.port
  }

  get name() {
    return `${this.#kind} ${this.port}`
  }
  get id() {
    return this.#id
  }
  get url() {
    return this.#url
  }
  get port() {
    return this.#port
  }
  get dataDir() {
    return join(this.#dataRoot, this.#kind === 'server' ? `server-${this.port}` : 'loadbalancer')
  }
  get pid() {
    return this.#run.pid
  }
  get output() {
    return this.#run.output
  }
  get exited() {
    return this.#run.exited
  }
  get isDown() {
    return this.#run.hasExited
  }
  get #run(): Child {
    if (!this.#child) throw new Error(`${this.#kind} was never started`)
    return this.#child
  }

  async start(): Promise<void> {
    const args = [...this.#args, '--port', String(this.port)]
    this.#child = launch({ name: this.name, args, env: this.#env })
    const { id, url } = await this.#child.ready
    this.#id = id ?? ''
    this.#url = url
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#run.kill(signal)
  }

  stop(): Promise<Exit> {
    return this.#run.stop(STOP_MS)
  }

  async restart(): Promise<void> {
    this.kill('SIGKILL')
    await this.#run.exited
    await this.start()
  }
}
