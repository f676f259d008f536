/**
 * Which lines of a child are shown to people: none twice in one trouble, and only so many per window, so that a
 * process that starts and fails all night does not bury the terminal. Pure: time comes as an argument (ms).
 */
export class LineQuota {
  readonly #maxLines: number
  readonly #windowMs: number
  readonly #shown = new Set<string>()
  #windowStart = -Infinity
  #inWindow = 0
  #withheld = 0

  constructor({ maxLines = 10, windowMs = 10_000 } = {}) {
    this.#maxLines = maxLines
    this.#windowMs = windowMs
  }

  /** @returns what to print for this line: itself, itself after a note of how many were withheld, or nothing */
  take(line: string, now: number): string[] {
    if (this.#shown.has(line)) return []
    if (now - this.#windowStart >= this.#windowMs) {
      this.#windowStart = now
      this.#inWindow = 0
    }
    if (this.#inWindow >= this.#maxLines) {
      this.#withheld += 1
      return []
    }
    this.#inWindow += 1
    if (this.#shown.size < 100) this.#shown.add(line)
    const note = this.#withheld > 0 ? [`(${this.#withheld} more lines)`] : []
    this.#withheld = 0
    return [...note, line]
  }

  /** The trouble is over: should the same line come again, it is news. */
  forget(): void {
    this.#shown.clear()
  }
}
