/** Cuts a stream of text into lines. A line longer than `maxChars` comes in pieces, so that no child can fill memory. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #maxChars: number
  #rest = ''

  constructor(onLine: (line: string) => void, maxChars = 8_192) {
    this.#onLine = onLine
    this.#maxChars = maxChars
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split(/\r?\n/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line)
    if (this.#rest.length > this.#maxChars) this.end()
  }

  /** The stream has ended: what has no line end is a line, too. */
  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest)
    this.#rest = ''
  }
}
