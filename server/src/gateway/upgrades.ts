import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WaitingLine } from '@flotilla/protocol/waiting-line.ts'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Cancel, Clock } from '../clock.ts'
import { PROBLEMS, refuseSocket, type ProblemCode, type ProblemMore } from '../http-problem.ts'
import type { ServerLimits } from '../limits.ts'
import type { Metrics } from '../metrics.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import { enter, knock, type Admitted, type DoorRules, type Entrance, type HandshakeRequest } from './doors.ts'
import type { Portions } from './portions.ts'
import { putOff } from './put-off.ts'
import type { Revocations } from './revocations.ts'
import type { SparingLog } from './sparing-log.ts'

/** Those who ask for a WebSocket, until they have one: each is turned away, put off, held until his turn has come, or let in. */

/** How often the event loop is looked at, to know how many may come in. */
const OBSERVE_MS = 50
/** Those who come may wait so long for their turn before fewer are let in. */
const TURN_WAIT_MS = 1_500
/** While clients are put off, it is logged this often. */
const PUT_OFF_LOG_MS = 1_000
/** A client that does not answer a close is cut off after this long. */
const CLOSE_MS = 5_000

export interface UpgradeOptions {
  doors: DoorRules
  /** Clients this server takes. */
  capacity: number
  limits: ServerLimits
  metrics: Metrics
  clock: Clock
  random: () => number
  log: Logger
  /** How late the event loop was at most since it was last asked. */
  loopDelayMs: () => number
  admission?: Partial<AdmissionLimits>
}

/** Those who are in already, and what is known of those who come. */
export interface Inside {
  readonly counts: ConnectionCounts
  readonly revocations: Revocations
  readonly log: SparingLog
  readonly arrivals: Portions
  clients: () => number
  /** He is in. What is written before this returns leaves in one write with the answer to his handshake. */
  enter(ws: WebSocket, socket: Socket, admitted: Admitted): void
}

export class Upgrades {
  readonly #options: UpgradeOptions
  readonly #inside: Inside
  readonly #webSockets: WebSocketServer
  readonly #admission: Admission
  /** Let those in whose slots are to come: for them it is over. */
  readonly #held = new Set<() => void>()
  /** Who found this server full. The balancer keeps the order: here it is only told, and whoever comes when a place is free gets it. */
  readonly #full = new WaitingLine()
  #putOff = 0
  #putOffLogged = 0
  #entering = 0
  #observing: Cancel
  #isShut = false

  constructor(options: UpgradeOptions, inside: Inside) {
    this.#options = options
    this.#inside = inside
    const { limits, clock, random, admission } = options
    const webSockets = {
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: limits.frameBytes,
      maxFragments: limits.fragments,
      maxBufferedChunks: limits.bufferedChunks,
      closeTimeout: CLOSE_MS, // which its types do not know yet
      handleProtocols: (offered: Set<string>) => (offered.has('chat.v1') ? 'chat.v1' : (false as const)),
    }
    this.#webSockets = new WebSocketServer(webSockets)
    this.#webSockets.on('wsClientError', (_error, socket) => this.#turnAway(socket, 'bad_handshake'))
    this.#admission = new Admission(clock.now(), random, admission)
    this.#observing = clock.after(OBSERVE_MS, () => this.#observe())
  }

  /** Clients per second that are let in now. */
  get admissionRate(): number {
    return this.#admission.rate
  }

  /** A `/ws` upgrade, of a request whose socket nobody reads. */
  take(request: HandshakeRequest, socket: Duplex, head: Buffer): void {
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
      if (!putOff(request, socket, admitted.retryMs, clock)) this.#turnAway(socket, 'bad_handshake')
    } else if (admitted.is === 'in' && !('token' in knocked) && this.#inside.arrivals.hasTime) {
      this.#letIn(socket, knocked, request, head)
    } else {
      const turn = admitted.is === 'held' ? this.#hold(admitted.waitMs) : Promise.resolve()
      const entrance = turn.then(() => enter(knocked, doors))
      void this.#letInLater(socket, entrance, request, head)
    }
  }

  async #letInLater(
    socket: Socket,
    entering: Promise<Entrance>,
    request: HandshakeRequest,
    head: Buffer,
  ): Promise<void> {
    this.#entering += 1
    socket.pause()
    try {
      const inTurn = entering.then(async (entrance) => {
        await this.#inside.arrivals.turn()
        return entrance
      })
      const entrance = await inTurn.finally(() => (this.#entering -= 1))
      if (socket.destroyed) return
      socket.resume()
      const refusal = entrance.ok ? this.#refuses(entrance, socket) : entrance.code
      if (refusal !== undefined) this.#turnAway(socket, refusal, request)
      else if (entrance.ok) this.#letIn(socket, entrance, request, head)
    } catch (cause) {
      this.#options.log.error({ err: cause }, 'upgrade failed')
      socket.destroy()
    }
  }

  /** The answer to its handshake leaves in one write with what it is told then. */
  #letIn(socket: Socket, admitted: Admitted, request: HandshakeRequest, head: Buffer): void {
    socket.cork()
    // Of a request it asks no more than what the quick door knows of one, too.
    this.#webSockets.handleUpgrade(request as IncomingMessage, socket, head, (ws) =>
      this.#inside.enter(ws, socket, admitted),
    )
    socket.uncork()
  }

  #refusesMore(socket: Socket): ProblemCode | undefined {
    const { clients, counts } = this.#inside
    if (this.#isShut) return 'draining'
    if (clients() + this.#entering >= this.#options.capacity) return 'full'
    return counts.isFullIp(counts.ipOf(socket)) ? 'too_many_connections' : undefined
  }

  /** What may have changed while it waited. */
  #refuses(admitted: Admitted, socket: Socket): ProblemCode | undefined {
    const { counts, revocations } = this.#inside
    if (revocations.against(admitted.user.id, admitted) !== undefined) return 'unauthenticated'
    return counts.isFullUser(admitted.user.id) ? 'too_many_of_user' : this.#refusesMore(socket)
  }

  #turnAway(socket: Duplex, code: ProblemCode, request?: HandshakeRequest): void {
    const { status } = PROBLEMS[code]
    const place = code === 'full' && request !== undefined ? this.#placeOf(socket, request) : {}
    this.#options.metrics.turnedAway(status, code)
    this.#inside.log.info({ status, code }, 'turned away')
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
    this.#admission.observe(now, Math.max(loopDelayMs(), this.#inside.arrivals.lateMs - TURN_WAIT_MS))
    if (this.#putOff > 0 && now - this.#putOffLogged >= PUT_OFF_LOG_MS) {
      const { rate, waiting } = this.#admission
      log.warn({ putOff: this.#putOff, rate: Math.round(rate), waiting }, 'more come than can be taken now')
      this.#putOff = 0
      this.#putOffLogged = now
    }
    this.#observing = clock.after(OBSERVE_MS, () => this.#observe())
  }

  /** Lets nobody in any more. */
  shut(): void {
    this.#isShut = true
  }

  /** Lets people in again. */
  reopen(): void {
    this.#isShut = false
  }

  /** For good: who is held is turned away now. */
  close(): void {
    this.shut()
    this.#observing()
    for (const done of this.#held) done()
  }
}
