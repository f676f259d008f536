import type { Logger } from 'pino'
import { pause, type Clock } from './clock.ts'
import type { Gateway } from './gateway/gateway.ts'
import type { Rooms } from './rooms/rooms.ts'

/**
 * How a server empties itself: it takes no more clients, tells the balancers, hands its rooms over, sends its clients elsewhere,
 * and closes those who stay at the deadline.
 *
 *   serving --begin--> draining --everybody gone, or the deadline--> drained
 *      ^------------------cancel-----------'-------------------cancel---'
 *
 * Nothing acked depends on any of it: whoever is cut off comes back and goes on from its cursor.
 */
export type DrainState = 'serving' | 'draining' | 'drained'

/** A balancer that has not answered by then is not waited for: clients find their way by `alternatives`. */
const TELL_MS = 250
/** A room may be opened here while clients are still there, or find no other server at first: looked for this often. */
const HAND_OVER_AGAIN_MS = 250

export interface DrainOptions {
  clock: Clock
  /** From its beginning until those who are still there are closed. */
  deadlineMs: number
  gateway: Pick<Gateway, 'clients' | 'shut' | 'reopen' | 'moveAll' | 'closeEach'>
  rooms: Pick<Rooms, 'homes' | 'handOver'>
  /** Tells the balancers of the state; resolves when they know. */
  report: () => Promise<unknown>
  log: Logger
}

export class Drain {
  readonly #options: DrainOptions
  #state: DrainState = 'serving'
  #run: { abort: AbortController; ended: Promise<void> } | undefined

  constructor(options: DrainOptions) {
    this.#options = options
  }

  get state(): DrainState {
    return this.#state
  }

  /** Resolves when the server is drained, or the drain is cancelled. While one is under way there is no second. */
  begin(): Promise<void> {
    if (this.#run === undefined) {
      const abort = new AbortController()
      this.#run = { abort, ended: this.#drain(abort.signal) }
    }
    return this.#run.ended
  }

  /** Serves again: who was not told to move yet stays. What has left, rooms and clients, does not come back by this. */
  cancel(): void {
    if (this.#run === undefined) return
    const { gateway, report, log } = this.#options
    this.#run.abort.abort()
    this.#run = undefined
    this.#state = 'serving'
    gateway.reopen()
    log.info({ clients: gateway.clients }, 'drain cancelled')
    void report()
  }

  /** The server stops: nothing more is done here. */
  close(): void {
    this.#run?.abort.abort()
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const { clock, deadlineMs, gateway, rooms, report, log } = this.#options
    this.#state = 'draining'
    gateway.shut()
    log.info({ clients: gateway.clients, homes: rooms.homes }, 'draining')
    const deadline = pause(clock, deadlineMs, signal)
    // First, or the balancer would send those who move back to here.
    await Promise.race([report(), pause(clock, TELL_MS, signal)])
    if (signal.aborted) return
    // The rooms at once, the people over some time: who is still here follows the rooms' new homes meanwhile.
    const gone = Promise.all([this.#handOver(signal), gateway.moveAll(deadlineMs / 2, signal)])
    await Promise.race([gone, deadline])
    if (signal.aborted) return
    log.info({ stayed: gateway.clients, homes: rooms.homes }, 'drained')
    gateway.closeEach(1012)
    this.#state = 'drained'
    void report()
  }

  /** Resolves when each room was offered to others once; goes on with those that stayed, or came, until the drain is cancelled. */
  async #handOver(signal: AbortSignal): Promise<void> {
    const { clock, rooms } = this.#options
    await rooms.handOver(signal)
    void (async () => {
      for (;;) {
        await pause(clock, HAND_OVER_AGAIN_MS, signal)
        if (signal.aborted) return
        await rooms.handOver(signal)
      }
    })()
  }
}
