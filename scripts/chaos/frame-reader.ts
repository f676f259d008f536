// Reads what a server sends over one WebSocket, as cheaply as it can be counted: no copy, no text, no object per
// message. Only whole frames are looked at, so a frame that is split over reads is put together first.

const CONTINUATION = 0x0
const TEXT = 0x1
const NEWLINE = 0x0a

export interface FrameSink {
  /** One line of a text frame: `bytes[start … end)`. The bytes are reused: what is kept has to be copied. */
  line(bytes: Buffer, start: number, end: number): void
  /** Close (8), ping (9) or pong (10). `payload` is reused as well. */
  control(opcode: number, payload: Buffer): void
}

export class FrameReader {
  readonly #sink: FrameSink
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer | undefined

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /**
   * Takes `bytes[0 … length)`, which may be overwritten afterwards.
   * @throws on what a server of ours never sends: masked, binary or fragmented messages. A count would be wrong then
   */
  read(bytes: Buffer, length: number): void {
    let end = length
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, bytes.subarray(0, length)])
      end = bytes.length
      this.#rest = undefined
    }
    let at = 0
    while (end - at >= 2) {
      const first = bytes[at] as number
      let size = bytes[at + 1] as number
      let body = at + 2
      if (size === 126) {
        if (end - at < 4) break
        size = bytes.readUInt16BE(at + 2)
        body = at + 4
      } else if (size === 127) {
        if (end - at < 10) break
        size = Number(bytes.readBigUInt64BE(at + 2))
        body = at + 10
      } else if (size > 127) throw new Error('a server must not mask its frames')
      if (body + size > end) break
      this.#frame(first, bytes, body, body + size)
      at = body + size
    }
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end))
  }

  #frame(first: number, bytes: Buffer, start: number, end: number): void {
    const opcode = first & 0x0f
    if (opcode >= 0x8) return this.#sink.control(opcode, bytes.subarray(start, end))
    const isWhole = (first & 0x80) !== 0
    if (!isWhole || opcode === CONTINUATION) throw new Error('a fragmented message cannot be counted')
    if (opcode !== TEXT) throw new Error(`a frame of opcode ${opcode} cannot be counted`)
    // A view that ends with the frame: a search for a line end must not run on through the rest of the buffer.
    const body = bytes.subarray(start, end)
    const { length } = body
    for (let at = 0; at < length;) {
      const found = body.indexOf(NEWLINE, at)
      const lineEnd = found < 0 ? length : found
      if (lineEnd > at) this.#sink.line(body, at, lineEnd)
      at = lineEnd + 1
    }
  }
}
