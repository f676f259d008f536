import { fork, type ChildProcess } from 'node:child_process'

type Response = { ok: true; answer: unknown } | { ok: false; message: string }

/** A process of ours that carries out one order at a time. `Orders` = what each is asked, and what it answers. */
export class AskedProcess<Orders extends { [N in keyof Orders]: { ask: unknown; answer: unknown } }> {
  readonly #name: string
  readonly #child: ChildProcess
  #waiting: PromiseWithResolvers<unknown> | undefined

  /**
   * Starts `main`. `name` = what it is called in errors: `the load generator`. `isDetached`: in a session of its own, where Ctrl-C
   * does not reach it; it ends with the channel to this process.
   */
  constructor(main: string, name: string, { isDetached = false }: { isDetached?: boolean } = {}) {
    this.#name = name
    this.#child = fork(main, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: isDetached })
    this.#child.on('message', (response: Response) => {
      if (response.ok) this.#waiting?.resolve(response.answer)
      else this.#waiting?.reject(new Error(`${name}: ${response.message}`))
    })
    this.#child.on('exit', (code, signal) =>
      this.#waiting?.reject(new Error(`${name}: ended (${signal ?? `exit code ${code}`})`)),
    )
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Rejects if the order failed, took longer than `atMostMs`, or the process is gone. */
  async ask<N extends keyof Orders>(
    order: N,
    ask: Orders[N]['ask'],
    atMostMs: number,
  ): Promise<Orders[N]['answer']> {
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting = waiting
    const late = () => waiting.reject(new Error(`${this.#name}: did not finish "${String(order)}"`))
    const timer = setTimeout(late, atMostMs)
    this.#child.send({ order, ask }, (error) => error && waiting.reject(error))
    try {
      return await waiting.promise
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
