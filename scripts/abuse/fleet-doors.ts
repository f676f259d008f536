import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetchRegistry } from '../fleet/local-fleet.ts'
import { Score, type Attack, type Target } from './attack.ts'
import { ask, handshake } from './knock.ts'

const INTERNAL = ['/internal/place', '/internal/taken', '/internal/drain', '/internal/rotate-keys']
/** What the operator is shown, and takes away. */
const REPORTS = [
  ['GET', '/internal/reports?all'],
  ['DELETE', '/internal/reports/1'],
] as const
const SERVER_INTERNAL = [
  ...['/internal/revoke', '/internal/forget-user', '/internal/entries-of'],
  ...['act', 'look', 'read', 'audit', 'erase'].map((verb) => `/internal/rooms/general/${verb}`),
]
const json = { 'content-type': 'application/json' }

/** Whoever is not of the fleet registers a server, reports, places, drains, links: with no secret, a near one, and in other clothes. */
export const fleetDoorAttack: Attack = {
  name: 'fleet-doors',
  says: 'rogue registrations and reports, internal calls and links without the secret; replays and foreign URLs with it',
  async run(target) {
    const score = new Score()
    const { balancer, serverHttp, server, secret } = target
    const clothes: [string, Record<string, string>][] = [
      ['no secret', {}],
      ['an empty one', { authorization: 'Bearer ' }],
      ['one that is cut', { authorization: `Bearer ${secret.slice(0, -1)}` }],
      ['one with more behind it', { authorization: `Bearer ${secret}x` }],
      ['one in other case', { authorization: `Bearer ${secret.toLowerCase()}` }],
      ['as Basic', { authorization: `Basic ${Buffer.from(`fleet:${secret}`).toString('base64')}` }],
      ['without its scheme', { authorization: secret }],
      ['twice', { authorization: `Bearer ${secret}, Bearer ${secret}` }],
      ['as a cookie', { cookie: `fleet_secret=${secret}` }],
      ['in headers of its own', { 'x-fleet-secret': secret, 'x-authorization': `Bearer ${secret}` }],
      [
        'from where it says it is inside',
        { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1' },
      ],
    ]
    const rogue = {
      ...{ id: 'rogue', url: 'ws://127.0.0.1:1/ws', host: '127.0.0.1', port: 1, capacity: 1_000_000 },
      inc: randomUUID(),
    }
    const register = (body: object, headers: Record<string, string>) =>
      ask(balancer, {
        method: 'POST',
        path: '/register',
        headers: { ...json, ...headers },
        body: JSON.stringify(body),
      })
    for (const [what, headers] of clothes) {
      const reply = await register(rogue, headers)
      score.judge(reply.status === 401, `POST /register, ${what}`, reply)
      const update = {
        id: server.id,
        inc: 'x',
        n: 10 ** 9,
        clients: 0,
        rooms: 0,
        draining: true,
        loopDelayMs: 0,
        commitNo: 10 ** 12,
      }
      const told = await ask(balancer, {
        method: 'POST',
        path: '/update',
        headers: { ...json, ...headers },
        body: JSON.stringify(update),
      })
      score.judge(told.status === 401, `POST /update, ${what}`, told)
      for (const path of INTERNAL) {
        const internal = await ask(balancer, {
          method: 'POST',
          path,
          headers: { ...json, ...headers },
          body: '{}',
        })
        score.judge(internal.status === 401, `POST ${path}, ${what}`, internal)
      }
      for (const [method, path] of REPORTS) {
        const reports = await ask(balancer, { method, path, headers })
        score.judge(reports.status === 401, `${method} ${path}, ${what}`, reports)
      }
      for (const path of SERVER_INTERNAL) {
        const internal = await ask(serverHttp, {
          method: 'POST',
          path,
          headers: { ...json, ...headers },
          body: '{}',
        })
        score.judge([401, 404].includes(internal.status), `POST ${path} of the server, ${what}`, internal)
      }
      const link = await handshake(serverHttp, '/link', headers)
      score.judge(link.status === 401, `/link, ${what}`, link)
    }
    for (const path of [
      `/link?secret=${secret}`,
      `/link?authorization=Bearer%20${secret}`,
      `/link?token=${secret}`,
    ]) {
      const link = await handshake(serverHttp, path)
      score.judge(link.status === 401, 'the secret in the address of /link', link)
    }

    // Who has the secret, but says what is not so: the balancer dials back, and takes no late report.
    const key = { authorization: `Bearer ${secret}` }
    const places: [string, object][] = [
      ['where nobody listens', { host: '127.0.0.1', port: 1 }],
      ['at the balancer itself', { host: '127.0.0.1', port: Number(new URL(balancer).port) }],
      ['at another server', { host: '127.0.0.1', port: server.port }],
      ['at a host that is a path', { host: '127.0.0.1/..', port: server.port }],
      ['at a host with a user', { host: 'user:pass@127.0.0.1', port: server.port }],
      ['at a host with a line break', { host: '127.0.0.1\r\nx: y', port: server.port }],
      ['with a url that is a script', { url: 'javascript:alert(1)//ws' }],
      ['with a url of http', { url: 'http://127.0.0.1:1/ws' }],
      ['with a port that is none', { port: 65_536 }],
      ['with a capacity that is none', { capacity: -1 }],
      ['under an id that is a path', { id: '../../etc' }],
      ['under an id that is a property', { id: '__proto__' }],
    ]
    for (const [what, place] of places) {
      const reply = await register({ ...rogue, ...place }, key)
      score.judge([400, 422].includes(reply.status), `registers ${what}`, reply)
    }
    const late = {
      id: server.id,
      inc: 'an-earlier-run',
      n: 10 ** 9,
      clients: 0,
      rooms: 0,
      draining: true,
      loopDelayMs: 0,
      commitNo: 0,
    }
    const replayed = await ask(balancer, {
      method: 'POST',
      path: '/update',
      headers: { ...json, ...key },
      body: JSON.stringify(late),
    })
    score.judge(replayed.status !== 200, 'a report of an earlier run', replayed)

    const after = await fetchRegistry(balancer)
    score.judge(
      after.length === 1 && after[0]?.id === server.id && after[0].state === 'up',
      'the registry is as before',
      after.map(({ id, state }) => `${id} ${state}`).join(', '),
    )
    await replays(target, key, score)
    return score
  },
}

/** What a server of ours once said with the true secret, said again by somebody who wrote it down. */
async function replays({ balancer }: Target, key: Record<string, string>, score: Score): Promise<void> {
  let inc = 'first-run'
  const id = 'replayed'
  // Full, so that nobody is sent to it.
  const listener = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id, inc }))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const post = (path: string, body: object) =>
    ask(balancer, { method: 'POST', path, headers: { ...json, ...key }, body: JSON.stringify(body) })
  const register = (of: string) =>
    post('/register', { id, url: `ws://127.0.0.1:${port}/ws`, host: '127.0.0.1', port, capacity: 1, inc: of })
  const load = { rooms: 0, draining: true, loopDelayMs: 0, commitNo: 1 }
  const report = (of: string, n: number, clients: number) =>
    post('/update', { id, inc: of, n, clients, ...load })
  const clients = async () => (await fetchRegistry(balancer)).find((row) => row.id === id)?.clients

  const isLetIn = (await register(inc)).status === 200 && (await report(inc, 5, 1)).status === 200
  if (!isLetIn) throw new Error('the true one is not let in: nothing would be shown')
  for (const n of [5, 4, 1, 0]) await report(inc, n, 0)
  score.judge((await clients()) === 1, 'an old report is said again', `${await clients()} clients`)
  inc = 'second-run'
  const next = await register(inc)
  score.judge(next.status === 200, 'the next run registers', next)
  await report(inc, 1, 1)
  const again = await register('first-run')
  score.judge(again.status === 409, 'an earlier run registers again', again)
  const late = await report('first-run', 10 ** 9, 0)
  score.judge(late.status === 409, 'an earlier run reports again', late)
  // Who answers where it says it is, but as another one.
  const other = await register('third-run')
  score.judge(other.status === 422, 'a run that is not there registers', other)
  score.judge((await clients()) === 1, 'replays changed nothing', `${await clients()} clients`)
  listener.closeAllConnections()
  await new Promise((resolve) => listener.close(resolve))
}
