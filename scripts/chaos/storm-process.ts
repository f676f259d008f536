import { join } from 'node:path'
import { AskedProcess } from '../asked-process.ts'
import type { StormOrder, StormOrders } from './storm-orders.ts'

const LOAD = join(import.meta.dirname, 'storm-load.ts')
const ANSWER_MS = 240_000

/** A process full of clients. */
export class StormProcess extends AskedProcess<StormOrders> {
  constructor() {
    super(LOAD, 'clients of the storm')
  }

  override ask<N extends StormOrder>(
    order: N,
    ask: StormOrders[N]['ask'],
    atMostMs = ANSWER_MS,
  ): Promise<StormOrders[N]['answer']> {
    return super.ask(order, ask, atMostMs)
  }
}
