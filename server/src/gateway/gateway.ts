import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import type { Revoke } from '@flotilla/protocol/control.ts'
import type { UserId, Welcome, WelcomeLimits } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { WaitingLine } from '@flotilla/protocol/waiting-line.ts'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import { pause, type Cancel, type Clock } from '../clock.ts'
import { PROBLEMS, refuseSocket, type ProblemCode, type ProblemMore } from '../http-problem.ts'
import type { ServerLimits } from '../limits.ts'
import type { Metrics } from '../metrics.ts'
import type { Rooms } from '../rooms/rooms.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import { Arrivals } from './arrivals.ts'
import type { Gateway as Handlers } from './dispatch.ts'
import { enter, knock, type Admitted, type DoorRules, type Entrance, type HandshakeRequest } from './doors.ts'
import { greet, Guest, type House } from './guest.ts'
import { putOff } from './put-off.ts'
import { RateLimit } from './rate-limit.ts'
import { Revocations } from './revocations.ts'
import { Session } from './session.ts'
import { SocketLine } from './socket-line.ts'

/** The clients of this server: lets them in, keeps their lines alive, and sends them elsewhere when it goes. */

/** Sessions are visited in so many groups per heartbeat, not all at once. */
const BEAT_GROUPS = 20
/** A little early, so that a late timer does not let a `head` be late. */
const BEAT_MS = (0.9 * LIMITS.heartbeatMs) / BEAT_GROUPS
/** How often the event loop is looked at, to know how many may come in. */
const OBSERVE_MS = 50
/** Those who come may wait so long for their turn before fewer are let in. */
const TURN_WAIT_MS = 1_500
/** While clients are put off, it is logged this often. */
const PUT_OFF_LOG_MS = 1_000
/** A client that does not answer a close is cut off after this long. */
const CLOSE_MS = 5_000
/** One whose token is good no more gets no longer than this to answer the close. */
const REVOKED_MS = 500
/** At a drain clients are asked to move no faster than one in this time, if there is time … */
const MOVE_MS = 1
/** … some of them in each step. */
const MOVE_STEP_MS = 40

export interface GatewayOptions {
  server: string
  doors: DoorRules
  capacity: number
  perIp: number
  /** Connections per account; 0 = no limit. */
  perUser: number
  rate: number
  /** Joins per user, and lines per connection, in `LIMITS.rateMs`; 0 = no limit. */
  joins: number
  lines: number
  limits: ServerLimits
  rooms: Rooms
  metrics: Metrics
  clock: Clock
  random: () => number
  log: Logger
  alternatives: () => string[]
  /** How late the event loop was at most since it was last asked. */
  loopDelayMs: () => number
  admission?: Partial<AdmissionLimits>
  /** The number of clients changed. */
  changed: () => void
}

export class Gateway {
  readonly #options: GatewayOptions
  readonly #handlers: Handlers
  readonly #house: House
  readonly #limits: WelcomeLimits
  readonly #upgrades: WebSocketServer
  readonly #sessions = new Set<Session>()
  readonly #groups: Set<Session>[] = Array.from({ length: BEAT_GROUPS }, () => new Set())
  readonly #perIp = new Map<string, number>()
  /** Connections of each account; guests' names are nobody's, and are not counted. */
  readonly #perUser = new Map<UserId, number>()
  readonly #admission: Admission
  readonly #arrivals: Arrivals
  /** Let those in whose slots are to come: for them it is over. */
  readonly #held = new Set<() => void>()
  readonly #revocations = new Revocations()
  /** Who found this server full. The balancer keeps the order: here it is only told, and whoever comes when a place is free gets it. */
  readonly #full = new WaitingLine()
  #putOff = 0
  #putOffLogged = 0
  #group = 0
  #entering = 0
  #beat: Cancel
  #observing: Cancel
  #isShut = false
  #emptied: (() => void)[] = []

