import { reconnectDelay, resendDelay, slotDelay } from '@flotilla/protocol/client/backoff.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { WsSocket, type WsOwner } from './ws-socket.ts'

// `{"type":"me…`: no other frame begins like that.
const QUOTE_T = 0x74
const LETTER_M = 0x6d
const LETTER_E = 0x65

/** Where a room's log stood when its members were cut off. */
export interface Mark {
  room: string
  log: string
  seq: number
}

interface Answer {
  type: string
  room?: string
  code?: string
  retryMs?: number
  head?: number
  first?: number
  entries?: { seq: number }[]
}

/** What one of them tells the crowd it is in. */
export interface Returning {
  caughtUp(entries: number): void
  /** The server gave it a place in time. */
  putOff(): void
  paged(): void
  /** It starts anew. */
  lost(why: string): void
}

/**
 * One client that comes back: it goes by the client library's delays, joins with what it has, pages what the stream leaves
 * out, and stays.
 */
export class Returner implements WsOwner {
  readonly #url: URL
  readonly #from: Mark
  readonly #crowd: Returning
  #ws: WsSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #putOffMs: number | undefined
  #joined: { head: number; first: number } | undefined
  /** The last entry before the stream that is here. */
  #paged: number
  #streamed = 0
  #isDone = false

  constructor(url: URL, from: Mark, crowd: Returning) {
    this.#url = url
    this.#from = from
    this.#crowd = crowd
    this.#paged = from.seq
  }

  comeBack(): void {
    this.#after(reconnectDelay(0, Math.random), () => this.#connect())
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#ws?.close()
  }

  #connect(): void {
    this.#joined = undefined
    this.#paged = this.#from.seq
    this.#streamed = 0
    this.#ws = new WsSocket(this.#url, this)
  }

  opened(): void {
    const { room, log, seq } = this.#from
    this.#ws?.text(`{"type":"join","room":"${room}","since":${seq},"log":"${log}"}`)
  }

  line(bytes: Buffer, start: number, end: number): void {
    if (bytes[start + 9] === LETTER_M && bytes[start + 10] === LETTER_E && bytes[start + 2] === QUOTE_T) {
      this.#streamed += 1
      this.#judge()
      return
    }
    const frame = JSON.parse(bytes.toString('utf8', start, end)) as Answer
    if (frame.type === 'joined') {
      this.#joined = { head: frame.head ?? 0, first: frame.first ?? 0 }
      this.#page()
    } else if (frame.type === 'history') {
      this.#crowd.paged()
      this.#paged = frame.entries?.at(-1)?.seq ?? this.#paged
      this.#page()
    } else if (frame.type === 'error') this.#refused(frame)
  }

  #refused({ room, code = 'unknown', retryMs }: Answer): void {
    if (room === undefined && retryMs !== undefined) this.#putOffMs = retryMs
    else if (code === 'busy')
      this.#after(resendDelay(0, Math.random, retryMs), () => (this.#joined ? this.#page() : this.opened()))
    else throw new Error(`refused: ${code}`)
  }

  /** Asks for what lies between what it had and where the stream starts. */
  #page(): void {
    const missing = (this.#joined?.first ?? 0) - 1 - this.#paged
    if (missing <= 0) return this.#judge()
    const limit = Math.min(missing, LIMITS.historyEntries)
    this.#ws?.text(`{"type":"history","room":"${this.#from.room}","after":${this.#paged},"limit":${limit}}`)
  }

  #judge(): void {
    if (this.#isDone || this.#joined === undefined) return
    const { head, first } = this.#joined
    if (this.#paged < first - 1 || this.#streamed < head - first + 1) return
    this.#isDone = true
    this.#crowd.caughtUp(head - this.#from.seq)
  }

  lost(why: string): void {
    const putOffMs = this.#putOffMs
    this.#putOffMs = undefined
    if (putOffMs !== undefined) {
      this.#crowd.putOff()
      this.#after(slotDelay(putOffMs, Math.random), () => this.#connect())
    } else {
      this.#crowd.lost(why)
      this.#failures += 1
      this.#after(reconnectDelay(this.#failures, Math.random), () => this.#connect())
    }
  }

  #after(ms: number, work: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(work, ms)
  }
}
