import type { Dialect, Me, Talk } from './dialect.ts'
import { textFrame } from './frame-writer.ts'
import { readSendId, type SendIdRead } from './send-id.ts'

const NEWLINE = 0x0a
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
/** Shorter than any line there is but a pong. */
const SHORTER_THAN_A_LINE = 16
/** `{"type":"` stands before it. */
const TYPE_AT = 9
/** `,"seq":` and `,"id":"`. */
const TOLD_BY_LAST = 7

/** Flotilla's own wire, and the plain server's: a line of JSON each. */
export const flotillaDialect: Dialect = {
  hasAcks: true,
  door: (url, name) => ({ path: `${url.pathname}?username=${encodeURIComponent(name)}` }),
  talk: (me) => new FlotillaTalk(me),
}

/**
 * Counts messages by their bytes and checks that the seq of each is above the one before: every one at every client. Both servers
 * write the fields in one order, `{"type":"message","room":…,"seq":…,"id":…`, so the seq is always at the same place.
 */
class FlotillaTalk implements Talk {
  readonly #me: Me
  /** What a message of the room begins with; its seq follows. */
  readonly #messageHead: Buffer
  readonly #ackHead: Buffer
  readonly #read: SendIdRead = { run: 0, k: 0 }
  #lastSeq = 0
  /** Length of the last message: the next one is likely to be as long. */
  #lastLength = 0

  constructor(me: Me) {
    this.#me = me
    this.#messageHead = Buffer.from(`{"type":"message","room":"${me.room}","seq":`)
    this.#ackHead = Buffer.from(`{"type":"ack","room":"${me.room}","id":"`)
  }

  join(): void {
    this.#me.write(textFrame(`{"type":"join","room":"${this.#me.room}"}`))
  }

  send(id: string, text: string): void {
    this.#me.write(textFrame(`{"type":"send","room":"${this.#me.room}","id":"${id}","text":"${text}"}`))
  }

  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number {
    let at = start
    while (at < end) {
      const isMessage = startsWith(bytes, at, end, this.#messageHead)
      const lineEnd = isMessage ? this.#messageEnd(bytes, at, end, endsFrame) : endOfLine(bytes, at, end)
      if (lineEnd === end && !endsFrame) return at
      if (isMessage) {
        this.#lastLength = lineEnd - at
        this.#message(bytes, at + this.#messageHead.length, lineEnd)
      } else if (lineEnd > at) this.#other(bytes, at, lineEnd)
      at = lineEnd + 1
    }
    return end
  }

  /** Where the message at `at` ends: looked for only if it is not as long as the one before it. */
  #messageEnd(bytes: Buffer, at: number, end: number, endsFrame: boolean): number {
    const likely = at + this.#lastLength
    if (likely < end && bytes[likely] === NEWLINE) return likely
    if (endsFrame && Math.abs(end - likely) < SHORTER_THAN_A_LINE) return end
    return endOfLine(bytes, at, end)
  }

  #message(bytes: Buffer, at: number, end: number): void {
    const me = this.#me
    let seq = 0
    for (; at < end; at += 1) {
      const byte = bytes[at] as number
      if (byte < DIGIT_0 || byte > DIGIT_9) break
      seq = seq * 10 + byte - DIGIT_0
    }
    me.received += 1
    if (seq <= this.#lastSeq) me.misordered += 1
    this.#lastSeq = seq
    if (!me.isSampled) return
    if (readSendId(bytes, at + ',"id":"'.length, end, this.#read)) me.arrived(this.#read.run, this.#read.k)
  }

  #other(bytes: Buffer, start: number, end: number): void {
    const me = this.#me
    if (startsWith(bytes, start, end, this.#ackHead)) {
      if (readSendId(bytes, start + this.#ackHead.length, end, this.#read)) {
        me.acked(this.#read.run, this.#read.k)
      }
      return
    }
    const frame = JSON.parse(bytes.toString('utf8', start, end)) as {
      type: string
      room?: string
      id?: string
      code?: string
      retryMs?: number
    }
    if (frame.type === 'joined') me.joined()
    else if (frame.type === 'error') {
      if (frame.room === undefined && frame.retryMs !== undefined) me.putOff(frame.retryMs)
      else if (frame.id === undefined && frame.code === 'busy') me.refused()
      else me.failed(frame.code ?? 'unknown')
    } else if (frame.type === 'message' || frame.type === 'ack') {
      // Fields in another order would be counted wrongly.
      throw new Error(`a ${frame.type} that is not written as expected: ${JSON.stringify(frame)}`)
    }
  }
}

/** Looks at the end of the head and at the first letters of the type: that tells the frames there are from each other. */
function startsWith(bytes: Buffer, at: number, end: number, head: Buffer): boolean {
  const { length } = head
  if (at + length > end) return false
  for (let i = length - 1; i >= length - TOLD_BY_LAST; i -= 1) {
    if (bytes[at + i] !== head[i]) return false
  }
  return bytes[at + TYPE_AT] === head[TYPE_AT] && bytes[at + TYPE_AT + 1] === head[TYPE_AT + 1]
}

function endOfLine(bytes: Buffer, at: number, end: number): number {
  // In a view that ends there: the search would run on through the rest of the buffer.
  const found = bytes.subarray(at, end).indexOf(NEWLINE)
  return found < 0 ? end : at + found
}
