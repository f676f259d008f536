import { refuse, type Result } from '@flotilla/protocol/errors.ts'
import { parseClientFrame, splitLines, type ClientFrame } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Logger } from 'pino'
import type { GatewayCounters } from '../metrics.ts'
import type { Rooms } from '../rooms/rooms.ts'
import { deleteMessage } from './delete.ts'
import { edit } from './edit.ts'
import { history } from './history.ts'
import { join } from './join.ts'
import { leave } from './leave.ts'
import type { Portions } from './portions.ts'
import type { RateLimit } from './rate-limit.ts'
import { react } from './react.ts'
import { send } from './send.ts'
import type { Session } from './session.ts'
import { typing } from './typing.ts'

/** What the handlers of frames work with. */
export interface Gateway {
  rooms: Rooms
  /** Without it, joins are done as they come. */
  arrivals?: Portions
  /** For the lines of connections that send many; without it, these, too, are done as they come. */
  surplus?: Portions
  rateLimit: RateLimit
  /** Joins of each user; without it, none are too many. */
  joinLimit?: RateLimit
  /** Lines a connection may send in `LIMITS.rateMs` before it is not read for the rest of that time; 0 or absent: any number. */
  lines?: number
  /** Runs it once, after so many milliseconds. */
  later?: (ms: number, run: () => void) => void
  metrics: GatewayCounters
  log: Logger
  now: () => number
  /** Longest text that is taken; as in `LIMITS` without. */
  textChars?: number
  /** Too many bad frames. */
  flooded: (session: Session) => void
}

/** `undefined`: answered, or will be. A promise: the session's next frame waits for it. */
export type Handled = Result<undefined> | undefined | Promise<Result<undefined> | undefined>

/** So much text is as much work as one more line. */
const LINE_CHARS = 4_096
/** Within `LIMITS.rateMs`; more than that nobody types. */
const FEW_LINES = 32

/**
 * The frames of one session, in the order of their lines. What follows a join waits for the join; and however much one
 * frame asks for, no more of it is begun than a session may have unanswered. What waits is bounded by not reading on.
 */
export class Inbox {
  readonly #session: Session
  readonly #gateway: Gateway
  #waiting: string[] = []
  #isBusy = false
  /** Lines that came in the time that ends at `#countedUntil`. */
  #counted = 0
  #countedUntil = 0

  constructor(session: Session, gateway: Gateway) {
    this.#session = session
    this.#gateway = gateway
    session.whenFree = () => this.#goOn()
  }

  receive(text: string): void {
    const lines = splitLines(text)
    this.count(Math.max(1, lines.length) + text.length / LINE_CHARS)
    if (this.#waiting.length === 0) this.#waiting = lines
    else this.#waiting.push(...lines)
    if (this.#isBusy) this.#session.hold(true)
    else this.#goOn()
  }

  /**
   * So many more lines came, or what is as much work. Whoever sends more than anybody needs to is not refused, which would be an answer
   * to each, but read no further for a while: what he sends then waits at his own end.
   */
  count(lines: number): void {
    const { lines: limit = 0, later, now } = this.#gateway
    if (limit === 0 || later === undefined) return
    const at = now()
    // The clock may be set back, too.
    if (at >= this.#countedUntil || at < this.#countedUntil - LIMITS.rateMs) {
      this.#countedUntil = at + LIMITS.rateMs
      this.#counted = 0
    }
    this.#counted += lines
    if (this.#counted <= limit || this.#session.isSlowed) return
    this.#gateway.metrics.slowed += 1
    this.#session.slow(true)
    later(this.#countedUntil - at, () => this.#session.slow(false))
  }

  /** Runs what waits, as far as it may. `hasTurn`: it waited for the turn of its next line, which has come. */
  #goOn(hasTurn = false): void {
    if (this.#isBusy) return
    this.#isBusy = true
    let begun = 0
    let wait: Promise<void> | undefined
    let isForTurn = false
    while (wait === undefined && begun < this.#waiting.length && !this.#session.isFull) {
      if (!this.#session.isOpen) begun = this.#waiting.length
      else if ((wait = hasTurn ? undefined : this.#turn()) !== undefined) isForTurn = true
      else wait = dispatch(this.#session, this.#waiting[begun++] as string, this.#gateway)
      hasTurn = false
    }
    this.#waiting = this.#waiting.slice(begun)
    this.#isBusy = wait !== undefined
    this.#session.hold(this.#waiting.length > 0)
    void wait?.finally(() => {
      this.#isBusy = false
      this.#goOn(isForTurn)
    })
  }

  /**
   * Whoever sends much gets his lines done one by one, in turn with the others who do: neither a frame full of them nor many such people
   * hold up those who say something now and then. Undefined: now.
   */
  #turn(): Promise<void> | undefined {
    return this.#counted <= FEW_LINES ? undefined : this.#gateway.surplus?.turn()
  }
}

/** Runs one line. Where a thrown failure becomes an `error` frame, but for `history`, which the next lines do not wait for. */
function dispatch(session: Session, line: string, gateway: Gateway): Promise<void> | undefined {
  const parsed = parseClientFrame(line, gateway.textChars)
  if (!parsed.ok) {
    session.refuse(parsed, parsed)
    if (session.isFlooding(gateway.now())) gateway.flooded(session)
    return undefined
  }
  const frame = parsed.value
  try {
    const handled = perform(session, frame, gateway)
    if (!(handled instanceof Promise)) {
      if (handled?.ok === false) session.refuse(frame, handled)
      return undefined
    }
    return handled.then(
      (result) => {
        if (result?.ok === false) session.refuse(frame, result)
      },
      (cause: unknown) => fail(session, frame, gateway, cause),
    )
  } catch (cause) {
    fail(session, frame, gateway, cause)
    return undefined
  }
}

function fail(session: Session, frame: ClientFrame, gateway: Gateway, cause: unknown): void {
  gateway.log.error({ err: cause, type: frame.type, session: session.id }, 'frame failed')
  session.refuse(frame, refuse('busy'))
}

function perform(session: Session, frame: ClientFrame, gateway: Gateway): Handled {
  switch (frame.type) {
    case 'send':
      return send(session, frame, gateway)
    case 'edit':
      return edit(session, frame, gateway)
    case 'delete':
      return deleteMessage(session, frame, gateway)
    case 'react':
      return react(session, frame, gateway)
    case 'join':
      return join(session, frame, gateway)
    case 'leave':
      return leave(session, frame)
    case 'history':
      return history(session, frame, gateway)
    case 'typing':
      return typing(session, frame, gateway)
    case 'ping':
      session.answer({ type: 'pong', ...(frame.ref === undefined ? {} : { ref: frame.ref }) })
      return undefined
    default:
      return unreachable(frame)
  }
}

function unreachable(frame: never): never {
  throw new Error(`no handler for ${JSON.stringify(frame)}`)
}
