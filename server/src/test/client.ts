import { setTimeout as pause } from 'node:timers/promises'
import type { Entry, ServerFrame } from '@flotilla/protocol/frames.ts'
import { ENTRY_TYPES } from '@flotilla/protocol/frames.ts'
import { WebSocket, type ClientOptions } from 'ws'
import { PATIENCE_MS } from './until.ts'

/** How a client comes in. */
export interface Door {
  username?: string
  token?: string
  protocols?: string[]
  origin?: string
}
export type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>
const ENTRIES = new Set<string>(ENTRY_TYPES)

/** A bare client: says lines as they are, and keeps every line it hears. */
export class Client {
  readonly socket: WebSocket
  /** Lines as they came. */
  readonly lines: string[] = []
  readonly frames: ServerFrame[] = []
  /** Frames it was told, as they were packed: how many lines each held. */
  readonly packed: number[] = []
  /** Code of the close, once it is closed. */
  closed: number | undefined
  #refs = 0
  readonly #waiting = new Set<() => void>()

  constructor(url: string, { username, token, protocols, origin }: Door, options: ClientOptions = {}) {
    const query = new URLSearchParams({
      ...(username === undefined ? {} : { username }),
      ...(token === undefined ? {} : { token }),
    })
    this.socket = new WebSocket(`${url}?${query.toString()}`, protocols ?? [], {
      ...options,
      ...(origin === undefined ? {} : { origin }),
    })
    this.socket.on('message', (data: Buffer) => {
      const lines = data.toString().split('\n')
      this.packed.push(lines.length)
      for (const line of lines) {
        this.lines.push(line)
        this.frames.push(JSON.parse(line) as ServerFrame)
      }
      this.#wake()
    })
    this.socket.on('error', () => {}) // the close tells
    this.socket.on('close', (code) => {
      this.closed = code
      this.#wake()
    })
  }

  /** Resolves when it is welcome. */
  static async open(url: string, door: Door): Promise<Client> {
    const client = new Client(url, door)
    await client.frame('welcome')
    return client
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Resolves with what `find` finds, as soon as it does. @throws if the line closes or nothing comes */
  async until<T>(what: string, find: (client: this) => T | undefined | false): Promise<T> {
    const deadline = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const found = find(this)
      if (found !== undefined && found !== false) return found
      if (this.closed !== undefined) throw new Error(`closed with ${this.closed}: ${what}`)
      if (deadline.aborted) {
        throw new Error(`waited in vain: ${what}\n${this.lines.slice(-5).join('\n').slice(0, 2_000)}`)
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          deadline.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        deadline.addEventListener('abort', wake)
      })
    }
  }

  /** The first frame of this type that fits, also one that came before. */
  frame<T extends ServerFrame['type']>(
    type: T,
    fits: (frame: Frame<T>) => boolean = () => true,
  ): Promise<Frame<T>> {
    return this.until(`a frame ${type}`, () => this.of(type).find(fits))
  }

  /** All frames of this type so far. */
  of<T extends ServerFrame['type']>(type: T): Frame<T>[] {
    return this.frames.filter((frame): frame is Frame<T> => frame.type === type)
  }

  /** Says these in one frame, a line each; texts as they are. */
  say(...frames: (object | string)[]): void {
    this.socket.send(
      frames.map((frame) => (typeof frame === 'string' ? frame : JSON.stringify(frame))).join('\n'),
    )
  }

  /** Asks with a `ref` of its own, and resolves with the answer. */
  async ask<T extends ServerFrame['type'] = 'error'>(frame: object, _type?: T): Promise<Frame<T>> {
    this.#refs += 1
    const ref = `q${this.#refs}`
    this.say({ ...frame, ref })
    return this.until(`an answer to ${JSON.stringify(frame).slice(0, 200)}`, () =>
      this.frames.find((one): one is Frame<T> => 'ref' in one && one.ref === ref),
    )
  }

  join(room: string, more: { since?: number; log?: string } = {}): Promise<Frame<'joined'>> {
    return this.expect('joined', { type: 'join', room, ...more })
  }

  send(room: string, id: string, text: string, more: object = {}): Promise<Frame<'ack'>> {
    return this.expect('ack', { type: 'send', room, id, text, ...more })
  }

  history(room: string, more: { before?: number; after?: number; limit?: number } = {}) {
    return this.expect('history', { type: 'history', room, ...more })
  }

  /** Asks for something that succeeds; again, as any client would, while it is told that the room is busy. */
  async expect<T extends ServerFrame['type']>(type: T, frame: object): Promise<Frame<T>> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await this.ask(frame, type)
      if (answer.type === type) return answer
      const error: ServerFrame = answer
      const isBusy = error.type === 'error' && error.code === 'busy'
      if (!isBusy || performance.now() > deadline) {
        throw new Error(`${JSON.stringify(answer)} to ${JSON.stringify(frame)}`)
      }
      await pause(error.retryMs ?? 100)
    }
  }

  /** Everything said before was taken, and what it caused at once is here. */
  async settled(): Promise<void> {
    await this.expect('pong', { type: 'ping' })
  }

  entries(room: string): Entry[] {
    return this.frames.filter(
      (frame): frame is Entry => ENTRIES.has(frame.type) && 'room' in frame && frame.room === room,
    )
  }

  /** The entries of a room as they came, byte for byte. */
  entryLines(room: string): string[] {
    return this.lines.filter((_, i) => {
      const frame = this.frames[i] as ServerFrame
      return ENTRIES.has(frame.type) && 'room' in frame && frame.room === room
    })
  }

  seqs(room: string): number[] {
    return this.entries(room).map(({ seq }) => seq)
  }

  /** Resolves when the entry with this seq, or one after it, is here. */
  async upTo(room: string, seq: number): Promise<void> {
    await this.until(`entry ${seq}`, () => this.entries(room).some((entry) => entry.seq >= seq))
  }

  /** Resolves with the code of the close. */
  async close(): Promise<number> {
    while (this.closed === undefined) {
      await this.until('the close', () => this.closed !== undefined).catch((cause: unknown) => {
        if (this.closed === undefined) throw cause
      })
    }
    return this.closed
  }

  terminate(): void {
    this.socket.terminate()
  }
}

/** Why an upgrade was refused. */
export interface Refusal {
  status: number
  code: unknown
  retryAfter: string | undefined
  connection: string | undefined
  /** In line, at a server that is full. */
  place: unknown
}

/** Tries a door. @returns why it stays shut, or the client if it opens */
export function knock(url: string, door: Door, options: ClientOptions = {}): Promise<Refusal | Client> {
  const client = new Client(url, door, options)
  return new Promise((resolve, reject) => {
    client.socket.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', (part: Buffer) => (text += part.toString()))
      response.on('end', () => {
        const { code, place } = JSON.parse(text === '' ? '{}' : text) as { code?: unknown; place?: unknown }
        const { connection, 'retry-after': retryAfter } = response.headers
        resolve({ status: response.statusCode ?? 0, code, retryAfter, connection, place })
      })
    })
    client.frame('welcome').then(() => resolve(client), reject)
  })
}
