import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { HeldRoom, LoggedIn } from '@flotilla/protocol/control.ts'
import { startLoadbalancer, type Loadbalancer, type Ports } from '../src/app.ts'
import { readConfig, type Config } from '../src/config.ts'

/** What the tests of the balancer start: a balancer on any port, and peers that stand where chat servers would. */

export function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-balancer-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Balancer extends Loadbalancer {
  dataRoot: string
  get: (path: string, headers?: Record<string, string>) => Promise<Reply>
  post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>
  /** A body of this type. */
  send: (path: string, body: string, type: string) => Promise<Reply>
  /** With the secret of the fleet. */
  tell: (path: string, body: unknown) => Promise<Reply>
}
export interface Reply {
  status: number
  headers: Headers
  /** Of a JSON answer. */
  body: never
  text: string
}

/** Its time stands still, unless `ports` say otherwise: peers do not report by themselves, and would be late on a slow machine. */
export async function startBalancer(
  t: TestContext,
  given: Partial<Config> = {},
  ports: Partial<Ports> = {},
): Promise<Balancer> {
  const startedAt = Date.now()
  const dataRoot = given.dataRoot ?? freshFolder(t)
  const webDir = join(dataRoot, 'no-web-app')
  const config = { ...readConfig(['--port', '0', '--data', dataRoot], {}), webDir, ...given }
  const balancer = await startLoadbalancer(config, { now: () => startedAt, ...ports })
  t.after(() => balancer.close())
  const call = async (path: string, init: RequestInit): Promise<Reply> => {
    const response = await fetch(balancer.url + path, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const body = (isJson ? JSON.parse(text) : undefined) as never
    return { status: response.status, headers: response.headers, body, text }
  }
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    call(path, {
      method: 'POST',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return {
    ...balancer,
    dataRoot,
    get: (path, headers = {}) => call(path, { headers }),
    post,
    send: (path, body, type) => call(path, { method: 'POST', headers: { 'content-type': type }, body }),
    tell: (path, body) => post(path, body, { authorization: `Bearer ${balancer.fleetSecret}` }),
  }
}

/** A header that bears the token of a guest of this name. */
export async function signIn(balancer: Balancer, username = 'ann'): Promise<{ authorization: string }> {
  const { body } = await balancer.post('/api/login', { username })
  return { authorization: `Bearer ${(body as LoggedIn).token}` }
}

/** What a balancer sees of a chat server: an address that answers `/healthz`, registrations and reports. */
export class Peer {
  readonly id: string
  inc: string = randomUUID()
  n = 0
  clients = 0
  rooms = 0
  commitNo = 0
  readonly #server: Server

  private constructor(id: string, server: Server) {
    this.id = id
    this.#server = server
  }

  static async start(t: TestContext, id: string, answer?: RequestListener): Promise<Peer> {
    const server = createServer()
    const peer = new Peer(id, server)
    server.on('request', answer ?? ((_request, response) => response.end(JSON.stringify(peer.health()))))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => peer.stop())
    return peer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  health(): { id: string; inc: string } {
    return { id: this.id, inc: this.inc }
  }

  registration(
    more: {
      rooms?: HeldRoom[]
      capacity?: number
      dataDir?: string
      commitNo?: number
      renewed?: boolean
    } = {},
  ) {
    const { id, inc, port } = this
    return { id, inc, port, host: '127.0.0.1', url: `ws://127.0.0.1:${port}/ws`, capacity: 10_000, ...more }
  }

  report(more: { draining?: boolean } = {}) {
    this.n += 1
    const { id, inc, n, clients, rooms, commitNo } = this
    return { id, inc, n, clients, rooms, commitNo, draining: false, loopDelayMs: 0, ...more }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}

/** As a server does, it tries again where it was not reached in time. */
export async function register(
  balancer: Balancer,
  peer: Peer,
  more?: Parameters<Peer['registration']>[0],
): Promise<Reply> {
  for (let tries = 1; ; tries += 1) {
    const reply = await balancer.tell('/register', peer.registration(more))
    if (reply.status === 200) return reply
    if (tries === 10) throw new Error(reply.text)
  }
}

/** Peers that are registered. */
export function startPeers(t: TestContext, balancer: Balancer, ids: readonly string[]): Promise<Peer[]> {
  return Promise.all(
    ids.map(async (id) => {
      const peer = await Peer.start(t, id)
      await register(balancer, peer)
      return peer
    }),
  )
}

/** Waits until it holds; the runner's own time limit ends a wait in vain. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((done) => setTimeout(done, 10))
}

/** Numbers from 0 to 1 that look random and repeat with the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
