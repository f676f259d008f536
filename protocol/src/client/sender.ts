import { resendDelay } from './backoff.ts'
import { Timer, type Clock } from './clock.ts'
import type { Outbox, Outgoing } from './outbox.ts'

/** Without any answer for this long, sends go out again. */
const STALLED_MS = 15_000

/** When the sends of an outbox go out: now, after a hold [R11], or again because nothing was heard of them. */
export class Sender {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #random: () => number
  /** Sends as many as may go out now; tells which. */
  readonly #send: () => readonly Outgoing[]
  readonly #timer: Timer
  #answeredAt = 0

  constructor(
    outbox: Outbox,
    ports: { clock: Clock; random: () => number; send: () => readonly Outgoing[] },
  ) {
    this.#outbox = outbox
    this.#clock = ports.clock
    this.#random = ports.random
    this.#send = ports.send
    this.#timer = new Timer(ports.clock, () => this.#due())
  }

  pump(): void {
    if (!this.#outbox.isReady) return
    if (this.#outbox.inFlight === 0) this.#answeredAt = this.#clock.now()
    if (this.#send().length > 0 && !this.#timer.isSet) this.#timer.set(STALLED_MS)
  }

  /** The server is answering, whatever it says. */
  answered(): void {
    this.#answeredAt = this.#clock.now()
  }

  hold(retryMs: number | undefined): void {
    if (this.#outbox.isHeld) return // one burst, one resend
    this.#timer.set(resendDelay(this.#outbox.tries, this.#random, retryMs))
    this.#outbox.hold()
  }

  /** Joined on another connection: all that is unacked goes out again there [R13]. */
  restart(): void {
    this.stop()
    this.#outbox.restart()
    this.pump()
  }

  stop(): void {
    this.#timer.clear()
  }

  #due(): void {
    if (!this.#outbox.isHeld) {
      if (this.#outbox.inFlight === 0) return
      const quietMs = this.#clock.now() - this.#answeredAt
      if (quietMs < STALLED_MS) return this.#timer.set(STALLED_MS - quietMs)
      // Neither acked nor refused on a line that lives: sending again is safe, waiting for ever is not.
      this.#outbox.hold()
    }
    this.#outbox.release()
    this.pump()
  }
}
