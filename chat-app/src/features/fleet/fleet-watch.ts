import { Timer, type Clock } from '@flotilla/protocol/client/clock.ts'
import type { PlacementChange, RegistryChange, ServerRow, Snapshot } from '@flotilla/protocol/control.ts'
import type { Answer } from '../../balancer/api.ts'
import { Store } from '../../store.ts'
import { hear, UNSEEN, type FleetNews, type FleetState } from './fleet-state.ts'

/** A stream may be dead without a word, and may be refused: the plain question tells whether the balancer is there. */
const ASK_EVERY_MS = 5_000
/** How soon the ages shown grow. */
const TICK_MS = 1_000
/** A stream that ended is opened again after this, and up to as much again: many may be watching. */
const REOPEN_MS = 1_000

/** The part of an `EventSource` that is used. */
export interface EventStream {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

export interface FleetPorts {
  /** `GET /servers` */
  servers: () => Promise<Answer<ServerRow[]>>
  /** Opens `GET /events`. */
  events: () => EventStream
  clock: Clock
  random: () => number
}

/**
 * The fleet as the balancer tells of it, while someone looks. Its event stream makes it quick; the list of servers, asked for
 * every few seconds and whenever the stream breaks, makes it sure.
 */
export class FleetWatch extends Store<FleetState> {
  /** The time that ages are counted to (ms since 1970); goes on once a second. */
  readonly now: Store<number>
  readonly #ports: FleetPorts
  readonly #tick: Timer
  readonly #ask: Timer
  readonly #reopen: Timer
  #stream: EventStream | undefined
  #lookers = 0
  /** Events that came in: an answer that was overtaken by one is older than what is shown. */
  #heard = 0
  #isAsking = false

  constructor(ports: FleetPorts) {
    super(UNSEEN)
    const { clock } = ports
    this.#ports = ports
    this.now = new Store(clock.now())
    this.#tick = new Timer(clock, () => this.#ticked())
    this.#ask = new Timer(clock, () => void this.#question())
    this.#reopen = new Timer(clock, () => this.#open())
  }

  /** Someone looks. Bound. @returns the way to stop */
  readonly look = (): (() => void) => {
    this.#lookers += 1
    if (this.#lookers === 1) this.#begin()
    let isLooking = true
    return () => {
      if (isLooking) this.#lookers -= 1
      isLooking = false
      if (this.#lookers === 0) this.#end()
    }
  }

  #begin(): void {
    this.#hear({ type: 'began' })
    this.#ticked()
    this.#open()
    void this.#question()
  }

  #end(): void {
    for (const timer of [this.#tick, this.#ask, this.#reopen]) timer.clear()
    this.#stream?.close()
    this.#stream = undefined
  }

  #open(): void {
    const stream = this.#ports.events()
    this.#stream = stream
    const on = <T>(type: string, take: (data: T) => FleetNews) =>
      stream.addEventListener(type, ({ data }) => {
        if (stream !== this.#stream) return
        this.#heard += 1
        this.#hear(take(JSON.parse(data) as T))
      })
    on<Snapshot>('snapshot', ({ servers }) => ({ type: 'snapshot', servers }))
    on<RegistryChange>('registry', (change) => ({ type: 'registry', ...change }))
    on<PlacementChange>('placement', (change) => ({ type: 'placement', ...change }))
    stream.addEventListener('error', () => {
      if (stream !== this.#stream) return
      // A browser gives a stream up for good when a proxy answers for a balancer that is down, so we open it ourselves.
      stream.close()
      this.#stream = undefined
      this.#reopen.set(REOPEN_MS * (1 + this.#ports.random()))
      void this.#question()
    })
  }

  /** One at a time: a next one must not take the place of that which is about to run out of patience. */
  async #question(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#ask.clear()
    const heard = this.#heard
    const answer = await this.#ports.servers()
    this.#isAsking = false
    if (this.#lookers === 0) return
    this.#ask.set(ASK_EVERY_MS)
    if (heard !== this.#heard) return
    this.#hear(answer.ok ? { type: 'snapshot', servers: answer.value } : { type: 'lost' })
  }

  #ticked(): void {
    this.now.set(this.#ports.clock.now())
    this.#tick.set(TICK_MS)
  }

  #hear(news: FleetNews): void {
    const at = this.#ports.clock.now()
    this.set(hear(this.read(), news, at))
    this.now.set(at)
  }
}
