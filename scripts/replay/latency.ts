/** Each bucket of the histogram is this much wider than the one before: quantiles are right to 2 %. */
const STEP = Math.log(1.02)
const SMALLEST_MS = 0.001

/** How long things took, in constant memory; a figure is right to 2 %. */
export class Latency {
  readonly #buckets: number[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / SMALLEST_MS) / STEP))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count += 1
  }

  /** @param part like 0.99. @returns milliseconds; undefined if nothing was added */
  quantile(part: number): number | undefined {
    let left = Math.ceil(part * this.#count)
    if (this.#count === 0) return undefined
    for (const [bucket, count = 0] of this.#buckets.entries()) {
      left -= count
      if (left <= 0) return SMALLEST_MS * Math.exp(bucket * STEP)
    }
    return undefined
  }

  /** `p50 1.2 ms, p99 8.1 ms`. */
  describe(): string {
    if (this.#count === 0) return 'none'
    return `p50 ${milliseconds(this.quantile(0.5))}, p99 ${milliseconds(this.quantile(0.99))}`
  }
}

function milliseconds(ms = 0): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`
}
