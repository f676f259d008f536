import type { ProblemCode } from '@flotilla/protocol/control.ts'

/** Why a call brought nothing: the balancer's own code, or that it was not reached at all. */
export type ApiProblem = ProblemCode | 'offline' | 'no_answer'
export type Answer<T> = { ok: true; value: T } | { ok: false; problem: ApiProblem }

/** Longer than any answer should take; a call without an end would leave a button spinning for ever. */
const TIMEOUT_MS = 10_000

/**
 * The balancer's HTTP calls, on the page's own origin. Never throws: what went wrong is a value. A body that is not
 * problem+json (a proxy speaking for a balancer that is down) counts as no answer.
 */
export class BalancerApi {
  readonly #fetch: typeof fetch

  constructor(fetchIt: typeof fetch) {
    this.#fetch = fetchIt
  }

  get<T>(path: string, token?: string): Promise<Answer<T>> {
    return this.call<T>('GET', path, { token })
  }

  post<T>(path: string, body: unknown, token?: string): Promise<Answer<T>> {
    return this.call<T>('POST', path, { token, body })
  }

  /** What is to be kept as a file. */
  async file(path: string, token?: string): Promise<Answer<Blob>> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    try {
      const response = await this.#fetch(path, { headers })
      if (!response.ok) return { ok: false, problem: await problemOf(response) }
      return { ok: true, value: await response.blob() }
    } catch {
      return { ok: false, problem: navigator.onLine ? 'no_answer' : 'offline' }
    }
  }

  /** Any other call; an answer without a body is `undefined`. */
  async call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    { token, body }: { token?: string | undefined; body?: unknown } = {},
  ): Promise<Answer<T>> {
    const headers = new Headers({ accept: 'application/json' })
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    try {
      const response = await this.#fetch(path, {
        method,
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!response.ok) return { ok: false, problem: await problemOf(response) }
      const text = await response.text()
      return { ok: true, value: (text === '' ? undefined : JSON.parse(text)) as T }
    } catch {
      return { ok: false, problem: navigator.onLine ? 'no_answer' : 'offline' }
    }
  }
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const type = response.headers.get('content-type') ?? ''
  if (!type.includes('json')) return 'no_answer'
  const { code } = (await response.json()) as { code?: unknown }
  return typeof code === 'string' ? (code as ApiProblem) : 'no_answer'
}

/** What a person reads about a problem: what happened, and what to do about it. */
export function wordsFor(problem: ApiProblem): string {
  switch (problem) {
    case 'bad_name':
      return 'That name can’t be used. Take 1 to 32 letters, digits or signs, without a colon and without spaces at the ends.'
    case 'username_taken':
      return 'That name belongs to an account, or looks like one that does. Sign in, or choose another one.'
    case 'wrong_password':
      return 'Name and password do not go together.'
    case 'bad_password':
      return 'That password won’t do. Take 8 to 128 characters, and none that everybody tries first.'
    case 'no_such_user':
      return 'Nobody with an account has that name.'
    case 'conflict':
      return 'That does not go with how things are now. Look again, then try again.'
    case 'too_many':
      return 'There are too many of these already.'
    case 'busy':
      return 'Too much is going on right now. Try again in a moment.'
    case 'guests_off':
      return 'Guests are not let in here.'
    case 'rate_limited':
      return 'That was too often. Wait a moment, then try again.'
    case 'no_server':
    case 'not_ready':
      return 'No chat server is free right now. Try again in a moment.'
    case 'no_such_room':
      return 'There is no such room.'
    case 'forbidden':
      return 'You may not do this.'
    case 'unauthenticated':
      return 'Your sign-in has ended. Come in again.'
    case 'offline':
      return 'You are offline. Check your connection, then try again.'
    case 'no_answer':
      return 'The fleet does not answer. Try again in a moment.'
    default:
      return 'Something went wrong. Try again in a moment.'
  }
}
