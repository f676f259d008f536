import { setTimeout as pause } from 'node:timers/promises'
import { launch, describeExit, type Child, type Exit } from '../fleet/child.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { limitWrites, unlimitWrites } from './write-limit.ts'

/** How soon one that ended by itself is started again, and the wait between tries. */
const RESTART_MS = 250
const READY_MS = 60_000
/** One that cannot be started for so long never will be. */
const GIVE_UP_MS = 60_000
/** From an I/O error to the end of the process: what is under way, and its last words. */
const LAST_WORDS_MS = 1_000
/** What a server says when it ends because of its disk, or does not even start. */
const DISK_FAILED = /store .*is lost|Cannot start: .*(disk I\/O error|disk is full|no space|too large)/i

export interface PartOptions {
  name: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  /** Stand before it: listen only while it does. */
  proxies: readonly FaultProxy[]
  /** It ended, though nobody had it end; what it said last. */
  onUnexpectedEnd: (how: string) => void
}

/** One process of the fleet that is killed, paused, drained, and always started again, with the same port and data. */
export class Part {
  readonly name: string
  readonly #options: PartOptions
  #child: Child | undefined
  #id = ''
  #isExpected = false
  /** Set by who fills its disk: what it says of that when it is started just then is as it should be. */
  isDiskFull = false
  /** Runs of it whose writes were made to fail: what that does to them may show late. */
  readonly #failed = new WeakSet<Child>()
  /** The one of them that is waited for. */
  #failing: Child | undefined
  #isStopping = false
  #isPaused = false
  #isReady = false
  #starting: Promise<void> | undefined

  constructor(options: PartOptions) {
    this.name = options.name
    this.#options = options
  }

  /** As it says itself; kept over all runs. */
  get id(): string {
    return this.#id
  }

  /** Running, ready, not standing still. */
  get isServing(): boolean {
    return this.#isReady && !this.#isPaused
  }

  get output(): readonly string[] {
    return this.#child?.output ?? []
  }

  /** Resolves when it is ready. @throws if it is not for a long time, however often it is started */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    return this.#starting
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#isExpected = true
    await this.#end('SIGKILL')
  }

  /** SIGTERM; resolves when it is gone by itself, or is killed by another fault meanwhile. */
  async drain(): Promise<void> {
    this.#isExpected = true
    await this.#end('SIGTERM')
  }

  stopStill(): void {
    if (this.#child?.kill('SIGSTOP') === true) this.#isPaused = true
  }

  goOn(): void {
    this.#isPaused = false
    this.#child?.kill('SIGCONT')
  }

  /**
   * Its writes beyond that many bytes of a file fail, until it has ended of that or `ms` have passed.
   * @returns whether it has ended; then it has to be started
   */
  async failWrites(bytes: number, ms: number): Promise<boolean> {
    const child = this.#child
    if (child === undefined || child.hasExited) return true
    this.#failed.add(child)
    this.#failing = child
    limitWrites(child.pid, bytes)
    const ended = child.exited.then(() => true)
    if (await Promise.race([ended, pause(ms, false)])) return true
    unlimitWrites(child.pid)
    // One that met the error at the last moment still has to say so.
    if (await Promise.race([ended, pause(LAST_WORDS_MS, false)])) return true
    this.#failing = undefined
    return false
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#isExpected = true
    this.goOn()
    await this.#child?.stop(30_000)
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.hasExited) return
    child.kill(signal)
    if (signal === 'SIGTERM') this.goOn()
    await child.exited
  }

  async #start(): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS
    while (!this.#isStopping) {
      if (this.#child?.hasExited === false || (await this.#tryStart())) return
      if (performance.now() > giveUpAt) throw new Error(`${this.name} does not start any more`)
      await pause(RESTART_MS)
    }
  }

  async #tryStart(): Promise<boolean> {
    const { name, args, env, proxies } = this.#options
    const child = launch({ name, args, env })
    this.#child = child
    this.#isExpected = false
    this.#isPaused = false
    for (const proxy of proxies) void proxy.targetStarts()
    void child.exited.then((exit) => {
      this.#isReady = false
      for (const proxy of proxies) proxy.targetIsGone()
      if (this.#isExpected) return
      const mayFail = this.#failed.has(child) || this.isDiskFull
      if (!mayFail || !endedByItsDisk(exit, child)) {
        this.#options.onUnexpectedEnd([describeExit(exit), ...child.output.slice(-3)].join(' | '))
      }
      if (this.#failing === child) return // who let it fail starts it again
      // Should that come to nothing, whoever needs it next is told.
      if (this.#starting === undefined) void this.#restart().catch(() => {})
    })
    try {
      const late = AbortSignal.timeout(READY_MS)
      const ready = await Promise.race([
        child.ready,
        new Promise<never>((_resolve, reject) =>
          late.addEventListener('abort', () => reject(new Error('not ready'))),
        ),
      ])
      this.#id = ready.id ?? ''
      this.#isReady = !child.hasExited
      return true
    } catch {
      child.kill('SIGKILL')
      await child.exited
      return this.#isExpected // another fault took it; who did that starts it again
    }
  }

  async #restart(): Promise<void> {
    await pause(RESTART_MS)
    if (!this.#isStopping) await this.start()
  }
}

/** The one way in which a process may end whose disk fails: with a clear line, and not as if all were well. */
function endedByItsDisk({ code, signal }: Exit, { output }: Child): boolean {
  return signal === null && code === 1 && output.some((line) => DISK_FAILED.test(line))
}
