import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { OrderName, Orders, Response } from './load/orders.ts'

const LOAD = join(import.meta.dirname, 'load.ts')
/** An order that takes so much longer than it is meant to hangs. */
const ANSWER_MS = 120_000

/** The load generator in its own process. */
export class LoadProcess {
  readonly #child: ChildProcess
  #waiting: PromiseWithResolvers<unknown> | undefined

  constructor() {
    this.#child = fork(LOAD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (response: Response) => {
      if (response.ok) this.#waiting?.resolve(response.answer)
      else this.#waiting?.reject(new Error(`load generator: ${response.message}`))
    })
    this.#child.on('exit', (code, signal) =>
      this.#waiting?.reject(new Error(`the load generator ended (${signal ?? `exit code ${code}`})`)),
    )
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /**
   * One order at a time. Rejects if it failed, took too long, or the process is gone.
   * @param takesMs what it takes at least
   */
  async ask<N extends OrderName>(order: N, ask: Orders[N]['ask'], takesMs = 0): Promise<Orders[N]['answer']> {
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting = waiting
    const timer = setTimeout(
      () => waiting.reject(new Error(`the load generator did not finish "${order}"`)),
      takesMs + ANSWER_MS,
    )
    this.#child.send({ order, ask }, (error) => error && waiting.reject(error))
    try {
      return (await waiting.promise) as Orders[N]['answer']
    } finally {
      clearTimeout(timer)
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL') // it holds nothing but sockets
    await gone
  }
}
