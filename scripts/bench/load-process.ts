import { join } from 'node:path'
import { AskedProcess } from '../asked-process.ts'
import type { OrderName, Orders } from './load/orders.ts'

const LOAD = join(import.meta.dirname, 'load.ts')
/** An order that takes so much longer than it is meant to hangs. */
const ANSWER_MS = 120_000

/** The load generator in its own process. */
export class LoadProcess extends AskedProcess<Orders> {
  constructor() {
    super(LOAD, 'load generator')
  }

  /** @param takesMs what the order takes at least */
  override ask<N extends OrderName>(
    order: N,
    ask: Orders[N]['ask'],
    takesMs = 0,
  ): Promise<Orders[N]['answer']> {
    return super.ask(order, ask, takesMs + ANSWER_MS)
  }
}
