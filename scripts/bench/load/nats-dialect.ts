import { countMessage } from './count-message.ts'
import type { Dialect, Me, Talk } from './dialect.ts'
import { textFrame } from './frame-writer.ts'
import type { SendIdRead } from './send-id.ts'

const LETTER_M = 0x4d
const NEWLINE = 0x0a
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const LINE_END = 2
/** `MSG ` */
const SUBJECT_AT = 4

/** The text protocol of NATS; frames of the WebSocket mean nothing to it. A room is a subject. */
export const natsDialect: Dialect = {
  hasAcks: false,
  door: () => ({ path: '/' }),
  talk: (me) => new NatsTalk(me),
}

class NatsTalk implements Talk {
  readonly #me: Me
  readonly #read: SendIdRead = { run: 0, k: 0 }

  constructor(me: Me) {
    this.#me = me
  }

  join(): void {
    // The answer to the ping says that the subscription stands.
    this.#write(`CONNECT {"verbose":false,"pedantic":false}\r\nSUB ${this.#me.room} 1\r\nPING\r\n`)
  }

  send(id: string, text: string): void {
    const payload = `${id} ${text}`
    this.#write(`PUB ${this.#me.room} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`)
  }

  data(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      const lineEnd = endOfLine(bytes, at, end)
      if (lineEnd < 0) return at
      if (bytes[at] !== LETTER_M) {
        this.#other(bytes.toString('latin1', at, lineEnd - 1))
        at = lineEnd + 1
        continue
      }
      const payload = lineEnd + 1
      const next = payload + lengthBefore(bytes, lineEnd - LINE_END) + LINE_END
      if (next > end) return at
      countMessage(this.#me, bytes, payload, next, this.#read)
      at = next
    }
    return end
  }

  #other(line: string): void {
    if (line === 'PONG') this.#me.joined()
    else if (line === 'PING') this.#write('PONG\r\n')
    else if (line.startsWith('-ERR')) this.#me.failed(line)
  }

  #write(text: string): void {
    this.#me.write(textFrame(text))
  }
}

/** Lines are short: a search by hand is quicker than a call. */
function endOfLine(bytes: Buffer, at: number, end: number): number {
  for (let i = at + SUBJECT_AT; i < end; i += 1) if (bytes[i] === NEWLINE) return i
  return -1
}

/** The number whose last digit is at `at`. */
function lengthBefore(bytes: Buffer, at: number): number {
  let length = 0
  for (let unit = 1; ; unit *= 10, at -= 1) {
    const byte = bytes[at] as number
    if (byte < DIGIT_0 || byte > DIGIT_9) return length
    length += unit * (byte - DIGIT_0)
  }
}
