import type { Seq } from '@flotilla/protocol/frames.ts'

/**
 * The recent entries of a room, each encoded once. Followers read it by cursor; who stands at the same cursor gets
 * the very same bytes, so that a thousand followers cost one concatenation.
 */

/** Entries `from` … `to`, as bytes that every follower is sent alike. */
export interface Slice {
  from: Seq
  to: Seq
  /** A complete WebSocket text frame holding `lines`. */
  frame: Buffer
  /** The entries, one JSON line each, with `\n` between them: a view into `frame`. */
  lines: Buffer
}

export interface RingLimits {
  entries: number
  bytes: number
  /** Longest `lines` of one slice, unless a single entry is longer. */
  sliceBytes: number
}

const DEFAULTS: RingLimits = { entries: 512, bytes: 1024 * 1024, sliceBytes: 64 * 1024 }
/** What does not fit into one slice is cut where seq is a multiple of this, if it can be: followers at different cursors meet there. */
const CUT_ENTRIES = 32
/** Slices kept for the next follower at the same cursor. */
const MAX_SLICES = 16
const NEWLINE = 0x0a

export class Ring {
  readonly #limits: RingLimits
  /** Larger than in `#limits` for a room of many followers. */
  #entries: number
  #lines: (Buffer | undefined)[] = []
  /** Index in `#lines` of the oldest entry kept; the ones before it were dropped and wait for compaction. */
  #start = 0
  #bytes = 0
  #head: Seq
  /** By `from`; of what is in the ring now. */
  readonly #slices = new Map<Seq, Slice>()

  /** An empty ring of a log whose last entry is `head`. */
  constructor(head: Seq, limits: Partial<RingLimits> = {}) {
    this.#head = head
    this.#limits = { ...DEFAULTS, ...limits }
    this.#entries = this.#limits.entries
  }

  /** Keeps as many entries at least from now on, as far as their bytes allow. */
  widen(entries: number): void {
    this.#entries = Math.max(this.#entries, entries)
  }

  /** Seq of the last entry of the log, as known here. */
  get head(): Seq {
    return this.#head
  }

  /** Seq of the oldest entry kept; head + 1 if none. */
  get first(): Seq {
    return this.#head - (this.#lines.length - this.#start) + 1
  }

