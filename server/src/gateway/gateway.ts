import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import type { Revoke } from '@flotilla/protocol/control.ts'
import type { Welcome, WelcomeLimits } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { WebSocket } from 'ws'
import { pause, type Cancel } from '../clock.ts'
import type { Rooms } from '../rooms/rooms.ts'
import { ConnectionCounts } from './connection-counts.ts'
import type { Gateway as Handlers } from './dispatch.ts'
import type { Admitted, HandshakeRequest } from './doors.ts'
import { greet, Guest, type House } from './guest.ts'
import { Portions } from './portions.ts'
import { RateLimit } from './rate-limit.ts'
import { Revocations } from './revocations.ts'
import { Session } from './session.ts'
import { SocketLine } from './socket-line.ts'
import { SparingLog } from './sparing-log.ts'
import { Upgrades, type UpgradeOptions } from './upgrades.ts'

/** The clients of this server: greets them, keeps their lines alive, and sends them elsewhere when it goes. */

/** Sessions are visited in so many groups per heartbeat, not all at once. */
const BEAT_GROUPS = 20
/** A little early, so that a late timer does not let a `head` be late. */
const BEAT_MS = (0.9 * LIMITS.heartbeatMs) / BEAT_GROUPS
/** Of each turn of the event loop, what those who come may take. */
const ARRIVALS_MS = 2
/** What those who send much may take at a time, and how many times as long everybody else has after it. */
const SURPLUS_MS = 1
const SURPLUS_RESTS = 3
/** One whose token is good no more gets no longer than this to answer the close. */
const REVOKED_MS = 500
/** At a drain clients are asked to move no faster than one in this time, if there is time … */
const MOVE_MS = 1
/** … some of them in each step. */
const MOVE_STEP_MS = 40

export interface GatewayOptions extends UpgradeOptions {
  server: string
  /** Connections per address, and per account; 0 = no limit. */
  perIp: number
  perUser: number
  rate: number
  /** Joins per user, and lines per connection, in `LIMITS.rateMs`; 0 = no limit. */
  joins: number
  lines: number
  rooms: Rooms
  alternatives: () => string[]
  /** The number of clients changed. */
  changed: () => void
}

export class Gateway {
  readonly #options: GatewayOptions
  readonly #handlers: Handlers
  readonly #house: House
  readonly #limits: WelcomeLimits
  readonly #upgrades: Upgrades
  readonly #sessions = new Set<Session>()
  readonly #groups: Set<Session>[] = Array.from({ length: BEAT_GROUPS }, () => new Set())
  readonly #counts: ConnectionCounts
  readonly #revocations = new Revocations()
  readonly #log: SparingLog
  #group = 0
  #beat: Cancel
  #emptied: (() => void)[] = []

