import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import type { WebSocket } from 'ws'
import { Inbox, type Gateway as Handlers } from './dispatch.ts'
import type { Session } from './session.ts'

/** What happens on a client's WebSocket, told to its session. */

/** What `ws` closes a line with by itself, by the code of its error; anything else is 1002. */
const BROKEN_RULES: Record<string, CloseCode> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
}

/** What is done about what happens on a client's line; the same for all of them. */
export interface House {
  handlers: Handlers
  close: (session: Session, code: CloseCode) => void
  broke: (session: Session, code: CloseCode | undefined, cause: string) => void
  left: (session: Session, group: Set<Session>, ip: string) => void
}

/** A session and its line. */
export class Guest {
  readonly #session: Session
  readonly #inbox: Inbox
  readonly #group: Set<Session>
  readonly #ip: string
  readonly #house: House

  constructor(session: Session, group: Set<Session>, ip: string, house: House) {
    this.#session = session
    this.#inbox = new Inbox(session, house.handlers)
    this.#group = group
    this.#ip = ip
    this.#house = house
  }

  message(data: Buffer, isBinary: boolean): void {
    this.heard()
    if (isBinary) this.#house.close(this.#session, 1003)
    else this.#inbox.receive(data.toString())
  }

  /** A ping, which `ws` answers by itself and of which it takes so many at once, or a pong. */
  sign(): void {
    this.heard()
    this.#inbox.count(1)
  }

  heard(): void {
    this.#session.heardAt = this.#house.handlers.now()
  }

  drained(): void {
    this.#session.drained()
  }

  broke(cause: NodeJS.ErrnoException): void {
    const code = cause.code?.startsWith('WS_ERR') === true ? (BROKEN_RULES[cause.code] ?? 1002) : undefined
    this.#house.broke(this.#session, code, cause.message)
  }

  closed(): void {
    this.#house.left(this.#session, this.#group, this.#ip)
  }
}

const GUEST = Symbol('guest')
interface Greeted {
  [GUEST]?: Guest
}
const guestOf = (line: WebSocket | Socket): Guest | undefined => (line as Greeted)[GUEST]

/** From now on the guest hears of it. One set of listeners serves all: six closures for each would be a good part of an idle client. */
export function greet(ws: WebSocket, socket: Socket, guest: Guest): void {
  Object.assign(ws, { [GUEST]: guest })
  Object.assign(socket, { [GUEST]: guest })
  ws.on('message', onMessage)
  ws.on('ping', onSign)
  ws.on('pong', onSign)
  ws.on('error', onError)
  ws.on('close', onClose)
  socket.on('drain', onDrain)
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  guestOf(this)?.message(data as Buffer, isBinary)
}
function onSign(this: WebSocket): void {
  guestOf(this)?.sign()
}
function onError(this: WebSocket, cause: Error): void {
  guestOf(this)?.broke(cause)
}
function onClose(this: WebSocket): void {
  guestOf(this)?.closed()
}
function onDrain(this: Socket): void {
  guestOf(this)?.drained()
}
