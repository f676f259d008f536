import { join } from 'node:path'
import { AskedProcess } from '../asked-process.ts'

export interface WitnessOrders {
  /** They come in and talk; `ask` = the balancer. */
  start: { ask: string; answer: null }
  /** The p99 since it was asked last, in ms; null if too little was heard. */
  p99: { ask: null; answer: number | null }
  /** They stop; how much of what was said never came. */
  stop: { ask: null; answer: number }
}

const ANSWER_MS = 120_000

/**
 * People who talk while somebody else misbehaves: how long what they say takes to another one, and that all of it comes. In a
 * process of their own, which competes with nobody: what they feel is the servers' doing.
 */
export class Witness {
  readonly #process = new AskedProcess<WitnessOrders>(
    join(import.meta.dirname, 'witness-main.ts'),
    'the witnesses',
    { isDetached: true },
  )

  async start(balancer: string): Promise<void> {
    await this.#process.ask('start', balancer, ANSWER_MS)
  }

  async takeP99(): Promise<number> {
    return (await this.#process.ask('p99', null, ANSWER_MS)) ?? Number.NaN
  }

  /** @returns how much of what was said never came */
  async stop(): Promise<number> {
    const unheard = await this.#process.ask('stop', null, ANSWER_MS)
    await this.#process.stop()
    return unheard
  }
}
