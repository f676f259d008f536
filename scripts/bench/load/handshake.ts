// The handshake of a WebSocket on a bare TCP socket, as a client has it.

/** What is written first. `path`: with its query. */
export function handshake({ path, host, subprotocols }: Handshake): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n` +
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    (subprotocols === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocols}\r\n`) +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  )
}

export interface Handshake {
  path: string
  host: string
  /** Those that may be chosen from, with commas between them. */
  subprotocols?: string | undefined
}

/** Longer than the head of any answer. */
const MOST_CHARS = 64 * 1024

/** The answer to it, in as many parts as it comes in. */
export class HandshakeAnswer {
  #text = ''

  /**
   * Takes a part, in `latin1`. @returns what came behind the answer, once that is whole
   * @throws if it is refused
   */
  take(part: string): string | undefined {
    this.#text += part
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0 && this.#text.length > MOST_CHARS) throw new Error('an answer without an end')
    if (end < 0) return undefined
    if (!this.#text.startsWith('HTTP/1.1 101')) throw new Error(`refused: ${this.#text.slice(0, 300)}`)
    return this.#text.slice(end + 4)
  }
}
