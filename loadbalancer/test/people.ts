import assert from 'node:assert/strict'
import type { LoggedIn, Problem } from '@flotilla/protocol/control.ts'
import { decodeJwt } from 'jose'
import type { Balancer, Reply } from './fleet.ts'

/** A browser as far as the balancer sees it: it keeps cookies, and a token in memory. */
export class Browser {
  readonly #balancer: Balancer
  readonly cookies = new Map<string, string>()
  token: string | undefined
  address: string | undefined

  constructor(balancer: Balancer) {
    this.#balancer = balancer
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<Reply> {
    const response = await fetch(this.#balancer.url + path, {
      method,
      headers: {
        ...this.headers,
        ...(this.address === undefined ? {} : { 'x-forwarded-for': this.address }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const json = JSON.parse(text) as never
    this.keep(response, json)
    return { status: response.status, headers: response.headers, text, body: json }
  }

  /** What it sends along. */
  get headers(): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      ...(cookie === '' ? {} : { cookie }),
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
    }
  }

  /** What an answer gives it. */
  keep({ ok, headers }: Pick<Response, 'ok' | 'headers'>, body: unknown): void {
    for (const set of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const { token } = (body ?? {}) as Partial<LoggedIn>
    if (ok && token !== undefined) this.token = token
  }

  get userId(): string {
    return String(decodeJwt(this.token ?? '').sub)
  }

  get session(): string {
    return String(decodeJwt(this.token ?? '')['sid'])
  }

  get refreshCookie(): string | undefined {
    return this.cookies.get('flotilla_refresh')
  }

  signUp(username: string, password = PASSWORD): Promise<Reply> {
    return this.call('POST', '/api/signup', { username, password })
  }

  signIn(username: string, password = PASSWORD): Promise<Reply> {
    return this.call('POST', '/api/login', { username, password })
  }

  enterAsGuest(username: string): Promise<Reply> {
    return this.call('POST', '/api/login', { username })
  }

  refresh(): Promise<Reply> {
    return this.call('POST', '/api/token', {})
  }

  /** Whether its token is good. */
  async isIn(): Promise<boolean> {
    return (await this.call('GET', '/api/me')).status === 200
  }
}

export const PASSWORD = 'correct horse battery'

/** A browser that is signed in to an account, which is made if there is none. */
export async function signedIn(balancer: Balancer, username: string): Promise<Browser> {
  const browser = new Browser(balancer)
  const { status } = await browser.signUp(username)
  assert.ok(status === 201 || status === 409, `signing up gave ${status}`)
  assert.equal((await browser.signIn(username)).status, 200)
  return browser
}

/** What an answer says: its status, and the code of a refusal. */
export const outcome = ({ status, body }: Reply) => [status, (body as Partial<Problem>).code]

/** Whose account an answer is about. */
export const userOf = ({ body }: Reply) => (body as LoggedIn).user
