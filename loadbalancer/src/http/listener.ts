import { createServer, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '@flotilla/protocol/control.ts'
import { problemOf, refused } from './problem.ts'

/**
 * The listening end, with what bounds whoever is slow, silent or many: nobody holds a connection for longer than his request needs.
 */

/** For the head of a request, and for all of it. */
const HEAD_MS = 5_000
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 30_000
/** How late the limits above may be noticed. */
const CHECK_MS = 1_000
/** A connection on which nothing moves, in either direction: whoever does not read his answer is one. */
const STILL_MS = 60_000
const MAX_HEAD_BYTES = 16 * 1024
const MAX_CONNECTIONS = 10_000
/** From here on those that wait for their next request are closed: their clients open another one when they have one. */
const MANY_CONNECTIONS = 8_000

export interface ListenerLimits {
  headMs?: number
  requestMs?: number
  checkMs?: number
}

/** @param refusing told of each request that could not be read */
export function createListener(refusing: (code: ProblemCode) => void, limits: ListenerLimits = {}): Server {
  const server = createServer({
    headersTimeout: limits.headMs ?? HEAD_MS,
    requestTimeout: limits.requestMs ?? REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: limits.checkMs ?? CHECK_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
    requireHostHeader: false, // Node would refuse without a word; see `mount.ts`
    noDelay: true,
  })
  server.timeout = STILL_MS
  server.maxConnections = MAX_CONNECTIONS
  let connections = 0
  server.on('connection', (socket) => {
    connections += 1
    socket.once('close', () => (connections -= 1))
    if (connections >= MANY_CONNECTIONS) server.closeIdleConnections()
  })
  const answers = new WeakMap<Duplex, ServerResponse>()
  server.on('request', ({ socket }, response) => {
    answers.set(socket, response)
    response.once('close', () => answers.delete(socket))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const code = problemOfParser(error)
    // In the midst of an answer a second one would be taken for its body.
    if (!socket.writable || answers.get(socket)?.headersSent === true) {
      socket.destroy()
      return
    }
    refusing(code)
    refuseSocket(socket, code)
  })
  server.on('checkExpectation', (_request, response) => {
    refusing('bad_request')
    const { head, body } = written('bad_request')
    response.writeHead(400, head).end(body)
  })
  return server
}

function problemOfParser({ code }: NodeJS.ErrnoException): ProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request'
}

function written(code: ProblemCode): { status: number; head: Record<string, string>; body: string } {
  const problem = problemOf(refused(code))
  const body = JSON.stringify(problem)
  const head = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
  }
  return { status: problem.status, head, body }
}

function refuseSocket(socket: Duplex, code: ProblemCode): void {
  const { status, head, body } = written(code)
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once('finish', () => socket.destroy()) // or one that never hangs up stays for ever
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}
