import { isUtf8 } from 'node:buffer'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'

/**
 * Reads what a client sends on its WebSocket (RFC 6455, section 5): whole messages out of chunks that end anywhere. Written for what is
 * common, a short text in one frame and one chunk: it is unmasked where it lies. A reader that waits for nothing holds nothing.
 */

/** Where it goes, in the order in which it came. */
export interface FrameSink {
  text(text: string): void
  binary(): void
  ping(payload: Buffer): void
  pong(): void
  /** `payload`: as it came, two bytes of code and a reason, or nothing. */
  closing(payload: Buffer): void
}

export interface FrameLimits {
  /** Longest message, all its fragments together. */
  frameBytes: number
  fragments: number
  /** Most chunks that one frame may come in. */
  bufferedChunks: number
}

const MORE = 0x0
const TEXT = 0x1
const BINARY = 0x2
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa
const LAST = 0x80
const RESERVED = 0x70
const MASKED = 0x80
const MASK_BYTES = 4
const CONTROL_BYTES = 125

export class FrameReader {
  readonly #limits: FrameLimits
  /** Chunks of a frame that is not whole, and how many bytes it takes to go on. */
  #held: Buffer[] | undefined
  #heldBytes = 0
  #wantedBytes = 0
  /** Fragments of a text that is not whole. */
  #fragments: Buffer[] | undefined
  #fragmentBytes = 0

  constructor(limits: FrameLimits) {
    this.#limits = limits
  }

  /** Takes a chunk, which is written to. @returns the code of the rule that was broken: nothing can be read after that */
  read(chunk: Buffer, sink: FrameSink): CloseCode | undefined {
    const bytes = this.#held === undefined ? chunk : this.#joined(this.#held, chunk)
    if (bytes === undefined) {
      return (this.#held?.length ?? 0) > this.#limits.bufferedChunks ? 1008 : undefined
    }
    let at = 0
    while (at < bytes.length) {
      const first = bytes[at] as number
      const second = bytes[at + 1]
      if (second === undefined) return this.#hold(bytes, at, 2)
      let length = second & 0x7f
      const opcode = first & 0x0f
      const isLast = (first & LAST) !== 0
      if ((first & RESERVED) !== 0 || (second & MASKED) === 0) return 1002
      if (opcode >= CLOSE ? opcode > PONG || !isLast || length > CONTROL_BYTES : opcode > BINARY) return 1002
      if (opcode < CLOSE && (opcode === MORE) === (this.#fragments === undefined)) return 1002

      let maskAt = at + 2
      if (length === 126) {
        maskAt += 2
        if (bytes.length < maskAt) return this.#hold(bytes, at, 4)
        length = bytes.readUInt16BE(at + 2)
      } else if (length === 127) {
        maskAt += 8
        if (bytes.length < maskAt) return this.#hold(bytes, at, 10)
        length = bytes.readUInt32BE(at + 2) === 0 ? bytes.readUInt32BE(at + 6) : Infinity
      }
      if (opcode < CLOSE && this.#fragmentBytes + length > this.#limits.frameBytes) return 1009
      const start = maskAt + MASK_BYTES
      const end = start + length
      if (bytes.length < end) return this.#hold(bytes, at, end - at)
      const isAscii = unmask(bytes, maskAt, end)
      at = end

      switch (opcode) {
        case TEXT:
        case MORE: {
          const broken =
            isLast && opcode === TEXT
              ? giveText(bytes, start, end, isAscii, sink)
              : this.#addFragment(bytes.subarray(start, end), isLast, sink)
          if (broken !== undefined) return broken
          break
        }
        case BINARY:
          sink.binary()
          // It closes the line; whatever else comes of it before that is read over.
          if (!isLast) this.#fragments = []
          break
        case PING:
          sink.ping(bytes.subarray(start, end))
          break
        case PONG:
          sink.pong()
          break
        default: {
          const payload = bytes.subarray(start, end)
          const broken = brokenClose(payload)
          if (broken !== undefined) return broken
          sink.closing(payload)
        }
      }
    }
    return undefined
  }

  /** Keeps the frame that begins at `at` until `wanted` bytes of it are here. */
  #hold(bytes: Buffer, at: number, wanted: number): undefined {
    this.#held = [bytes.subarray(at)]
    this.#heldBytes = bytes.length - at
    this.#wantedBytes = wanted
  }

  /** What is held and the chunk behind it, if it is enough to go on. */
  #joined(held: Buffer[], chunk: Buffer): Buffer | undefined {
    held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes < this.#wantedBytes) return undefined
    this.#held = undefined
    return Buffer.concat(held, this.#heldBytes)
  }

  #addFragment(payload: Buffer, isLast: boolean, sink: FrameSink): CloseCode | undefined {
    this.#fragments ??= []
    this.#fragments.push(payload)
    this.#fragmentBytes += payload.length
    if (this.#fragments.length > this.#limits.fragments) return 1008
    if (!isLast) return undefined
    const text = Buffer.concat(this.#fragments, this.#fragmentBytes)
    this.#fragments = undefined
    this.#fragmentBytes = 0
    return giveText(text, 0, text.length, false, sink)
  }
}

/** Unmasks what lies between the mask and `end`. @returns whether all of it is ASCII */
function unmask(bytes: Buffer, maskAt: number, end: number): boolean {
  const [m0, m1, m2, m3] = [bytes[maskAt], bytes[maskAt + 1], bytes[maskAt + 2], bytes[maskAt + 3]] as [
    number,
    number,
    number,
    number,
  ]
  let all = 0
  let i = maskAt + MASK_BYTES
  for (; i + 3 < end; i += 4) {
    all |= bytes[i]! ^= m0
    all |= bytes[i + 1]! ^= m1
    all |= bytes[i + 2]! ^= m2
    all |= bytes[i + 3]! ^= m3
  }
  if (i < end) all |= bytes[i]! ^= m0
  if (i + 1 < end) all |= bytes[i + 1]! ^= m1
  if (i + 2 < end) all |= bytes[i + 2]! ^= m2
  return all < 0x80
}

function giveText(
  bytes: Buffer,
  start: number,
  end: number,
  isAscii: boolean,
  sink: FrameSink,
): 1007 | undefined {
  if (isAscii) sink.text(bytes.toString('latin1', start, end))
  else if (isUtf8(bytes.subarray(start, end))) sink.text(bytes.toString('utf8', start, end))
  else return 1007
  return undefined
}

/** What is wrong with the payload of a close frame. */
function brokenClose(payload: Buffer): 1002 | 1007 | undefined {
  if (payload.length === 0) return undefined
  if (payload.length === 1) return 1002
  const code = payload.readUInt16BE(0)
  const isKnown = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
  if (!isKnown && (code < 3000 || code > 4999)) return 1002
  return isUtf8(payload.subarray(2)) ? undefined : 1007
}
