// Reads what a server sends over one WebSocket, as cheaply as it can be counted: no copy but of the few bytes that are
// split over two reads, no text, no object per frame.

/** Room before the bytes of a read for what was left over of the one before. */
const ROOM_BEFORE = 64 * 1024
const READ_BYTES = 256 * 1024
const CONTROL = 0x8

/**
 * Reads of all sockets land here, one after the other: memory and garbage collection do not grow with the clients.
 * A read is taken in full before the next one happens.
 */
const BUFFER = Buffer.allocUnsafe(ROOM_BEFORE + READ_BYTES)
/** What sockets read into, from its beginning. */
export const READ_BUFFER = BUFFER.subarray(ROOM_BEFORE)
const NOTHING = Buffer.alloc(0)

export interface PayloadSink {
  /**
   * What has come of data frames: `bytes[start … end)`, which are void after the call. `endsFrame`: the last of them end a
   * frame. @returns where the rest begins that cannot be read yet: it comes again, in front of what follows it
   */
  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number
  /** Close (8), ping (9) or pong (10). `payload` is reused. */
  control(opcode: number, payload: Buffer): void
}

export class PayloadReader {
  readonly #sink: PayloadSink
  /** Payload the sink could not read yet. */
  #tail: Buffer = NOTHING
  /** The beginning of a frame's header, or of a control frame, whose end has not come. */
  #begun: Buffer = NOTHING
  /** Bytes of the present data frame that are to come. */
  #left = 0

  constructor(sink: PayloadSink) {
    this.#sink = sink
  }

  /**
   * Takes the first `length` bytes of `READ_BUFFER`.
   * @throws on what no server here sends: masked frames, or a message so long that it cannot be put together
   */
  read(length: number): void {
    const end = ROOM_BEFORE + length
    let at = ROOM_BEFORE
    if (this.#begun.length > 0) {
      at -= this.#begun.length
      this.#begun.copy(BUFFER, at)
      this.#begun = NOTHING
    }
    let tail = this.#tail
    this.#tail = NOTHING
    while (at < end) {
      if (this.#left === 0) {
        const body = this.#header(at, end)
        if (body < 0) {
          this.#begun = Buffer.from(BUFFER.subarray(at, end))
          break
        }
        at = body
        if (this.#left === 0) continue // a control frame, or an empty one
        if (at === end) break
      }
      const taken = Math.min(this.#left, end - at)
      let from = at
      if (tail.length > 0) {
        from -= tail.length
        if (from < 0) throw new Error('a message of more than 64 KiB cannot be put together here')
        // It may lie in this same buffer, before the header of the frame it goes on in.
        tail.copy(BUFFER, from)
        tail = NOTHING
      }
      at += taken
      this.#left -= taken
      const rest = this.#sink.data(BUFFER, from, at, this.#left === 0)
      if (rest < at) tail = BUFFER.subarray(rest, at)
    }
    if (tail.length > 0) this.#tail = Buffer.from(tail)
  }

  /** @returns where the frame's payload begins, or behind it if that is dealt with; -1 if not all of the header is here */
  #header(at: number, end: number): number {
    if (end - at < 2) return -1
    const opcode = (BUFFER[at] as number) & 0x0f
    let size = BUFFER[at + 1] as number
    let body = at + 2
    if (size === 126) {
      if (end - at < 4) return -1
      size = BUFFER.readUInt16BE(at + 2)
      body = at + 4
    } else if (size === 127) {
      if (end - at < 10) return -1
      size = Number(BUFFER.readBigUInt64BE(at + 2))
      body = at + 10
    } else if (size > 127) throw new Error('a server must not mask its frames')
    if (opcode < CONTROL) {
      this.#left = size
      return body
    }
    if (body + size > end) return -1
    this.#sink.control(opcode, BUFFER.subarray(body, body + size))
    return body + size
  }
}
