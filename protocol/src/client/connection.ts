import type { CloseCode } from '../close-codes.ts'
import type { User, Welcome } from '../frames.ts'

/**
 * The words of the connection machine (`connection-machine.ts`): what it shows, what it hears of, what it asks for. A **line** is
 * one try to be connected, from asking the balancer to the end of its socket, under a number of its own.
 */

export type Connection =
  /**
   * Asking the balancer for a server. `attempt` = failures since the last stable connection; `place` = in the line of those who wait, as all
   * servers are full, 1 = next.
   */
  | { status: 'locating'; attempt: number; place?: number }
  | { status: 'opening'; attempt: number; url: string }
  | {
      status: 'live'
      url: string
      server: string
      session: string
      user: User
      alternatives: readonly string[]
    }
  /** Also before `start`, with attempt 0. */
  | { status: 'waiting'; attempt: number; delayMs: number; place?: number }
  /** Final. 1000 = by our own `close()`. */
  | { status: 'closed'; code: CloseCode | 1000 }

export type ConnectionEvent =
  | { type: 'start' }
  | { type: 'close' }
  | { type: 'retry' }
  | { type: 'located'; line: number; url: string; alternatives: readonly string[] }
  /** `retryAfterMs` = a balancer answered, but has no server; without it none answered. */
  | { type: 'unlocated'; line: number; retryAfterMs?: number; place?: number }
  | { type: 'welcomed'; line: number; welcome: Welcome }
  | { type: 'lost'; line: number; code: number }
  /** Instead of a greeting: the server takes this client in `retryMs`. */
  | { type: 'put-off'; line: number; retryMs: number }
  /** A send went out, and nothing was received since: an answer is due. */
  | { type: 'asked'; line: number }
  /** The answer to a due `watch`: nothing was received on the line for so long; since a send went out, if one did. */
  | { type: 'silent'; line: number; silentMs: number; askedMs?: number }
  | { type: 'moved'; line: number; inMs: number }
  /** Every room has its answer on this line. */
  | { type: 'settled'; line: number }
  | { type: 'due'; timer: Exclude<TimerName, 'watch'> }

export type Effect =
  | { do: 'locate'; line: number }
  | { do: 'open'; line: number; url: string }
  /** Stop whatever the line is doing; nothing it reports matters any more. */
  | { do: 'drop'; line: number }
  /** Join the rooms there. */
  | { do: 'join'; line: number }
  | { do: 'ping'; line: number }
  | { do: 'set'; timer: TimerName; ms: number }
  | { do: 'clear'; timer: TimerName }

export type TimerName =
  /** Until the next try. */
  | 'retry'
  /** Until a handshake is given up. */
  | 'handshake'
  /** Until a connection counts as stable. */
  | 'stable'
  /** Until the line's silence is looked at. */
  | 'watch'
  /** Until the next step of a move is due: begin, give up a handshake, leave anyway. */
  | 'move'
