import { randomBytes } from 'node:crypto'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'

/** One HTTP call or handshake each, as bare as an attacker's. */

export interface Reply {
  /** 0: the line was closed without an answer. */
  status: number
  type: string
  body: string
  headers: IncomingHttpHeaders
}
const NO_REPLY: Reply = { status: 0, type: '', body: '', headers: {} }
const PATIENCE_MS = 60_000
const MOST_BODY = 64 * 1024

export interface Ask {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** The address to come from: any of 127.0.0.0/8. */
  from?: string | undefined
}

/** @param base `http://host:port` */
export function ask(base: string, { method = 'GET', path, headers = {}, body, from }: Ask): Promise<Reply> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    // Said in so many words: Node leaves it out where a body is unusual, and its bytes would be taken for the next request.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const asked = { hostname, port, method, path, headers: { ...headers, ...length }, timeout: PATIENCE_MS }
    const call = request({ ...asked, ...(from === undefined ? {} : { localAddress: from }) }, (response) => {
      void readAll(response).then((text) => resolve(replyOf(response, text)))
    })
    call.on('error', () => resolve(NO_REPLY))
    call.on('timeout', () => call.destroy())
    call.end(body)
  })
}

/** The status a WebSocket handshake is answered with: 101 = let in. The line is cut at once. */
export function handshake(
  base: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Reply & { protocol?: string; extensions?: string }> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    const call = request({
      hostname,
      port,
      path,
      timeout: PATIENCE_MS,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    })
    call.on('upgrade', (response, socket) => {
      socket.destroy()
      const { 'sec-websocket-protocol': protocol, 'sec-websocket-extensions': extensions } = response.headers
      resolve({
        ...{ status: 101, type: '', body: '', headers: response.headers },
        ...(protocol === undefined ? {} : { protocol }),
        ...(extensions === undefined ? {} : { extensions }),
      })
    })
    call.on('response', (response) => {
      void readAll(response).then((body) => resolve(replyOf(response, body)))
    })
    call.on('error', () => resolve(NO_REPLY))
    call.on('timeout', () => call.destroy())
    call.end()
  })
}

/** Writes these bytes, and answers with what came back until the line was closed, the end of it cut off. */
export function writeRaw(base: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    let text = ''
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      if (text.length < MOST_BODY) text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

function replyOf({ statusCode = 0, headers }: IncomingMessage, body: string): Reply {
  return { status: statusCode, type: headers['content-type'] ?? '', body, headers }
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MOST_BODY) response.destroy()
    }
  } catch {
    // Cut off in the middle: what came is the answer.
  }
  return text
}
