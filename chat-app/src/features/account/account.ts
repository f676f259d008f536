import type { User } from '@flotilla/protocol/frames.ts'
import type { Answer, ApiProblem, BalancerApi } from '../../balancer/api.ts'
import type { Session } from '../sign-in/session.ts'
import { Store } from '../../store.ts'

/** One sign-in of this account, somewhere. */
export interface SignedIn {
  id: string
  /** Milliseconds since 1970, as `usedAt`. */
  createdAt: number
  usedAt: number
  /** What the browser called itself. */
  agent?: string
  /** It is this browser's. */
  current: boolean
}

export interface AccountState {
  sessions: readonly SignedIn[]
  blocked: readonly User[]
  /** The lists could not be read. */
  problem?: ApiProblem
}

/** What a person may see and change of the own account. Each call answers with what went wrong, or nothing. */
export class Account extends Store<AccountState> {
  readonly #api: BalancerApi
  readonly #session: Session

  constructor(api: BalancerApi, session: Session) {
    super({ sessions: [], blocked: [] })
    this.#api = api
    this.#session = session
  }

  /** Reads the lists anew. */
  async look(): Promise<void> {
    const [sessions, blocked] = await Promise.all([
      this.#call<SignedIn[]>('GET', '/api/sessions'),
      this.#call<User[]>('GET', '/api/blocks'),
    ])
    const failed = [sessions, blocked].find((answer) => !answer.ok)
    const { problem: _before, ...state } = this.read()
    this.set({
      ...state,
      ...(sessions.ok ? { sessions: sessions.value } : {}),
      ...(blocked.ok ? { blocked: blocked.value } : {}),
      ...(failed !== undefined && !failed.ok ? { problem: failed.problem } : {}),
    })
  }

  async rename(username: string): Promise<ApiProblem | undefined> {
    const answer = await this.#call<{ user: User }>('PATCH', '/api/me', { username })
    if (!answer.ok) return answer.problem
    this.#session.renamed(answer.value.user.name)
    return undefined
  }

  changePassword(old: string, next: string): Promise<ApiProblem | undefined> {
    return this.#done('POST', '/api/me/password', { old, new: next })
  }

  endSession(id: string): Promise<ApiProblem | undefined> {
    return this.#done('DELETE', `/api/sessions/${encodeURIComponent(id)}`)
  }

  /** All but this one. */
  endOtherSessions(): Promise<ApiProblem | undefined> {
    return this.#done('DELETE', '/api/sessions')
  }

  block(id: string): Promise<ApiProblem | undefined> {
    return this.#done('PUT', `/api/blocks/${encodeURIComponent(id)}`)
  }

  unblock(id: string): Promise<ApiProblem | undefined> {
    return this.#done('DELETE', `/api/blocks/${encodeURIComponent(id)}`)
  }

  /** Ends the account; what was said stays, under no name. */
  async delete(password: string): Promise<ApiProblem | undefined> {
    const answer = await this.#call('DELETE', '/api/me', { password })
    if (!answer.ok) return answer.problem
    this.#session.forget()
    return undefined
  }

  /** Everything that is kept of this person, as JSON lines. */
  async export(): Promise<Blob | ApiProblem> {
    const token = await this.#session.token().catch(() => undefined)
    const answer = await this.#api.file('/api/me/export', token)
    return answer.ok ? answer.value : answer.problem
  }

  async #done(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<ApiProblem | undefined> {
    const answer = await this.#call(method, path, body)
    await this.look()
    return answer.ok ? undefined : answer.problem
  }

  async #call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer<T>> {
    const token = await this.#session.token().catch(() => undefined)
    return token === undefined
      ? { ok: false, problem: 'unauthenticated' }
      : this.#api.call<T>(method, path, { token, body })
  }
}
