import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { StormOrder, StormOrders, StormResponse } from './storm-orders.ts'

const LOAD = join(import.meta.dirname, 'storm-load.ts')

/** A process full of clients. */
export class StormProcess {
  readonly #child: ChildProcess
  #waiting: PromiseWithResolvers<unknown> | undefined

  constructor() {
    this.#child = fork(LOAD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (response: StormResponse) => {
      if (response.ok) this.#waiting?.resolve(response.answer)
      else this.#waiting?.reject(new Error(`clients of the storm: ${response.message}`))
    })
    this.#child.on('exit', (code, signal) =>
      this.#waiting?.reject(new Error(`clients of the storm ended (${signal ?? `exit code ${code}`})`)),
    )
  }

  /** One order at a time. Rejects if it failed, took longer than `atMostMs`, or the process is gone. */
  async ask<N extends StormOrder>(
    order: N,
    ask: StormOrders[N]['ask'],
    atMostMs = 240_000,
  ): Promise<StormOrders[N]['answer']> {
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting = waiting
    const timer = setTimeout(
      () => waiting.reject(new Error(`clients of the storm did not finish "${order}"`)),
      atMostMs,
    )
    this.#child.send({ order, ask }, (error) => error && waiting.reject(error))
    try {
      return (await waiting.promise) as StormOrders[N]['answer']
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