  constructor(options: GatewayOptions) {
    this.#options = options
    const { rooms, metrics, log, clock, rate, limits } = options
    const arrivals = new Portions(clock, ARRIVALS_MS)
    this.#log = new SparingLog(log, clock)
    this.#handlers = {
      rooms,
      arrivals,
      surplus: new Portions(clock, SURPLUS_MS, SURPLUS_RESTS),
      metrics,
      log,
      rateLimit: new RateLimit(rate, limits.rateBurst),
      ...(options.joins === 0 ? {} : { joinLimit: new RateLimit(options.joins, options.joins) }),
      lines: options.lines,
      later: (ms, run) => void clock.after(ms, run),
      now: () => clock.now(),
      textChars: limits.textChars,
      flooded: (session) => this.#close(session, 4429),
    }
    this.#house = {
      handlers: this.#handlers,
      close: (session, code) => this.#close(session, code),
      broke: (session, code, cause) => this.#broke(session, code, cause),
      left: (session, group, ip) => this.#left(session, group, ip),
    }
    this.#limits = {
      textChars: limits.textChars,
      frameBytes: limits.frameBytes,
      historyEntries: LIMITS.historyEntries,
      unackedSends: limits.unackedSends,
      rate,
      rateMs: LIMITS.rateMs,
    }
    this.#counts = new ConnectionCounts(options.perIp, options.perUser)
    this.#upgrades = new Upgrades(options, {
      arrivals,
      counts: this.#counts,
      revocations: this.#revocations,
      log: this.#log,
      clients: () => this.clients,
      enter: (ws, socket, admitted) => this.#enter(ws, socket, admitted),
    })
    this.#beat = clock.after(BEAT_MS, () => this.#beatGroup())
  }

  /** Clients per second that are let in now. */
  get admissionRate(): number {
    return this.#upgrades.admissionRate
  }

  get clients(): number {
    return this.#sessions.size
  }

  /** A `/ws` upgrade, of a request whose socket nobody reads. */
  upgrade(request: HandshakeRequest, socket: Duplex, head: Buffer): void {
    this.#upgrades.take(request, socket, head)
  }

  /** These tokens are good no more: who came in by one is out within `REVOKED_MS`, and nobody else comes in by it. */
  revoke(revoked: Revoke): void {
    const { clock } = this.#options
    this.#revocations.add(revoked, clock.now())
    // It is rare: an index over all clients would cost more than looking at each.
    for (const session of this.#sessions) {
      const code = this.#revocations.against(session.user.id, session.bearing)
      if (code === undefined || !session.isOpen) continue
      this.#close(session, code)
      clock.after(REVOKED_MS, () => session.terminate())
    }
  }

  #enter(ws: WebSocket, socket: Socket, admitted: Admitted): void {
    const { user, expiresAt, issuedAt } = admitted
    const { server, metrics, clock, alternatives, changed, limits } = this.#options
    const line = new SocketLine(ws, socket)
    const session = new Session({
      id: randomUUID(),
      user,
      line,
      metrics,
      now: clock.now(),
      limits,
      expiresAt,
      ...(issuedAt === undefined ? {} : { bearing: { sid: admitted.sid, issuedAt } }),
    })
    this.#sessions.add(session)
    const group = this.#groups[this.#sessions.size % BEAT_GROUPS] as Set<Session>
    group.add(session)
    const ip = this.#counts.ipOf(socket)
    this.#counts.add(ip, user.id)
    const welcome: Welcome = {
      type: 'welcome',
      server,
      session: session.id,
      user,
      heartbeatMs: LIMITS.heartbeatMs,
      limits: this.#limits,
      alternatives: alternatives(),
    }
    line.writeText(JSON.stringify(welcome))
    greet(ws, socket, new Guest(session, group, ip, this.#house))
    changed()
  }

  #left(session: Session, group: Set<Session>, ip: string): void {
    this.#sessions.delete(session)
    group.delete(session)
    this.#counts.remove(ip, session.user.id)
    session.end()
    this.#options.changed()
    if (this.#sessions.size === 0) for (const resolve of this.#emptied.splice(0)) resolve()
  }

  #broke(session: Session, code: CloseCode | undefined, cause: string): void {
    if (code !== undefined) this.#options.metrics.closed(code)
    this.#log.info({ session: session.id, user: session.user.id, code, cause }, 'client line broke')
  }

  #close(session: Session, code: CloseCode): void {
    this.#log.info({ session: session.id, user: session.user.id, code }, 'closing a client')
    session.close(code)
  }

  #beatGroup(): void {
    const { clock } = this.#options
    const now = clock.now()
    this.#log.tellRest()
    this.#group = (this.#group + 1) % BEAT_GROUPS
    for (const session of this.#groups[this.#group] ?? []) {
      const end = session.beat(now)
      if (end === undefined) continue
      this.#log.info({ session: session.id, user: session.user.id, end }, 'client lost')
      if (end === 'dead') session.terminate()
      else session.close(end)
    }
    if (this.#group === 0) {
      this.#handlers.rateLimit.sweep(now)
      this.#handlers.joinLimit?.sweep(now)
    }
    this.#beat = clock.after(BEAT_MS, () => this.#beatGroup())
  }

  /** Lets nobody in any more. */
  shut(): void {
    this.#upgrades.shut()
  }

  /** Lets people in again. */
  reopen(): void {
    this.#upgrades.reopen()
  }

  /**
   * Asks everybody to move, spread over a time that fits their number, `mostMs` at most: a server that fills slowly is a
   * server that others' people do not feel. Once `signal` is aborted nobody more is asked.
   * Resolves when all are gone, or with the signal.
   */
  async moveAll(mostMs: number, signal: AbortSignal): Promise<void> {
    const sessions = [...this.#sessions]
    const steps = Math.max(1, Math.floor(Math.min(mostMs, sessions.length * MOVE_MS) / MOVE_STEP_MS))
    let asked = 0
    for (let step = 1; step <= steps && !signal.aborted; step += 1) {
      for (; asked < Math.ceil((step * sessions.length) / steps); asked += 1) {
        sessions[asked]?.answer({ type: 'move', inMs: MOVE_STEP_MS, reason: 'drain' })
      }
      if (step < steps) await pause(this.#options.clock, MOVE_STEP_MS, signal)
    }
    await this.#empty(signal)
  }

  /** Closes everybody who is here now with `code`. */
  closeEach(code: CloseCode): void {
    for (const session of this.#sessions) session.close(code)
  }

  /** The last thing: closes everybody with `code`; resolves when the lines are down, after a second at most. */
  async closeAll(code: CloseCode): Promise<void> {
    this.#upgrades.close()
    this.#beat()
    this.closeEach(code)
    const late = new AbortController()
    const cancel = this.#options.clock.after(1_000, () => late.abort())
    await this.#empty(late.signal)
    cancel()
    for (const session of this.#sessions) session.terminate()
  }

  /** Resolves when nobody is here, or with the signal. */
  async #empty(signal: AbortSignal): Promise<void> {
    if (this.#sessions.size === 0 || signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#emptied.push(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
