const NEWLINE = 0x0a

export interface LineSink {
  /** `bytes[start … end)`, void after the call. */
  line(bytes: Buffer, start: number, end: number): void
}

/** Finds the lines in what comes of data frames: the last of a frame has no line end. */
export class LineReader {
  readonly #sink: LineSink

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  /** As `data` of a `Talk`. @returns where a line begins whose end has not come */
  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number {
    let at = start
    while (at < end) {
      const found = bytes.indexOf(NEWLINE, at)
      const lineEnd = found < 0 || found > end ? end : found
      if (lineEnd === end && !endsFrame) return at
      if (lineEnd > at) this.#sink.line(bytes, at, lineEnd)
      at = lineEnd + 1
    }
    return end
  }
}
