import { isIPv6 } from 'node:net'
import type { ServerResponse } from 'node:http'
import { SAFE_HEADERS } from '@flotilla/protocol/content-security-policy.ts'
import { bearsFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Cors } from './cors.ts'
import { sendLines } from './lines.ts'
import { problemOf, refused, type Refused } from './problem.ts'
import type { Answer, Bearer, Call, Route } from './route.ts'

/** Where a call does not say otherwise: of people, and of the fleet. */
const MAX_BODY_BYTES = 64 * 1024
const MAX_FLEET_BODY_BYTES = 1024 * 1024
/** Answers are data: should a browser show one, nothing in it is loaded or run, and nobody frames it. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
const YEAR_S = 31_536_000
const NOBODY: Bearer = { user: { id: '', name: '' }, session: undefined }

export interface Gate {
  fleetSecret: string
  /** Whose token this is; undefined: nobody's. */
  whoBears: (token: string) => Promise<Bearer | undefined>
  cors: Cors
  metrics: Metrics
  log: Logger
  /** For how long somebody may take nothing of lines that are sent to him; the usual if absent. */
  stillMs?: number
}

/** Before everything else: headers that each answer has, whatever it is. `isHttps`: browsers reach us by TLS. */
export function mountSafety(app: Express, gate: Gate, isHttps: boolean): void {
  const headers = Object.entries({
    ...SAFE_HEADERS,
    'Content-Security-Policy': DATA_POLICY,
    ...(isHttps ? { 'Strict-Transport-Security': `max-age=${YEAR_S}` } : {}),
  })
  app.use((request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value)
    // By RFC 9112 a request of version 1.1 names its host.
    if (request.headers.host === undefined && request.httpVersion !== '1.0') {
      sendRefusal(response, refused('bad_request', 'The header Host is missing.'), gate)
    } else next()
  })
}

/** Puts routes into Express: CORS, door, body, schema, then the call itself. Another method on a known path gets 405. */
export function mount(app: Express, routes: readonly Route[], gate: Gate): void {
  const byPath = Map.groupBy(routes, (route) => route.path)
  for (const [path, ofPath] of byPath) {
    for (const route of ofPath) mountOne(app, route, gate)
    const methods = ofPath.map(({ method }) => method.toUpperCase())
    if (ofPath.some(({ cors }) => cors)) {
      app.options(path, (request, response) => gate.cors.preflight(request, response, methods))
    }
    app.all(path, (request, response) => {
      const allow = methods.join(', ')
      sendRefusal(response, refused('method_not_allowed', `This path takes ${allow}.`, { allow }), gate)
    })
  }
}

function mountOne(app: Express, route: Route, gate: Gate): void {
  const usual = route.door === 'fleet' ? MAX_FLEET_BODY_BYTES : MAX_BODY_BYTES
  const parse = express.json({ limit: route.maxBodyBytes ?? usual, inflate: false })
  app[route.method](route.path, async (request, response) => {
    if (route.cors) gate.cors.allow(request, response)
    if (route.respond) return route.respond(request, response)
    // What a page may not read the answer of, it may not cause either: cookies go along with what it sends.
    if (route.method !== 'get' && gate.cors.isForeign(request)) {
      return sendRefusal(response, refused('foreign_origin'), gate)
    }
    // The door comes before the body: a stranger cannot make us read 16 MiB.
    const bearer = await enter(route, request, gate)
    if ('refused' in bearer) return sendRefusal(response, bearer, gate)
    let body: unknown
    if (route.body) {
      // Of no body at all, or an empty one, the schema says what is missing.
      const isEmpty = request.headers['content-length'] === '0'
      if (!isEmpty && request.is('application/json') === false) {
        return sendRefusal(response, refused('unsupported_media_type'), gate)
      }
      await new Promise<void>((done, fail) =>
        parse(request, response, (error?: Error) => (error ? fail(error) : done())),
      )
      const parsed = route.body.safeParse(request.body)
      if (!parsed.success) {
        const where = parsed.error.issues[0]?.path.join('.') ?? ''
        const detail =
          where === '' ? 'The body must be JSON as documented.' : `\`${where}\` is missing or wrong.`
        return sendRefusal(response, refused('bad_request', detail), gate)
      }
      body = parsed.data
    }
    const answer = await route.perform?.(callOf(request, body, bearer))
    if (answer === undefined || 'refused' in answer) {
      return sendRefusal(response, answer ?? refused('not_found'), gate)
    }
    if ('lines' in answer) await sendLines(response, answer, gate)
    else sendJson(response, answer)
  })
}

