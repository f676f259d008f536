import type { ClientFrame, Welcome } from '../frames.ts'
import type { Clock } from './clock.ts'

/** Requests of one turn share a frame up to this many characters: at most 3 bytes each, below the limit of 64 KiB. */
const FRAME_CHARS = 16 * 1024

export interface LineListener {
  message: (text: string) => void
  lost: (code: number) => void
  /** A send goes out, the first since something was received. */
  asked: () => void
}

/**
 * One WebSocket of a client, from before it opens to its end. What is sent within one turn goes out in as few
 * frames as it fits. Once closed, from here or there, it reports nothing any more.
 */
export class Line {
  readonly id: number
  readonly #clock: Clock
  readonly #on: LineListener
  #socket: WebSocket | undefined
  #isClosed = false
  #outgoing: string[] = []
  #outgoingChars = 0
  /** When something was last received. */
  receivedAt: number
  /** When the first send went out since then. */
  askedAt: number | undefined
  /** Set once the server has greeted. */
  welcome: Welcome | undefined

  constructor(id: number, clock: Clock, on: LineListener) {
    this.id = id
    this.#clock = clock
    this.#on = on
    this.receivedAt = clock.now()
  }

  /** Whether it still counts: not closed from here, not lost. */
  get isOpen(): boolean {
    return !this.#isClosed
  }

  open(make: () => WebSocket): void {
    if (this.#isClosed) return
    let socket: WebSocket
    try {
      socket = make()
    } catch {
      this.#lose(1006) // an address no WebSocket can be made of: as good as unreachable
      return
    }
    this.#socket = socket
    socket.onmessage = ({ data }: MessageEvent) => {
      if (this.#isClosed) return
      this.receivedAt = this.#clock.now()
      this.askedAt = undefined
      if (typeof data === 'string') this.#on.message(data)
    }
    socket.onclose = ({ code }: CloseEvent) => this.#lose(code)
    // Some platforms report a failed handshake by `error` alone; where `close` follows, it comes too late to count.
    socket.onerror = () => {
      if (socket.readyState !== 1) this.#lose(1006)
    }
  }

  fail(): void {
    this.#lose(1006)
  }

  /** One request; goes out at the end of this turn. On a closed line it is dropped: its answer is never awaited there. */
  send(frame: ClientFrame): void {
    if (this.#isClosed) return
    if (frame.type === 'send' && this.askedAt === undefined) {
      this.askedAt = this.#clock.now()
      this.#on.asked()
    }
    const text = JSON.stringify(frame)
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush())
    else if (this.#outgoingChars + text.length > FRAME_CHARS) this.#write()
    this.#outgoing.push(text)
    this.#outgoingChars += text.length + 1
  }

  /** Ends it; what was sent before still goes out. */
  close(): void {
    if (this.#isClosed) return
    this.#flush()
    this.#isClosed = true
    try {
      this.#socket?.close(1000)
    } catch {
      // Closing a socket that never opened may throw; it is gone either way.
    }
  }

  #flush(): void {
    if (this.#outgoing.length > 0 && !this.#isClosed) this.#write()
  }

  #write(): void {
    const text = this.#outgoing.join('\n')
    this.#outgoing = []
    this.#outgoingChars = 0
    if (this.#socket?.readyState === 1) this.#socket.send(text)
  }

  #lose(code: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#on.lost(code)
  }
}
