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
  forbidden: { status: 403, detail: 'Whoever asks may not do this here.' },
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  no_such_room: { status: 404, detail: 'There is no such room, or not for whoever asks.' },
  method_not_allowed: { status: 405, detail: 'This path is only read: GET or HEAD.' },
  only_post: { status: 405, detail: 'This path takes POST.' },
  not_home: { status: 409, detail: 'Another server is the home of this room.' },
  conflict: { status: 409, detail: 'This id was used for something else.' },
  too_large: { status: 413, detail: 'The body is larger than this call takes.' },
  request_timeout: { status: 408, detail: 'The request did not end in time.' },
  too_many_connections: { status: 429, detail: 'This address has as many connections as it may have.' },
  too_many_of_user: { status: 429, detail: 'This person has as many connections as a person may have.' },
  rate_limited: { status: 429, detail: 'This came too fast: Retry-After says when to come again.' },
  header_too_large: { status: 431, detail: 'The head of the request is too large.' },
  internal: { status: 500, detail: 'Something went wrong here; the log says what.' },
  not_a_socket: { status: 503, detail: 'This connection cannot carry a WebSocket.' },
  busy: { status: 503, detail: 'More come than can be taken just now: come again.' },
  full: { status: 503, detail: 'This server has as many clients as it takes.' },
  draining: { status: 503, detail: 'This server is leaving: go to another one.' },
  not_ready: { status: 503, detail: 'This server is leaving and takes no clients.' },
  keys_unknown: { status: 503, detail: 'No balancer has told yet which tokens are valid.' },
} as const satisfies Record<string, { status: number; detail: string }>
export type ProblemCode = keyof typeof PROBLEMS

/** What may be said beyond the code. */
export interface ProblemMore {
  /** Instead of the sentence of the code. */
  detail?: string
  /** When to come again, if not after a second. */
  retryMs?: number
  /** Fields of its own. */
  fields?: Readonly<Record<string, string | number>>
  /** The connection ends with the answer: what else comes on it is not read. */
  close?: boolean
  /** To a HEAD: no body. */
  withBody?: boolean
}

/** Of every answer: nothing of it is to be guessed at, shown in a frame, or run. */
const SAFE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const

interface Written {
  status: number
  headers: Record<string, string | number>
  body: string
}

function written(code: ProblemCode, { detail, retryMs = 1_000, fields, close }: ProblemMore = {}): Written {
  const { status, detail: usual } = PROBLEMS[code]
  const title = STATUS_CODES[status] ?? ''
  const body = JSON.stringify({
    type: `urn:flotilla:problem:${code}`,
    title,
    status,
    code,
    detail: detail ?? usual,
    ...fields,
  })
  const isForNow = status === 503 || status === 429
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    ...SAFE_HEADERS,
    ...(isForNow ? { 'Retry-After': Math.max(1, Math.ceil(retryMs / 1_000)) } : {}),
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(status === 405 ? { Allow: code === 'only_post' ? 'POST' : 'GET, HEAD' } : {}),
    ...(close === true ? { Connection: 'close' } : {}),
  }
  return { status, headers, body }
}

export function sendProblem(response: ServerResponse, code: ProblemCode, more: ProblemMore = {}): void {
  const { status, headers, body } = written(code, more)
  response.writeHead(status, headers)
  response.end(more.withBody === false ? undefined : body)
}

/** A body that is no problem; `type` if it is not JSON. */
export function sendText(response: ServerResponse, type: string, body: string, withBody = true): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...SAFE_HEADERS,
  })
  response.end(withBody ? body : undefined)
}

export function sendJson(response: ServerResponse, body: object, withBody = true): void {
  sendText(response, 'application/json', JSON.stringify(body), withBody)
}

/** The same where there is only a socket: an upgrade that is refused, or what was no request at all. Lets go of it. */
export function refuseSocket(socket: Duplex, code: ProblemCode, more: ProblemMore = {}): void {
  const { status, headers, body } = written(code, { ...more, close: true })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once('finish', () => socket.destroy()) // or one that never hangs up stays for ever
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}

/** What Node found wrong with what came on a connection, by the code of its error. */
export function problemOfParser(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request'
}
