import type { LoggedIn } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { ApiProblem, BalancerApi } from '../../balancer/api.ts'
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
}

const NAME_KEY = 'flotilla.name'
const STAY_KEY = 'flotilla.stay'
/** A token is renewed this long before it ends, so that none ends on its way. */
const RENEW_BEFORE_MS = 60_000

/**
 * Who this browser speaks as. The token lives in memory only; when it is about to end, the same name enters again.
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

  /** Enters at once under the remembered name, unless the person left on purpose. */
  async resume(): Promise<void> {
    const name = this.rememberedName
    if (name !== '' && this.#ports.storage?.getItem(STAY_KEY) === 'yes') await this.enter(name)
  }

  async enter(name: string): Promise<void> {
    if (this.read().status === 'entering') return
    this.set({ status: 'entering', name })
    const answer = await this.#ports.api.post<LoggedIn>('/api/login', { username: name })
    const now = this.read()
    if (now.status !== 'entering' || now.name !== name) return
    if (!answer.ok) return this.set({ status: 'out', problem: answer.problem })
    this.#keep(answer.value)
    this.#ports.storage?.setItem(NAME_KEY, answer.value.user.name)
    this.#ports.storage?.setItem(STAY_KEY, 'yes')
    this.set({ status: 'in', user: answer.value.user })
  }

  /** Forgets who we are, but not the name: it waits in the field. `problem` = why, if the person did not ask for it. */
  leave(problem?: ApiProblem): void {
    this.#login = undefined
    this.#ports.storage?.removeItem(STAY_KEY)
    this.set(problem === undefined ? { status: 'out' } : { status: 'out', problem })
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
    const renewed = await this.#renew(login.user.name)
    if (typeof renewed === 'object') return renewed.token
    if (leftMs > 0) return login.token
    throw new Error(`no token: ${renewed}`)
  }

  /** Several callers at once share one login. */
  #renew(name: string): Promise<LoggedIn | ApiProblem> {
    this.#renewing ??= this.#ports.api.post<LoggedIn>('/api/login', { username: name }).then((answer) => {
      this.#renewing = undefined
      if (answer.ok && this.#login) this.#keep(answer.value)
      else if (!answer.ok && answer.problem === 'username_taken') this.leave(answer.problem)
      return answer.ok ? answer.value : answer.problem
    })
    return this.#renewing
  }

  #keep(login: LoggedIn): void {
    this.#login = login
    this.#isDoubtful = false
  }
}
