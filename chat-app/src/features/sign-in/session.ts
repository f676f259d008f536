import type { LoggedIn } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Answer, ApiProblem, BalancerApi } from '../../balancer/api.ts'
import { isGuest } from '../../components/guest.ts'
import { Store } from '../../store.ts'

export type SessionState =
  | { status: 'out'; problem?: ApiProblem }
  | { status: 'entering'; name: string }
  | { status: 'in'; user: User }

export interface SessionPorts {
  api: BalancerApi
  /** Where the name is remembered; undefined where the browser forbids it. */
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined
  now: () => number
  /** Runs one at a time among all tabs of this browser: a refresh cookie is good once. */
  alone?: <T>(work: () => Promise<T>) => Promise<T>
}

const NAME_KEY = 'flotilla.name'
const STAY_KEY = 'flotilla.stay'
/** Somebody signed out, and the balancer has not heard of it yet. */
const LEAVING_KEY = 'flotilla.leaving'
/** A token is renewed this long before it ends, so that none ends on its way. */
const RENEW_BEFORE_MS = 60_000

/**
 * Who this browser speaks as. The token lives in memory only; when it is about to end, the refresh cookie, which no script
 * can read, brings the next one; a guest has none, and enters again by the same name.
 * While the balancer is away a token that has not ended yet serves on.
 */
export class Session extends Store<SessionState> {
  readonly #ports: SessionPorts
  #login: LoggedIn | undefined
  #renewing: Promise<LoggedIn | ApiProblem> | undefined
  /** Refused by a server although not ended by our clock: ask for a new one as soon as someone answers. */
  #isDoubtful = false

  constructor(ports: SessionPorts) {
    super({ status: 'out' })
    this.#ports = ports
  }

  get rememberedName(): string {
    return this.#ports.storage?.getItem(NAME_KEY) ?? ''
  }

  /** Enters at once as whoever was here last, unless the person left on purpose. */
  async resume(): Promise<void> {
    if (this.#ports.storage?.getItem(LEAVING_KEY) != null) await this.#end()
    const name = this.rememberedName
    const stay = this.#ports.storage?.getItem(STAY_KEY)
    if (name === '' || (stay !== 'guest' && stay !== 'account')) return
    await this.#come(name, () => (stay === 'guest' ? this.#ask(name) : this.#refresh()))
  }

  /** As a guest, or with the password of an account. */
  async enter(name: string, password?: string): Promise<void> {
    await this.#come(name, () => this.#ask(name, password))
  }

  /** Makes an account, and enters with it. Who is in as a guest of that name takes what he said with him. */
  async signUp(name: string, password: string): Promise<ApiProblem | undefined> {
    const token = this.#login?.token
    const answer = await this.#ports.api.post('/api/signup', { username: name, password }, token)
    if (!answer.ok) {
      if (this.read().status !== 'in') this.set({ status: 'out', problem: answer.problem })
      return answer.problem
    }
    this.#login = undefined
    this.set({ status: 'out' })
    await this.enter(name, password)
    const now = this.read()
    return now.status === 'out' ? now.problem : undefined
  }

  /** Forgets who we are, but not the name: it waits in the field. `problem` = why, if the person did not ask for it. */
  leave(problem?: ApiProblem): void {
    const login = this.#login
    this.#login = undefined
    this.#ports.storage?.removeItem(STAY_KEY)
    if (login !== undefined && problem === undefined) {
      this.#ports.storage?.setItem(LEAVING_KEY, '1')
      void this.#end(login.token)
    }
    this.set(problem === undefined ? { status: 'out' } : { status: 'out', problem })
  }

  /** There is no such person any more. */
  forget(): void {
    this.#login = undefined
    this.#ports.storage?.removeItem(STAY_KEY)
    this.#ports.storage?.removeItem(NAME_KEY)
    this.set({ status: 'out' })
  }

  /** What went wrong was read, or has nothing to do with what is tried next. */
  forgetProblem(): void {
    const state = this.read()
    if (state.status === 'out' && state.problem !== undefined) this.set({ status: 'out' })
  }

  /** The name of this person is another one now; his next token says so, too. */
  renamed(name: string): void {
    const state = this.read()
    if (state.status !== 'in') return
    this.#ports.storage?.setItem(NAME_KEY, name)
    this.#isDoubtful = true
    this.set({ status: 'in', user: { ...state.user, name } })
  }

  /** The next `token()` tries to get a fresh one. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** A token that is good now. Bound. @throws Error when there is none to be had */
  readonly token = async (): Promise<string> => {
    const login = this.#login
    if (!login) throw new Error('not signed in')
    const leftMs = login.expiresAt - this.#ports.now()
    if (leftMs > RENEW_BEFORE_MS && !this.#isDoubtful) return login.token
    const renewed = await this.#renew(login.user)
    if (typeof renewed === 'object') return renewed.token
    if (leftMs > 0 && this.#login !== undefined) return login.token
    throw new Error(`no token: ${renewed}`)
  }

  async #come(name: string, ask: () => Promise<Answer<LoggedIn>>): Promise<void> {
    if (this.read().status === 'entering') return
    this.set({ status: 'entering', name })
    const answer = await ask()
    const now = this.read()
    if (now.status !== 'entering' || now.name !== name) return
    if (!answer.ok) return this.set({ status: 'out', problem: answer.problem })
    const { user } = answer.value
    this.#keep(answer.value)
    // The cookie is this person's now; that of a guest is whoever's it was.
    if (!isGuest(user)) this.#ports.storage?.removeItem(LEAVING_KEY)
    this.#ports.storage?.setItem(NAME_KEY, user.name)
    this.#ports.storage?.setItem(STAY_KEY, isGuest(user) ? 'guest' : 'account')
    this.set({ status: 'in', user })
  }

  /** Without an answer the cookie stays good, and who sits here next could go on with it: so the next visit asks again. */
  async #end(token?: string): Promise<void> {
    const answer = await this.#alone(() => this.#ports.api.post('/api/logout', {}, token))
    if (answer.ok) this.#ports.storage?.removeItem(LEAVING_KEY)
  }

  #ask(name: string, password?: string): Promise<Answer<LoggedIn>> {
    const body = { username: name, ...(password === undefined ? {} : { password }) }
    return this.#alone(() => this.#ports.api.post<LoggedIn>('/api/login', body))
  }

  #refresh(): Promise<Answer<LoggedIn>> {
    return this.#alone(() => this.#ports.api.post<LoggedIn>('/api/token', {}))
  }

  /** Several callers at once share one renewal. */
  #renew(user: User): Promise<LoggedIn | ApiProblem> {
    this.#renewing ??= this.#renewed(user).then((answer) => {
      this.#renewing = undefined
      if (answer.ok && this.#login) this.#keep(answer.value)
      else if (!answer.ok && (answer.problem === 'username_taken' || answer.problem === 'unauthenticated')) {
        this.leave(answer.problem)
      }
      return answer.ok ? answer.value : answer.problem
    })
    return this.#renewing
  }

  /** A guest enters anew. The cookie is the browser's: in another tab somebody else may have signed in since. */
  async #renewed(user: User): Promise<Answer<LoggedIn>> {
    if (isGuest(user)) return this.#ask(user.name)
    const answer = await this.#refresh()
    return answer.ok && answer.value.user.id !== user.id ? { ok: false, problem: 'unauthenticated' } : answer
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#ports.alone === undefined ? work() : this.#ports.alone(work)
  }

  #keep(login: LoggedIn): void {
    this.#login = login
    this.#isDoubtful = false
  }
}
