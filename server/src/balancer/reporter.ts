import {
  RegisteredSchema,
  UpdatedSchema,
  type Command,
  type Register,
  type Revoke,
  type Update,
} from '@flotilla/protocol/control.ts'
import type { Logger } from 'pino'
import { Pool } from 'undici'
import type { Cancel, Clock } from '../clock.ts'

/** Tells one balancer that this server is here and how busy it is. Never gives up: a balancer may come back at any time. */

const REQUEST_MS = 2_000
/** Reports of changes are no closer than this: a thousand joins are a few reports. */
const CHANGE_MS = 50
const RETRY_MS = 300
/** A newer run of this id is registered: this one is a leftover, or two run with one id. */
const STALE_RETRY_MS = 5_000

export interface ReporterOptions {
  url: string
  secret: string
  clock: Clock
  random: () => number
  identity: () => Register
  /** Told at each registration, with the highest commit this server ever reported; done before anything is reported. */
  registered?: (watermark: number) => Promise<void>
  /** Told which tokens are good no more, whenever the balancer says so. */
  revoked?: (revoked: Revoke) => void
  load: () => Omit<Update, 'id' | 'inc' | 'n'>
  onCommand: (command: Command) => void
  log: Logger
  /** An answer that takes longer is given up. */
  requestMs?: number
}

export class Reporter {
  readonly #options: ReporterOptions
  readonly #pool: Pool
  readonly #requestMs: number
  #heartbeatMs = 1_000
  #n = 0
  #isRegistered = false
  /** Kept: the identity lists all rooms, which is much to make for each report. */
  #registeredAs = { id: '', inc: '' }
  #isBusy = false
  #isAgain = false
  #isStopped = false
  #sentAt = 0
  #next: Cancel | undefined
  #nextAt = Infinity
  #complaint: string | undefined
  readonly #tried = Promise.withResolvers<void>()
  #waiting: (() => void)[] = []

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#requestMs = options.requestMs ?? REQUEST_MS
    this.#pool = new Pool(options.url, {
      connections: 1,
      headersTimeout: this.#requestMs,
      bodyTimeout: this.#requestMs,
    })
  }

  get isRegistered(): boolean {
    return this.#isRegistered
  }

  /** Resolves when the first registration succeeded or failed. */
  get tried(): Promise<void> {
    return this.#tried.promise
  }

  start(): void {
    this.#schedule(0)
  }

  /** The load changed: a report goes out within `CHANGE_MS`. */
  changed(): void {
    if (this.#isBusy) this.#isAgain = true
    else if (this.#isRegistered) {
      this.#schedule(Math.max(0, this.#sentAt + CHANGE_MS - this.#options.clock.now()))
    }
  }

  /** Resolves when a report made from now on was answered, or could not be; at once if this server is not registered. */
  async told(): Promise<void> {
    if (!this.#isRegistered || this.#isStopped) return
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      if (this.#isBusy) this.#isAgain = true
      else this.#schedule(0)
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#tried.resolve()
    for (const resolve of this.#waiting.splice(0)) resolve()
    this.#next?.()
    await this.#pool.destroy()
  }

  #schedule(ms: number): void {
    const at = this.#options.clock.now() + ms
    if (this.#isStopped || this.#isBusy || at >= this.#nextAt) return
    this.#next?.()
    this.#nextAt = at
    this.#next = this.#options.clock.after(ms, () => void this.#run())
  }

  async #run(): Promise<void> {
    this.#nextAt = Infinity
    this.#isBusy = true
    this.#isAgain = false
    const waiting = this.#waiting.splice(0)
    let waitMs: number
    try {
      this.#sentAt = this.#options.clock.now()
      waitMs = this.#isRegistered ? await this.#update() : await this.#register()
    } catch (cause) {
      this.#complain('the balancer does not answer', { cause: (cause as Error).message })
      waitMs = RETRY_MS * (0.5 + this.#options.random())
    }
    for (const resolve of waiting) resolve()
    this.#tried.resolve()
    this.#isBusy = false
    this.#schedule(this.#isAgain && this.#isRegistered ? Math.min(waitMs, CHANGE_MS) : waitMs)
  }

  async #register(): Promise<number> {
    const identity = this.#options.identity()
    const { status, body } = await this.#post('/register', identity)
    if (status !== 200) {
      this.#complain('the balancer does not register this server', { status, code: codeOf(body) })
      return codeOf(body) === 'stale_incarnation' ? STALE_RETRY_MS : RETRY_MS * (1 + this.#options.random())
    }
    const { heartbeatMs, watermark = 0, revoked } = RegisteredSchema.parse(body)
    if (revoked !== undefined) this.#options.revoked?.(revoked)
    await this.#options.registered?.(watermark)
    this.#heartbeatMs = heartbeatMs
    this.#registeredAs = { id: identity.id, inc: identity.inc }
    this.#isRegistered = true
    this.#complaint = undefined
    this.#options.log.info({ loadbalancer: this.#options.url }, 'registered')
    return 0
  }

  async #update(): Promise<number> {
    this.#n += 1
    const report = { ...this.#registeredAs, n: this.#n, ...this.#options.load() }
    const { status, body } = await this.#post('/update', report)
    if (status === 200) {
      for (const command of UpdatedSchema.parse(body).commands) this.#options.onCommand(command)
      return this.#heartbeatMs
    }
    this.#isRegistered = false
    this.#complain('a report was refused', { status, code: codeOf(body) })
    return codeOf(body) === 'stale_incarnation' ? STALE_RETRY_MS : 0
  }

  async #post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await this.#pool.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#options.secret}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(this.#requestMs),
    })
    return { status: answer.statusCode, body: await answer.body.json().catch(() => undefined) }
  }

  /** The same trouble is logged once, not with every try. */
  #complain(what: string, detail: Record<string, unknown>): void {
    if (this.#complaint === what) return
    this.#complaint = what
    this.#options.log.warn({ loadbalancer: this.#options.url, ...detail }, what)
  }
}

function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null ? (body as { code?: unknown }).code : undefined
}
