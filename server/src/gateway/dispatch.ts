import { refuse, type Result } from '@flotilla/protocol/errors.ts'
import { parseClientFrame, splitLines, type ClientFrame } from '@flotilla/protocol/frames.ts'
import type { Logger } from 'pino'
import type { GatewayCounters } from '../metrics.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { Arrivals } from './arrivals.ts'
import { deleteMessage } from './delete.ts'
import { edit } from './edit.ts'
import { history } from './history.ts'
import { join } from './join.ts'
import { leave } from './leave.ts'
import type { RateLimit } from './rate-limit.ts'
import { react } from './react.ts'
import { send } from './send.ts'
import type { Session } from './session.ts'
import { typing } from './typing.ts'

/** What the handlers of frames work with. */
export interface Gateway {
  rooms: Rooms
  /** Without it, joins are done as they come. */
  arrivals?: Arrivals
  rateLimit: RateLimit
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

/**
 * The frames of one session, in the order of their lines. What follows a join waits for the join; and however much one
 * frame asks for, no more of it is begun than a session may have unanswered. What waits is bounded by not reading on.
 */
export class Inbox {
  readonly #session: Session
  readonly #gateway: Gateway
  #waiting: string[] = []
  #isBusy = false

  constructor(session: Session, gateway: Gateway) {
    this.#session = session
    this.#gateway = gateway
    session.whenFree = () => this.#goOn()
  }

  receive(text: string): void {
    const lines = splitLines(text)
    if (this.#waiting.length === 0) this.#waiting = lines
    else this.#waiting.push(...lines)
    if (this.#isBusy) this.#session.hold(true)
    else this.#goOn()
  }

  /** Runs what waits, as far as it may. */
  #goOn(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    let begun = 0
    let wait: Promise<void> | undefined
    while (wait === undefined && begun < this.#waiting.length && !this.#session.isFull) {
      if (!this.#session.isOpen) begun = this.#waiting.length
      else wait = dispatch(this.#session, this.#waiting[begun++] as string, this.#gateway)
    }
    this.#waiting = this.#waiting.slice(begun)
    this.#isBusy = wait !== undefined
    this.#session.hold(this.#waiting.length > 0)
    void wait?.finally(() => {
      this.#isBusy = false
      this.#goOn()
    })
  }
}

/** Runs one line. The only place where a thrown failure becomes an `error` frame. */
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
