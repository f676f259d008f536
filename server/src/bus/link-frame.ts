/**
 * What is sent to one peer in one turn, as it is gathered: a WebSocket binary frame that grows in place. Each message is the length
 * of its head and of its lines (4 bytes each, big-endian), the head as JSON, the lines as they are.
 */

/** Before the messages, for the longest header there is: 2 bytes, a length of 8, a mask of 4. */
const HEADER_ROOM = 14
const FIRST_BYTES = 1_024

export class LinkFrame {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #end = HEADER_ROOM
  #messages = 0

  /** Bytes of the messages so far. */
  get length(): number {
    return this.#end - HEADER_ROOM
  }

  get messages(): number {
    return this.#messages
  }

  add(head: string, lines: Buffer): void {
    this.#makeRoom(8 + 3 * head.length + lines.length) // a UTF-16 unit takes three bytes at most
    const headLength = this.#bytes.write(head, this.#end + 8)
    this.#bytes.writeUInt32BE(headLength, this.#end)
    this.#bytes.writeUInt32BE(lines.length, this.#end + 4)
    this.#bytes.set(lines, this.#end + 8 + headLength)
    this.#end += 8 + headLength + lines.length
    this.#messages += 1
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }

  /**
   * The frame, whole; nothing may be added afterwards.
   * @param isClient it goes to the server of the WebSocket: such frames carry a mask (RFC 6455, section 5.3). It protects proxies
   *   from what a web page may send; between servers it is zero, which leaves the bytes as they are.
   */
  finish(isClient: boolean): Buffer {
    const { length } = this
    const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
    const start = HEADER_ROOM - 2 - lengthBytes - (isClient ? 4 : 0)
    const bytes = this.#bytes
    bytes[start] = 0x82
    bytes[start + 1] = (isClient ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
    if (lengthBytes === 2) bytes.writeUInt16BE(length, start + 2)
    else if (lengthBytes === 8) bytes.writeBigUInt64BE(BigInt(length), start + 2)
    if (isClient) bytes.writeUInt32BE(0, HEADER_ROOM - 4)
    return bytes.subarray(start, this.#end)
  }
}
