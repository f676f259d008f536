import { Latency } from '../../replay/latency.ts'
import type { Quantiles } from './orders.ts'
import { sendId } from './send-id.ts'

/** One series of sends: when each was due, and how long its ack and its arrivals took from then. */
export class Run {
  readonly acks = new Latency()
  readonly deliveries = new Latency()
  /** How late sends left after they were due. */
  readonly late = new Latency()
  acked = 0
  readonly #number: number
  readonly #dueAt: number[] = []
  /** The sends that count: from this one on, and up to the other. */
  #measuredFrom = Infinity
  #measuredTo = Infinity
  #dueBefore = 0

  constructor(number: number) {
    this.#number = number
  }

  get sent(): number {
    return this.#dueAt.length
  }

  /** Sends from now on count, until `endMeasuring`. */
  measure(): void {
    this.#measuredFrom = this.sent
  }

  endMeasuring(): void {
    this.#measuredTo = this.sent
  }

  /** Notes a send that leaves now. @returns its id */
  due(at: number): string {
    if (this.#counts(this.sent)) this.late.add(performance.now() - at)
    this.#dueAt.push(at)
    return sendId(process.pid, this.#number, this.sent - 1)
  }

  /** How many sends were due by then; `at` never falls from call to call. */
  dueBy(at: number): number {
    while ((this.#dueAt[this.#dueBefore] ?? Infinity) <= at) this.#dueBefore += 1
    return this.#dueBefore
  }

  ack(run: number, k: number): void {
    if (run !== this.#number) return
    this.acked += 1
    this.#time(k, this.acks)
  }

  arrive(run: number, k: number): void {
    if (run === this.#number) this.#time(k, this.deliveries)
  }

  #time(k: number, into: Latency): void {
    if (this.#counts(k)) into.add(performance.now() - (this.#dueAt[k] ?? NaN))
  }

  #counts(k: number): boolean {
    return k >= this.#measuredFrom && k < this.#measuredTo
  }
}

export function quantiles(latency: Latency): Quantiles {
  return { p50: latency.quantile(0.5), p99: latency.quantile(0.99), p999: latency.quantile(0.999) }
}