  constructor(options: GatewayOptions) {
    this.#options = options
    const { rooms, metrics, log, clock, rate, limits } = options
    this.#arrivals = new Arrivals(clock)
    this.#handlers = {
      rooms,
      arrivals: this.#arrivals,
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
    const upgrades = {
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: limits.frameBytes,
      maxFragments: limits.fragments,
      maxBufferedChunks: limits.bufferedChunks,
      closeTimeout: CLOSE_MS, // which its types do not know yet
      handleProtocols: (offered: Set<string>) => (offered.has('chat.v1') ? 'chat.v1' : (false as const)),
    }
    this.#upgrades = new WebSocketServer(upgrades)
    this.#upgrades.on('wsClientError', (_error, socket) => this.#turnAway(socket, 'bad_handshake'))
    this.#beat = clock.after(BEAT_MS, () => this.#beatGroup())
    this.#admission = new Admission(clock.now(), options.random, options.admission)
    this.#observing = clock.after(OBSERVE_MS, () => this.#observe())
  }

  /** Clients per second that are let in now. */
  get admissionRate(): number {
    return this.#admission.rate
  }

  get clients(): number {
    return this.#sessions.size
  }

  /** A `/ws` upgrade, of a request whose socket nobody reads. */
  upgrade(request: HandshakeRequest, socket: Duplex, head: Buffer): void {
    const { metrics, clock, doors } = this.#options
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return this.#turnAway(socket, 'not_found')
    if (!(socket instanceof Socket)) return this.#turnAway(socket, 'not_a_socket')
    const full = this.#refusesMore(socket)
    if (full !== undefined) return this.#turnAway(socket, full, request)
    const knocked = knock(request, doors)
    if (!knocked.ok) return this.#turnAway(socket, knocked.code)
    const admitted = this.#admission.knock(clock.now())
    if (admitted.is === 'put-off') {
      metrics.putOff += 1
      this.#putOff += 1
      if (!putOff(request, socket, admitted.retryMs)) this.#turnAway(socket, 'bad_handshake')
    } else if (admitted.is === 'in' && !('token' in knocked) && this.#arrivals.hasTime) {
      this.#welcome(socket, knocked, request, head)
    } else {
      const turn = admitted.is === 'held' ? this.#hold(admitted.waitMs) : Promise.resolve()
      const entrance = turn.then(() => enter(knocked, doors))
      void this.#welcomeLater(socket, entrance, request, head)
    }
  }

