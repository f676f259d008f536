import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { atEnd, until, type FleetProcess, type LocalFleet } from './harness.ts'
import { RawClient } from './raw-client.ts'

export interface Reply {
  status: number
  code: string | undefined
  body: Record<string, unknown>
  text: string
}

/** Somebody with an account, who calls the balancer and has sockets to servers. */
export class Account {
  static readonly PASSWORD = 'correct horse battery staple'
  readonly name: string
  readonly id: string
  readonly #fleet: LocalFleet
  readonly #token: string
  readonly #t: TestContext

  private constructor(t: TestContext, fleet: LocalFleet, name: string, id: string, token: string) {
    this.#t = t
    this.#fleet = fleet
    this.name = name
    this.id = id
    this.#token = token
  }

  static async signUp(t: TestContext, fleet: LocalFleet, name: string): Promise<Account> {
    const given = { username: name, password: Account.PASSWORD }
    const made = await call(fleet, undefined, 'POST /api/signup', given)
    assert.equal(made.status, 201, made.text)
    const { status, body, text } = await call(fleet, undefined, 'POST /api/login', given)
    assert.equal(status, 200, text)
    const { token, user } = body as { token: string; user: { id: string } }
    return new Account(t, fleet, name, user.id, token)
  }

  /** Somebody without one. */
  static async asGuest(t: TestContext, fleet: LocalFleet, name: string): Promise<Account> {
    const { status, body, text } = await call(fleet, undefined, 'POST /api/login', { username: name })
    assert.equal(status, 200, text)
    const { token, user } = body as { token: string; user: { id: string } }
    return new Account(t, fleet, name, user.id, token)
  }

  /** HTTP status with which this server does not let him in; undefined: it does. */
  refusedBy({ url }: FleetProcess): Promise<number | undefined> {
    return RawClient.refusal(`${url}?token=${this.#token}`)
  }

  /** `line`: method and path. `key`: asked again under it, an act is done once. */
  call(line: string, body?: object, key?: string): Promise<Reply> {
    return call(this.#fleet, this.#token, line, body, key)
  }

  /** The same, and again while it is put off, which has nothing to do with who asks. */
  asks(line: string, body?: object): Promise<Reply> {
    const key = randomUUID()
    return until(`an answer to ${line}`, async () => {
      const reply = await this.call(line, body, key)
      return reply.code === 'busy' || reply.code === 'rate_limited' ? undefined : reply
    })
  }

  /** A call that succeeds. */
  async does(line: string, body?: object): Promise<Record<string, unknown>> {
    const reply = await this.asks(line, body)
    assert.ok(reply.status < 300, `${line}: ${reply.text}`)
    return reply.body
  }

  async makeRoom(visibility: 'public' | 'private', name = 'Plans'): Promise<RoomId> {
    return (await this.does('POST /api/rooms', { name, visibility }))['roomId'] as RoomId
  }

  /** A socket that ends with the test. */
  async enter({ url }: FleetProcess): Promise<RawClient> {
    const client = await RawClient.openAs(url, this.#token)
    atEnd(this.#t, () => client.close())
    return client
  }
}

async function call(
  { loadbalancer }: LocalFleet,
  token: string | undefined,
  line: string,
  body?: object,
  key?: string,
): Promise<Reply> {
  const [method = '', path = ''] = line.split(' ')
  const response = await fetch(loadbalancer.url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '')
  const parsed = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>
  return { status: response.status, code: parsed['code'] as string | undefined, body: parsed, text }
}