  /** Entries it can still take in front without forgetting any, if they are as long as those it has. */
  get space(): number {
    const kept = this.#lines.length - this.#start
    const free = this.#entries - kept
    if (kept === 0) return free
    return Math.min(free, Math.floor(((this.#limits.bytes - this.#bytes) * kept) / this.#bytes))
  }

  /** Appends the entry head + 1. At its bound the ring forgets the oldest: they are in the log. */
  push(line: Buffer): void {
    this.#lines.push(line)
    this.#bytes += line.length
    this.#head += 1
    if (this.#slices.size > 0) this.#slices.clear()
    while (
      this.#lines.length - this.#start > this.#entries ||
      (this.#bytes > this.#limits.bytes && this.#lines.length - this.#start > 1)
    ) {
      this.#bytes -= this.#lines[this.#start]?.length ?? 0
      this.#lines[this.#start] = undefined
      this.#start += 1
    }
    if (this.#start > this.#entries) {
      this.#lines = this.#lines.slice(this.#start)
      this.#start = 0
    }
  }

  /** Entries `from` … `to`; undefined unless it holds all of them, or there are none. */
  lines(from: Seq, to: Seq): Buffer[] | undefined {
    if (from < this.first || to > this.#head || from > to + 1) return undefined
    const end = this.#lines.length - (this.#head - to)
    return this.#lines.slice(end - (to - from + 1), end) as Buffer[]
  }

  /**
   * Puts entries read from the log in front, `to` being the last one's seq: resumes that follow find them here.
   * Taken only if they join on, and as far as they fit.
   */
  prepend(lines: readonly Buffer[], to: Seq): void {
    if (to !== this.first - 1) return
    let room = this.#entries - (this.#lines.length - this.#start)
    const taken: Buffer[] = []
    for (let i = lines.length - 1; i >= 0 && room > 0; i -= 1, room -= 1) {
      const line = lines[i]
      if (line === undefined || this.#bytes + line.length > this.#limits.bytes) break
      taken.unshift(line)
      this.#bytes += line.length
    }
    this.#lines = [...taken, ...this.#lines.slice(this.#start)]
    this.#start = 0
  }

  /** cursor + 1 … head, or as much of it as one slice holds; undefined when the ring no longer reaches back so far. */
  after(cursor: Seq): Slice | undefined {
    if (cursor >= this.#head || cursor + 1 < this.first) return undefined
    const known = this.#slices.get(cursor + 1)
    if (known !== undefined) return known
    if (this.#slices.size >= MAX_SLICES) this.#slices.clear()
    const slice = makeSlice(this.#linesAfter(cursor), cursor + 1)
    this.#slices.set(slice.from, slice)
    return slice
  }

  #linesAfter(cursor: Seq): Buffer[] {
    const begin = this.#lines.length - (this.#head - cursor)
    const lines: Buffer[] = []
    let bytes = 0
    let even = 0
    for (let i = begin; i < this.#lines.length; i += 1) {
      const line = this.#lines[i] as Buffer
      if (i > begin && bytes + line.length + 1 > this.#limits.sliceBytes) {
        return even > 0 ? lines.slice(0, even) : lines
      }
      lines.push(line)
      bytes += line.length + 1
      if ((cursor + lines.length) % CUT_ENTRIES === 0) even = lines.length
    }
    return lines
  }
}

/** @param lines at least one; the first has seq `from` */
export function makeSlice(lines: readonly Buffer[], from: Seq): Slice {
  let length = lines.length - 1
  for (const line of lines) length += line.length
  const header = headerLength(length)
  const frame = Buffer.allocUnsafe(header + length)
  writeHeader(frame, length)
  let at = header
  for (const line of lines) {
    if (at > header) frame[at++] = NEWLINE
    at += line.copy(frame, at)
  }
  return { from, to: from + lines.length - 1, frame, lines: frame.subarray(header) }
}

/** The lines, of which the first has seq `from`, in slices of `bytes` each, unless a single one is longer. */
export function cutSlices(lines: readonly Buffer[], from: Seq, bytes: number): Slice[] {
  const slices: Slice[] = []
  let begin = 0
  let length = 0
  lines.forEach((line, i) => {
    if (i > begin && length + line.length > bytes) {
      slices.push(makeSlice(lines.slice(begin, i), from + begin))
      begin = i
      length = 0
    }
    length += line.length
  })
  if (begin < lines.length) slices.push(makeSlice(lines.slice(begin), from + begin))
  return slices
}

/**
 * A WebSocket text frame around `text`, as a server sends it: final, unmasked (RFC 6455, section 5.2).
 * @param lines entries that follow in the same frame, on lines of their own
 */
export function textFrame(text: string, lines?: Buffer): Buffer {
  const textLength = Buffer.byteLength(text)
  const length = lines === undefined ? textLength : textLength + 1 + lines.length
  const header = headerLength(length)
  const frame = Buffer.allocUnsafe(header + length)
  writeHeader(frame, length)
  frame.write(text, header)
  if (lines !== undefined) {
    frame[header + textLength] = NEWLINE
    frame.set(lines, header + textLength + 1)
  }
  return frame
}

/** The header of such a frame, a character for each byte. `payload`: bytes. */
export function textHeader(payload: number): string {
  if (payload < 126) return String.fromCharCode(0x81, payload)
  if (payload < 65_536) return String.fromCharCode(0x81, 126, payload >> 8, payload & 0xff)
  const header = Buffer.allocUnsafe(10)
  writeHeader(header, payload)
  return header.toString('latin1')
}

function headerLength(payload: number): 2 | 4 | 10 {
  return payload < 126 ? 2 : payload < 65_536 ? 4 : 10
}

function writeHeader(frame: Buffer, payload: number): void {
  frame[0] = 0x81
  if (payload < 126) frame[1] = payload
  else if (payload < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(payload, 2)
  } else {
    frame[1] = 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(payload, 6)
  }
}

/** The seq of an encoded entry: no room's id holds what it is looked for by. */
export function seqOf(line: Buffer): Seq {
  const at = line.indexOf(SEQ) + SEQ.length
  return Number.parseInt(line.toString('latin1', at, at + 16), 10)
}
const SEQ = '"seq":'

/** The lines of `bytes`, each a view into it. */
export function cutLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(NEWLINE, at)
    if (end === -1) {
      lines.push(bytes.subarray(at))
      break
    }
    lines.push(bytes.subarray(at, end))
    at = end + 1
  }
  return lines
}
