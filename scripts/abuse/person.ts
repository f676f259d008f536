import { setTimeout as pause } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { ask, type Reply } from './knock.ts'

/** Somebody with an account, who keeps what a browser would keep. */

const TRIES = 30
const JSON_TYPE = { 'content-type': 'application/json' }

export class Person {
  static readonly PASSWORD = 'correct horse battery staple'
  readonly name: string
  readonly id: string
  readonly balancer: string
  token: string
  /** The refresh cookie, `session.secret`. */
  refresh: string
  /** The cookie of a device that signed in before. */
  device: string

  private constructor(balancer: string, name: string, login: Reply) {
    const { token, user } = JSON.parse(login.body) as { token: string; user: { id: string } }
    this.balancer = balancer
    this.name = name
    this.id = user.id
    this.token = token
    this.refresh = cookieOf(login, 'flotilla_refresh') ?? ''
    this.device = cookieOf(login, 'flotilla_device') ?? ''
  }

  /** @throws Error if that is refused */
  static async signUp(balancer: string, name: string, from?: string): Promise<Person> {
    const body = JSON.stringify({ username: name, password: Person.PASSWORD })
    const asked = { method: 'POST', path: '/api/signup', headers: JSON_TYPE, body, from }
    const made = await ask(balancer, asked)
    if (made.status !== 201) throw new Error(`signup as ${name}: ${made.status} ${made.body}`)
    return Person.signIn(balancer, name, from)
  }

  /** @throws Error if that is refused */
  static async signIn(balancer: string, name: string, from?: string): Promise<Person> {
    const login = await logIn(balancer, { name, password: Person.PASSWORD, from })
    if (login.status !== 200) throw new Error(`login as ${name}: ${login.status} ${login.body}`)
    return new Person(balancer, name, login)
  }

  get bearer() {
    return { authorization: `Bearer ${this.token}` }
  }

  /** `line`: method and path. */
  call(line: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return callAs(this.balancer, this.token, line, body, headers)
  }

  /** Asks again while the fleet has no time, or the asker comes too fast. @throws Error if that is refused */
  async does(line: string, body?: unknown): Promise<Record<string, unknown>> {
    let reply = await this.call(line, body)
    for (let tries = 0; [429, 503].includes(reply.status) && tries < TRIES; tries += 1) {
      await pause(1_000)
      reply = await this.call(line, body)
    }
    if (reply.status >= 300) throw new Error(`${line}: ${reply.status} ${reply.body}`)
    return JSON.parse(reply.body) as Record<string, unknown>
  }

  async makeRoom(visibility: 'public' | 'private', name: string): Promise<RoomId> {
    return (await this.does('POST /api/rooms', { name, visibility }))['roomId'] as RoomId
  }
}

/** `line`: method and path. */
export function callAs(
  balancer: string,
  token: string,
  line: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const [method = '', path = ''] = line.split(' ')
  const bearer = { authorization: `Bearer ${token}` }
  if (body === undefined) return ask(balancer, { method, path, headers: { ...bearer, ...headers } })
  const typed = { ...bearer, ...JSON_TYPE, ...headers }
  return ask(balancer, { method, path, headers: typed, body: JSON.stringify(body) })
}

export interface Login {
  name: string
  password: string
  /** The device cookie. */
  device?: string
  headers?: Record<string, string>
  from?: string | undefined
}

export function logIn(balancer: string, { name, password, device, headers, from }: Login): Promise<Reply> {
  const cookie = device === undefined ? {} : { cookie: `flotilla_device=${device}` }
  return ask(balancer, {
    ...{ method: 'POST', path: '/api/login', headers: { ...JSON_TYPE, ...cookie, ...headers }, from },
    body: JSON.stringify({ username: name, password }),
  })
}

/** `POST /api/token` with this value as the refresh cookie. */
export function turn(balancer: string, refresh: string): Promise<Reply> {
  const headers = { cookie: `flotilla_refresh=${refresh}` }
  return ask(balancer, { method: 'POST', path: '/api/token', headers })
}

/** The value of a cookie that an answer sets. */
export function cookieOf({ headers }: Reply, name: string): string | undefined {
  const set = headers['set-cookie']?.find((line) => line.startsWith(`${name}=`))
  return set?.slice(name.length + 1).split(';')[0]
}
