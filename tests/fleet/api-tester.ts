// Those who call the balancer for `openapi.test.ts`, and the fleet they call.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { startLoadbalancer } from '../../loadbalancer/src/app.ts'
import { readConfig } from '../../loadbalancer/src/config.ts'
import { launch, type Child } from '../../scripts/fleet/child.ts'
import { SERVER_MAIN } from '../../scripts/fleet/local-fleet.ts'
import { atEnd, freshFolder, until } from './harness.ts'

export const PASSWORD = 'correct horse battery staple'

/** One who calls, and remembers what was answered to which call. */
export class Tester {
  readonly produced: Set<string>
  readonly url: string
  readonly headers: Record<string, string> = {}
  id = ''
  name = ''

  constructor(url: string, produced: Set<string>, authorization?: string) {
    this.url = url
    this.produced = produced
    if (authorization !== undefined) this.headers['authorization'] = `Bearer ${authorization}`
  }

  /**
   * `call`: as in the document, `post /api/rooms/{roomId}/ban`; `more.parts`: what stands for the parts of its path.
   * @returns status or code, and the body
   */
  async call(
    call: string,
    body?: unknown,
    more: { parts?: Record<string, string>; query?: string; headers?: Record<string, string> } = {},
  ): Promise<{ answer: string; body: Record<string, unknown> }> {
    const [method = '', path = ''] = call.split(' ')
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => more.parts?.[name] ?? 'unknown')
    const response = await fetch(this.url + filled + (more.query ?? ''), {
      method: method.toUpperCase(),
      headers: {
        ...this.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
    if (cookies.length > 0 && !cookies.some((cookie) => cookie.endsWith('='))) {
      this.headers['cookie'] = cookies.join('; ')
    }
    const type = response.headers.get('content-type') ?? ''
    const isStream = type.startsWith('text/event-stream')
    if (isStream) await response.body?.cancel()
    const text = isStream
      ? ''
      : await response.text().catch((cause: unknown) => assert.fail(`${call} was cut off: ${String(cause)}`))
    const isJson = /^application\/(problem\+)?json(;|$)/.test(type)
    const answered = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>
    if (response.status >= 400) assert.match(type, /^application\/problem\+json/, `${call}: ${text}`)
    const answer = response.status < 400 ? String(response.status) : String(answered['code'])
    this.produced.add(`${call} ${answer}`)
    return { answer, body: answered }
  }

  /** A call that succeeds. */
  async does(...given: Parameters<Tester['call']>): Promise<Record<string, unknown>> {
    const { answer, body } = await this.call(...given)
    assert.match(answer, /^2\d\d$/, `${given[0]}: ${JSON.stringify(body)}`)
    return body
  }

  async signUp(username: string): Promise<this> {
    await this.does('post /api/signup', { username, password: PASSWORD })
    return this.logIn(username, PASSWORD)
  }

  async logIn(username: string, password?: string): Promise<this> {
    const { token, user } = await this.does('post /api/login', { username, password })
    this.headers['authorization'] = `Bearer ${String(token)}`
    this.id = (user as { id: string }).id
    this.name = username
    return this
  }

  /** The same with another header, for this once. */
  with(headers: Record<string, string>): Tester {
    const other = new Tester(this.url, this.produced)
    Object.assign(other.headers, this.headers, headers)
    return other
  }
}

export interface Fleet {
  url: string
  secret: string
  servers: Child[]
  /** Where the servers are. */
  urls: string[]
  /** From now on time passes for the balancer. */
  release: () => void
}

export async function openFleet(t: TestContext, flags: readonly string[], size: number): Promise<Fleet> {
  const data = await freshFolder(t)
  const ports = await PortBlock.hold()
  atEnd(t, () => ports.release())
  const startedAt = Date.now()
  let releasedAt = Infinity
  const now = () => startedAt + Math.max(0, Date.now() - releasedAt)
  const config = readConfig(['--port', '0', '--data', data, '--log-level', 'silent', ...flags], {})
  const { url, fleetSecret, close } = await startLoadbalancer(config, { now })
  atEnd(t, close)
  const servers: Child[] = []
  for (let i = 0; i < size; i += 1) {
    const port = String(await ports.next())
    const args = [SERVER_MAIN, '--port', port, '--data', data, '--loadbalancer', url]
    const server = launch({ name: `server ${port}`, args, env: { FLEET_SECRET: fleetSecret } })
    atEnd(t, () => server.stop(30_000))
    servers.push(server)
  }
  const urls = await Promise.all(servers.map(async ({ ready }) => (await ready).url))
  await until('all are up', async () => {
    const rows = (await (await fetch(`${url}/servers`)).json()) as { state: string }[]
    return rows.filter(({ state }) => state === 'up').length === size
  })
  return { url, secret: fleetSecret, servers, urls, release: () => (releasedAt = Date.now()) }
}
