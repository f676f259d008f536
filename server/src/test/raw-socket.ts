import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

/** A WebSocket client by hand, for what no library would do: frames as the test makes them, pings unanswered, nothing read. */
export class RawSocket {
  readonly socket: Socket
  /** Payloads of text frames, once the handshake is over. */
  readonly texts: string[] = []
  /** Code in the close frame that came. */
  closeCode: number | undefined
  isEnded = false
  pings = 0
  #unread = Buffer.alloc(0)
  #isOpen = false
  /** Bytes it reads before it pauses. */
  #appetite = Infinity
  /** What came before the first frame. */
  head = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data: Buffer) => {
      this.#appetite -= data.length
      if (this.#appetite <= 0) socket.pause()
      this.#read(data)
    })
    socket.on('error', () => {}) // `isEnded` tells
    socket.on('close', () => (this.isEnded = true))
  }

  static async connect(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new RawSocket(socket)
  }

  /** Resolves when it is welcome. */
  static async open(url: string, username: string): Promise<RawSocket> {
    const raw = await RawSocket.connect(url)
    raw.upgrade(`/ws?username=${username}`)
    await until('the welcome', () => raw.texts.length > 0)
    return raw
  }

  upgrade(path: string, headers: Record<string, string> = {}): void {
    const all = {
      host: 'localhost',
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  }

  /** Writes one frame; by default a whole, masked text frame. */
  frame(payload: string | Buffer, options: { opcode?: number; fin?: boolean; mask?: boolean } = {}): void {
    this.socket.write(encode(Buffer.from(payload), options))
  }

  say(frame: object): void {
    this.frame(JSON.stringify(frame))
  }

  /** Reads about so many bytes more, and then nothing. */
  async readOnly(bytes: number): Promise<void> {
    this.#appetite = bytes
    this.socket.resume()
    await until(`${bytes} bytes`, () => this.#appetite <= 0)
  }

  /** Reads all there is from now on. */
  readAll(): void {
    this.#appetite = Infinity
    this.socket.resume()
  }

  /** Whether a text holds this. */
  has(part: string): boolean {
    return this.texts.some((text) => text.includes(part))
  }

  #read(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data])
    if (!this.#isOpen) {
      const end = this.#unread.indexOf('\r\n\r\n')
      if (end === -1) return
      this.#isOpen = true
      this.head = this.#unread.toString('latin1', 0, end)
      this.#unread = this.#unread.subarray(end + 4)
    }
    while (this.#frame());
  }

  #frame(): boolean {
    const bytes = this.#unread
    if (bytes.length < 2) return false
    const short = bytes[1]! & 0x7f
    const start = short === 127 ? 10 : short === 126 ? 4 : 2
    if (bytes.length < start) return false
    const length = short === 127 ? bytes.readUInt32BE(6) : short === 126 ? bytes.readUInt16BE(2) : short
    if (bytes.length < start + length) return false
    const payload = bytes.subarray(start, start + length)
    this.#unread = bytes.subarray(start + length)
    const opcode = bytes[0]! & 0x0f
    if (opcode === 1) this.texts.push(payload.toString())
    if (opcode === 8) this.closeCode = payload.readUInt16BE(0)
    if (opcode === 9) this.pings += 1
    return true
  }

  destroy(): void {
    this.socket.destroy()
  }
}

function encode(
  payload: Buffer,
  { opcode = 1, fin = true, mask = true }: { opcode?: number; fin?: boolean; mask?: boolean },
): Buffer {
  const size =
    payload.length < 126
      ? Buffer.from([payload.length])
      : payload.length < 65_536
        ? Buffer.from([126, payload.length >> 8, payload.length & 0xff])
        : Buffer.from([127, 0, 0, 0, 0, ...uint32(payload.length)])
  if (mask) size[0]! |= 0x80
  const first = Buffer.from([(fin ? 0x80 : 0) | opcode])
  if (!mask) return Buffer.concat([first, size, payload])
  const key = randomBytes(4)
  return Buffer.concat([first, size, key, payload.map((byte, i) => byte ^ key[i % 4]!)])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
