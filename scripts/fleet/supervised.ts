import { EndedBeforeReady, describeExit, launch, type Child, type Exit, type Ready } from './child.ts'
import { LineQuota } from './line-quota.ts'
import {
  RESTART_LIMITS,
  RestartPolicy,
  describeDelay,
  type RestartLimits,
  type RestartState,
} from './restart-policy.ts'

const PROBE_EVERY_MS = 1_000
const PROBE_TIMEOUT_MS = 2_000

export interface SupervisedSpec {
  /** Its first part, like `server`: the port makes it a name. */
  kind: string
  /** 0 = any free one; the one it got is kept for all further runs. */
  port: number
  args: (port: number) => readonly string[]
  env?: Readonly<Record<string, string>>
  /** Asked every second; any answer is a sign of life. */
  healthUrl: (url: string) => string
  limits?: Partial<RestartLimits>
}

/** One process kept alive: started again when it dies, killed when it hangs. The decisions are RestartPolicy's. */
export class Supervised {
  readonly #spec: SupervisedSpec
  readonly #say: (line: string) => void
  readonly #policy: RestartPolicy
  readonly #quota = new LineQuota()
  #port: number
  #url: string | undefined
  #child: Child | undefined
  #probing: NodeJS.Timeout | undefined
  #restarting: NodeJS.Timeout | undefined
  #isStopping = false
  #isRestarting = false

  constructor(spec: SupervisedSpec, say: (line: string) => void) {
    this.#spec = spec
    this.#say = say
    this.#port = spec.port
    this.#policy = new RestartPolicy({ ...RESTART_LIMITS, ...spec.limits })
  }

  get name(): string {
    return this.#port === 0 ? this.#spec.kind : `${this.#spec.kind} ${this.#port}`
  }
  get kind(): string {
    return this.#spec.kind
  }
  get status(): RestartState['status'] {
    return this.#policy.state.status
  }
  get port(): number {
    return this.#port
  }
  get pid(): number | undefined {
    return this.#child?.pid
  }
  /** As its last ready line said. */
  get url(): string {
    if (this.#url === undefined) throw new Error(`${this.name} was never ready`)
    return this.#url
  }

  /**
   * Resolves when it is ready for the first time; from then on it is kept alive.
   * @throws EndedBeforeReady if the first run ends before that: then it is not started again
   */
  async start(): Promise<Ready> {
    let isProbeOut = false
    this.#probing = setInterval(() => {
      if (isProbeOut) return
      isProbeOut = true
      void this.#probe().finally(() => (isProbeOut = false))
    }, PROBE_EVERY_MS)
    try {
      return await this.#run()
    } catch (error) {
      this.#isStopping = true
      clearInterval(this.#probing)
      throw error
    }
  }

  /** Whether `restart` can be asked for now. */
  get isUp(): boolean {
    return this.status === 'ready' && !this.#isRestarting && this.#child?.hasExited === false
  }

  /**
   * Ends it in the way it is meant to end (SIGTERM: a server drains first, however long that takes it) and starts it again at
   * once. Resolves when it is ready again; if it does not get there, it is treated like one that died.
   */
  async restart(): Promise<void> {
    const child = this.#child
    if (!this.isUp || child === undefined) throw new Error(`${this.name} is not up`)
    this.#isRestarting = true
    this.#say(`${this.name} is restarted, as asked`)
    child.kill('SIGTERM')
    const { code, signal } = await child.exited
    this.#isRestarting = false
    if (this.#isStopping) return
    // One that knows no SIGTERM, as the web app, just ends by it.
    if (code !== 0 && signal !== 'SIGTERM')
      this.#say(`${this.name} did not end well (${describeExit({ code, signal })})`)
    await this.#runAgain()
  }

  /** Ends it: asked first, killed after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#probing)
    clearTimeout(this.#restarting)
    await this.#child?.stop(graceMs)
  }

  /** Without asking. */
  kill(): void {
    this.#isStopping = true
    this.#child?.kill('SIGKILL')
  }

  async #run(): Promise<Ready> {
    const child = launch({
      name: this.name,
      args: this.#spec.args(this.#port),
      ...(this.#spec.env ? { env: this.#spec.env } : {}),
      onLine: (line, stream) => {
        if (stream === 'stderr') this.#show(line)
      },
    })
    this.#child = child
    this.#policy.started(performance.now())
    const isFirst = this.#url === undefined
    if (!isFirst) void child.exited.then((exit) => this.#ended(exit))
    const ready = await child.ready
    if (isFirst) void child.exited.then((exit) => this.#ended(exit))
    this.#policy.ready(performance.now())
    this.#url = ready.url
    this.#port = Number(new URL(ready.url).port)
    this.#quota.forget()
    return ready
  }

  #ended(exit: Exit): void {
    if (this.#isStopping || this.#isRestarting) return
    const { restartInMs } = this.#policy.ended(performance.now())
    this.#say(`${this.name} died (${describeExit(exit)}), restarting in ${describeDelay(restartInMs)}`)
    this.#restarting = setTimeout(() => void this.#runAgain(), restartInMs)
  }

  async #runAgain(): Promise<void> {
    try {
      await this.#run()
      this.#say(`${this.name} is back`)
    } catch (error) {
      // Its end is dealt with by `#ended`, which tries again.
      if (!(error instanceof EndedBeforeReady)) this.#say(`${this.name}: ${String(error)}`)
    }
  }

  async #probe(): Promise<void> {
    const child = this.#child
    const isReady = this.#policy.state.status === 'ready'
    const answered = isReady ? await answers(this.#spec.healthUrl(this.url)) : undefined
    if (this.#isStopping || child !== this.#child) return // the answer was of a run that is over
    if (this.#policy.probed(answered, performance.now()) !== 'kill') return
    this.#say(
      isReady
        ? `${this.name} hangs: no answer for 5 s, killing it`
        : `${this.name} does not get ready, killing it`,
    )
    child?.kill('SIGKILL')
  }

  #show(line: string): void {
    if (this.#isStopping) return
    for (const shown of this.#quota.take(line, performance.now())) this.#say(`${this.name}: ${shown}`)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}
