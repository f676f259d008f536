import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What is refused on the server's port before or without a WebSocket: by HTTP, as RFC 9457 has it. */

/** `detail` is one sentence for people; programs go by the code. */
export const PROBLEMS = {
  bad_request: { status: 400, detail: 'This is not an HTTP request that can be read.' },
  bad_handshake: { status: 400, detail: 'The handshake is not that of a WebSocket of version 13.' },
  unauthenticated: { status: 401, detail: 'A name, or a token that is valid now, is needed to come in.' },
  no_fleet_secret: { status: 401, detail: 'This is for servers of the fleet: its secret is needed.' },
  foreign_origin: { status: 403, detail: 'Pages of this origin may not connect: see --origins.' },
  guests_off: { status: 403, detail: 'Guests are not let in here: come with a token.' },
  bad_name: { status: 403, detail: 'This name cannot be used: see rule C4 of protocol/SPEC.md.' },
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, detail: 'This path is only read: GET or HEAD.' },
  request_timeout: { status: 408, detail: 'The request did not end in time.' },
  too_many_connections: { status: 429, detail: 'This address has as many connections as it may have.' },
  header_too_large: { status: 431, detail: 'The head of the request is too large.' },
  not_a_socket: { status: 503, detail: 'This connection cannot carry a WebSocket.' },
  busy: { status: 503, detail: 'More come than can be taken just now: come again.' },
  full: { status: 503, detail: 'This server has as many clients as it takes.' },
  draining: { status: 503, detail: 'This server is leaving: go to another one.' },
  not_ready: { status: 503, detail: 'This server is leaving and takes no clients.' },
  keys_unknown: { status: 503, detail: 'No balancer has told yet which tokens are valid.' },
} as const satisfies Record<string, { status: number; detail: string }>
export type ProblemCode = keyof typeof PROBLEMS

interface Written {
  status: number
  headers: Record<string, string | number>
  body: string
}

function written(code: ProblemCode): Written {
  const { status, detail } = PROBLEMS[code]
  const title = STATUS_CODES[status] ?? ''
  const body = JSON.stringify({ type: `urn:flotilla:problem:${code}`, title, status, code, detail })
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    ...(status === 503 ? { 'Retry-After': 1 } : {}),
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  }
  return { status, headers, body }
}

export function sendProblem(response: ServerResponse, code: ProblemCode, withBody = true): void {
  const { status, headers, body } = written(code)
  response.writeHead(status, headers)
  response.end(withBody ? body : undefined)
}

/** The same where there is only a socket: an upgrade that is refused, or what was no request at all. Lets go of it. */
export function refuseSocket(socket: Duplex, code: ProblemCode): void {
  const { status, headers, body } = written(code)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once('finish', () => socket.destroy()) // or one that never hangs up stays for ever
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}Connection: close\r\n\r\n${body}`,
  )
}

/** What Node found wrong with what came on a connection, by the code of its error. */
export function problemOfParser(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request'
}
