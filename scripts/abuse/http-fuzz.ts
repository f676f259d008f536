import fc from 'fast-check'
import { Score, inLanes, type Attack } from './attack.ts'
import { ask, writeRaw, type Reply } from './knock.ts'
import { Person } from './person.ts'
import { bearer, guestToken } from './tokens.ts'

const CALLS = 40_000
const LANES = 16

interface Documented {
  paths: Record<string, Record<string, unknown>>
}

const nasty = fc.oneof(
  fc.constantFrom(
    '..',
    '%2e%2e%2f',
    '%00',
    '%ff',
    '%',
    '.',
    '',
    '+',
    '\\',
    '__proto__',
    '%27%20OR%201=1%20--',
    'general',
    '*',
    '%2Fgeneral',
  ),
  fc.string({ maxLength: 80 }).map((text) => encodeURIComponent(text.toWellFormed())),
)
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(-1, 1e308, 2 ** 53, '9'.repeat(400), '\ud800', 'x'.repeat(5_000)),
)
const names = [
  'username',
  'password',
  'old',
  'new',
  'name',
  'visibility',
  'topic',
  'user',
  'minutes',
  'role',
  'link',
  'seq',
  'reason',
  'id',
  'room',
]
const body = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), value)
      .map((object) => JSON.stringify(object)),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }).map((any) => JSON.stringify(any)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 20_000 }).map((depth) => '['.repeat(depth)) },
  { weight: 1, arbitrary: fc.constant(`{"__proto__":{"isAdmin":true},"username":"x"}`) },
)
/** Mostly the one that is read: what is said to be something else is not looked at. */
const contentType = fc.oneof(
  { weight: 4, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['application/json; charset=utf-16', 'text/plain', 'application/x-www-form-urlencoded'],
      ...['multipart/form-data', '', 'a/b/c'],
    ),
  },
)

/** Whole requests that no HTTP library would write. */
const RAW = [
  'GET / HTTP/1.1\r\n\r\n',
  'GET /get HTTP/9.9\r\nHost: x\r\n\r\n',
  'GET /get\r\n\r\n',
  'GARBAGE\r\n\r\n',
  'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /servers HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}',
  'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
  'POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
  'POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n',
  'GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /assets/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /assets/..%5c..%5cetc HTTP/1.1\r\nHost: x\r\n\r\n',
  `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 3_000 }, (_, at) => `h${at}: 1\r\n`).join('')}\r\n`,
  'GET / HTTP/1.1\r\nHost: x\r\nA\0B: 1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n',
  'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n',
  'CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: AAAA\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n',
  'GET /ws?username=a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n',
  'GET /ws?username=a HTTP/1.0\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n',
]

/** Every documented call with bodies, paths and headers that nobody asked for; and what is hardly HTTP at all. */
export const httpAttack: Attack = {
  name: 'http',
  says: 'every call with mutated paths, bodies, media types; broken, smuggled and oversized requests',
  async run({ balancer, serverHttp, seed, scale }) {
    const score = new Score()
    const { paths } = JSON.parse((await ask(balancer, { path: '/openapi.json' })).body) as Documented
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    )
    const guest = await guestToken(balancer, 'fuzzer')
    // Some of the calls end the session of who makes them, or give him another name.
    let fuzzers = 1
    let fuzzer = await Person.signUp(balancer, 'Fuzzer 1')
    const one = fc.record({
      call: fc.constantFrom(...calls),
      method: fc.option(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'PROPFIND')),
      parts: fc.array(nasty, { minLength: 3, maxLength: 3 }),
      body: fc.option(body),
      type: contentType,
      who: fc.constantFrom('nobody', 'guest', 'account', 'account'),
      query: fc.option(nasty),
    })
    const runs = Math.max(1, Math.ceil(CALLS * scale))
    await inLanes(fc.sample(one, { numRuns: runs, seed }), LANES, async (given) => {
      const { call, method, parts, query } = given
      let next = 0
      const path = call.path.replaceAll(/\{[^}]+\}/g, () => parts[next++ % parts.length] ?? '')
      if (path === '/events') return // has no end
      const token = { nobody: '', guest, account: fuzzer.token }[given.who]
      const reply = await ask(balancer, {
        method: method ?? call.method,
        path: query === null ? path : `${path}?${query}`,
        headers: { 'content-type': given.type, ...(token === '' ? {} : bearer(token)) },
        ...(given.body === null ? {} : { body: given.body }),
      })
      if (given.who === 'account' && reply.status === 401 && fuzzer.token === token)
        fuzzer = await Person.signUp(balancer, `Fuzzer ${(fuzzers += 1)}`)
      const fault = faultOf(reply, method === 'HEAD')
      score.judge(
        fault === undefined,
        `${method ?? call.method} ${path} with ${given.body?.slice(0, 100)}`,
        fault,
      )
    })
    for (const base of [balancer, serverHttp]) {
      for (const raw of RAW) {
        const text = await writeRaw(base, Buffer.from(raw, 'latin1'))
        const isRefused =
          !/^HTTP\/1\.1 5(?!05)/m.test(text) &&
          !/root:|Error:|\bat .*:\d+:\d+/.test(text) &&
          // None at all is a line that was closed: what is half closed gets no answer that takes a moment.
          (text.match(/^HTTP\/1/gm)?.length ?? 0) <= 1
        score.judge(isRefused, `${base}: ${JSON.stringify(raw.slice(0, 80))}`, text.slice(0, 200))
      }
    }
    return score
  },
}

/** 503 is an answer of its own: there may be no server for it. */
function faultOf({ status, type, body: text }: Reply, isHead: boolean): string | undefined {
  if (status === 0) return 'no answer'
  if (status >= 500 && status !== 503) return `status ${status}: ${text.slice(0, 200)}`
  if (/\bat .*:\d+:\d+|node_modules|SQLITE_|\.ts:\d+/.test(text))
    return `a look inside: ${text.slice(0, 200)}`
  if (status >= 400 && !isHead && !type.startsWith('application/problem+json'))
    return `${status} as ${type}: ${text.slice(0, 100)}`
  return undefined
}