  async #welcomeLater(
    socket: Socket,
    entering: Promise<Entrance>,
    request: HandshakeRequest,
    head: Buffer,
  ): Promise<void> {
    this.#entering += 1
    socket.pause()
    try {
      const inTurn = entering.then(async (entrance) => {
        await this.#arrivals.turn()
        return entrance
      })
      const entrance = await inTurn.finally(() => (this.#entering -= 1))
      if (socket.destroyed) return
      socket.resume()
      const refusal = entrance.ok ? this.#refuses(entrance, socket) : entrance.code
      if (refusal !== undefined) this.#turnAway(socket, refusal, request)
      else if (entrance.ok) this.#welcome(socket, entrance, request, head)
    } catch (cause) {
      this.#options.log.error({ err: cause }, 'upgrade failed')
      socket.destroy()
    }
  }

  #turnAway(socket: Duplex, code: ProblemCode, request?: HandshakeRequest): void {
    const { status } = PROBLEMS[code]
    const place = code === 'full' && request !== undefined ? this.#placeOf(socket, request) : {}
    this.#options.metrics.turnedAway(status, code)
    this.#options.log.info({ status, code }, 'turned away')
    refuseSocket(socket, code, place)
  }

  #placeOf(socket: Duplex, { url = '', headers }: HandshakeRequest): ProblemMore {
    const address = socket instanceof Socket ? (socket.remoteAddress ?? '') : ''
    const who = createHash('sha256').update(`${address} ${url} ${headers['sec-websocket-protocol'] ?? ''}`)
    const asked = this.#full.ask(who.digest('base64'), 0, this.#options.clock.now())
    return asked.isIn ? {} : { retryMs: asked.retryMs, fields: { place: asked.place } }
  }

  /** Resolves when its slot has come, or nobody is let in any more. */
  #hold(ms: number): Promise<void> {
    this.#options.metrics.held += 1
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.#held.delete(done)
        resolve()
      }
      const cancel = this.#options.clock.after(ms, done)
      this.#held.add(done)
    })
  }

  /** Judges how many may come in by how late the event loop is. */
  #observe(): void {
    const { clock, loopDelayMs, log } = this.#options
    const now = clock.now()
    this.#admission.observe(now, Math.max(loopDelayMs(), this.#arrivals.lateMs - TURN_WAIT_MS))
    if (this.#putOff > 0 && now - this.#putOffLogged >= PUT_OFF_LOG_MS) {
      const { rate, waiting } = this.#admission
      log.warn({ putOff: this.#putOff, rate: Math.round(rate), waiting }, 'more come than can be taken now')
      this.#putOff = 0
      this.#putOffLogged = now
    }
    this.#observing = clock.after(OBSERVE_MS, () => this.#observe())
  }

  #refusesMore(socket: Socket): ProblemCode | undefined {
    const { capacity, perIp } = this.#options
    if (this.#isShut) return 'draining'
    if (this.#sessions.size + this.#entering >= capacity) return 'full'
    const isOneTooMany = perIp > 0 && (this.#perIp.get(socket.remoteAddress ?? '') ?? 0) >= perIp
    return isOneTooMany ? 'too_many_connections' : undefined
  }

  /** What may have changed while it waited. */
  #refuses(admitted: Admitted, socket: Socket): ProblemCode | undefined {
    if (this.#revocations.against(admitted.user.id, admitted) !== undefined) return 'unauthenticated'
    const { perUser } = this.#options
    if (perUser > 0 && (this.#perUser.get(admitted.user.id) ?? 0) >= perUser) return 'too_many_of_user'
    return this.#refusesMore(socket)
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

  /** The answer to its handshake leaves in one write with the welcome. */
  #welcome(socket: Socket, admitted: Admitted, request: HandshakeRequest, head: Buffer): void {
    socket.cork()
    // Of a request it asks no more than what the quick door knows of one, too.
    this.#upgrades.handleUpgrade(request as IncomingMessage, socket, head, (ws) =>
      this.#enter(ws, socket, admitted),
    )
    socket.uncork()
  }

  #enter(ws: WebSocket, socket: Socket, admitted: Admitted): void {
    const { user, expiresAt, issuedAt } = admitted
    const { server, metrics, clock, alternatives, changed, limits, perIp } = this.#options
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
    // Asking for the address is a call to the system.
    const ip = perIp === 0 ? '' : (socket.remoteAddress ?? '')
    if (perIp > 0) this.#perIp.set(ip, (this.#perIp.get(ip) ?? 0) + 1)
    if (isAccount(user.id)) this.#perUser.set(user.id, (this.#perUser.get(user.id) ?? 0) + 1)
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
    const others = (this.#perIp.get(ip) ?? 1) - 1
    if (others > 0) this.#perIp.set(ip, others)
    else this.#perIp.delete(ip)
    const { id } = session.user
    const ofUser = (this.#perUser.get(id) ?? 1) - 1
    if (ofUser > 0) this.#perUser.set(id, ofUser)
    else this.#perUser.delete(id)
    session.end()
    this.#options.changed()
    if (this.#sessions.size === 0) for (const resolve of this.#emptied.splice(0)) resolve()
  }

  #broke(session: Session, code: CloseCode | undefined, cause: string): void {
    if (code !== undefined) this.#options.metrics.closed(code)
    this.#options.log.info({ session: session.id, user: session.user.id, code, cause }, 'client line broke')
  }

  #close(session: Session, code: CloseCode): void {
    this.#options.log.info({ session: session.id, user: session.user.id, code }, 'closing a client')
    session.close(code)
  }

  #beatGroup(): void {
    const { clock, log } = this.#options
    const now = clock.now()
    this.#group = (this.#group + 1) % BEAT_GROUPS
    for (const session of this.#groups[this.#group] ?? []) {
      const end = session.beat(now)
      if (end === undefined) continue
      log.info({ session: session.id, user: session.user.id, end }, 'client lost')
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
    this.#isShut = true
  }

  /** Lets people in again. */
  reopen(): void {
    this.#isShut = false
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
    this.shut()
    this.#beat()
    this.#observing()
    for (const done of this.#held) done() // to be turned away
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

function isAccount(id: UserId): boolean {
  return id.startsWith('user:')
}
