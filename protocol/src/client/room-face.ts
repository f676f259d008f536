import { ERRORS, type ErrorCode } from '../errors.ts'
import type { Entry, LeftReason, LogId, RoomView, Seq, User } from '../frames.ts'

/** A refusal, or a lost connection (`busy`: ask again when live), of something that was asked for. */
export class ChatError extends Error {
  readonly code: ErrorCode
  /** When to ask again, where the server said it. */
  readonly retryMs: number | undefined

  constructor(code: ErrorCode, message: string = ERRORS[code]?.says ?? code, retryMs?: number) {
    super(message)
    this.name = 'ChatError'
    this.code = code
    this.retryMs = retryMs
  }
}

export interface RoomState {
  /** `recovering`: the connection is lost or the room is joined anew; it shows what it has. */
  readonly status: 'joining' | 'live' | 'recovering' | 'refused' | 'left'
  readonly code?: ErrorCode
  /** Why it was `left`, if not by `leave`. */
  readonly reason?: LeftReason
  readonly log?: LogId
  /** What the room is, to the one who asks; since it was joined for the first time. */
  readonly view?: RoomView
  /** The highest seq known to be in the log. */
  readonly head: Seq
  /** Seq of the first entry delivered; what lies before it comes by `history`. */
  readonly first: Seq
  readonly members: readonly User[]
  readonly count: number
}

export interface RoomListeners {
  /** One call per received frame; strictly seq + 1, each exactly once, never before its gap is filled. */
  entries?: (entries: readonly Entry[]) => void
  /** Drop all you show. */
  reset?: () => void
  /** `state` or `pending` changed; once per turn. */
  change?: () => void
  /** A send is durable: once per id, at its ack or its own entry, whichever comes first. */
  ack?: (ack: { id: string; seq: Seq; ts: number }) => void
  /** Finally refused; not tried again by itself. */
  refused?: (refusal: { id: string; code: ErrorCode }) => void
  typing?: (user: User) => void
}

/** Who listens to a room. One that throws keeps neither the others nor the room from going on; the platform reports it. */
export class Listening {
  readonly #all = new Set<RoomListeners>()
  #isChanged = false

  add(listeners: RoomListeners): () => void {
    const own = { ...listeners }
    this.#all.add(own)
    return () => this.#all.delete(own)
  }

  tell<K extends keyof RoomListeners>(what: K, ...news: Parameters<NonNullable<RoomListeners[K]>>): void {
    for (const listeners of [...this.#all]) {
      try {
        ;(listeners[what] as ((...news: unknown[]) => void) | undefined)?.(...news)
      } catch (cause) {
        queueMicrotask(() => {
          throw cause
        })
      }
    }
  }

  /** Tells `change` at the end of this turn, once. */
  changed(): void {
    if (this.#isChanged) return
    this.#isChanged = true
    queueMicrotask(() => {
      this.#isChanged = false
      this.tell('change')
    })
  }
}