function callOf(request: Request, body: unknown, { user, session }: Bearer): Call<never> {
  const query = request.url.indexOf('?')
  return {
    params: request.params as Record<string, string>,
    query: new URLSearchParams(query < 0 ? '' : request.url.slice(query)),
    body: body as never,
    user,
    session,
    address: addressOf(request),
    header: (name) => request.get(name),
  }
}

async function enter({ door }: Route, request: Request, gate: Gate): Promise<Bearer | Refused> {
  const { authorization } = request.headers
  if (door === 'anyone') return NOBODY
  if (door === 'fleet') {
    if (bearsFleetSecret(authorization, gate.fleetSecret)) return NOBODY
    return refused('unauthenticated', 'This call needs the secret of the fleet.', {
      'www-authenticate': 'Bearer',
    })
  }
  const token = bearerToken(authorization)
  const bearer = token === undefined ? undefined : await gate.whoBears(token)
  return bearer ?? refused('unauthenticated', undefined, { 'www-authenticate': 'Bearer' })
}

/** The token of an `Authorization` header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1]
}

/** For limits per caller. Whoever has one IPv6 address has its whole /64. */
export function addressOf({ ip = '' }: Request): string {
  if (!isIPv6(ip)) return ip
  if (ip.startsWith('::ffff:') && ip.includes('.')) return ip.slice(7)
  const [head = '', tail = ''] = ip.split('::')
  const first = head.split(':').filter((group) => group !== '')
  const last = tail.split(':').filter((group) => group !== '')
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last]
  return `${groups.slice(0, 4).join(':')}::/64`
}

export function sendJson(response: ServerResponse, { status, json, headers }: Answer): void {
  const text = JSON.stringify(json)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(headers as Record<string, string | string[]>),
  })
  response.end(text)
}

export function sendRefusal(
  response: ServerResponse,
  refusal: Refused,
  { metrics }: Pick<Gate, 'metrics'>,
): void {
  metrics.refusals.inc({ code: refusal.refused })
  const problem = problemOf(refusal)
  const headers = { 'content-type': 'application/problem+json; charset=utf-8', ...refusal.headers }
  sendJson(response, { status: problem.status, json: problem, headers })
}

/** The last handlers: what no route took, and the one place where what was thrown becomes an answer. */
export function mountEnd(app: Express, gate: Gate): void {
  app.use((_request: Request, response: Response) => sendRefusal(response, refused('not_found'), gate))
  const onError: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    const refusal = refusalOf(error)
    if (refusal.refused === 'internal') {
      gate.log.error({ err: error, method: request.method, path: request.path }, 'request failed')
    }
    if (response.headersSent) response.destroy()
    else sendRefusal(response, refusal, gate)
  }
  app.use(onError)
}

/** Express and its body parser throw what a caller did wrong, with a status. Their texts are not passed on. */
function refusalOf(error: unknown): Refused {
  const { status = 500, type } = error as { status?: number; type?: string }
  if (status === 413) return refused('too_large')
  if (status === 415) return refused('unsupported_media_type')
  if (type === 'entity.parse.failed') return refused('bad_request', 'The body is not JSON.')
  if (status >= 400 && status < 500) return refused('bad_request')
  return refused('internal')
}
