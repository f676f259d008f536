import type { Cancel, Clock } from '../../server/src/clock.ts'

/**
 * A world of one seed: its time, its chance, and everything that happens in it, in an order that the seed alone decides.
 * Nothing in it waits: time jumps to the next event.
 */
export class World {
  readonly seed: number
  now = 1_700_000_000_000
  #events: Heap = new Heap()
  #order = 0
  #state: number
  /** What happened, for whoever looks into a seed. */
  readonly trace: string[] = []
  isTraced = false

  constructor(seed: number) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** mulberry32: 32 bits of state, good enough to choose by, the same on every machine. */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T
  }

  note(what: string): void {
    if (this.isTraced) this.trace.push(`${this.now - 1_700_000_000_000} ${what}`)
  }

  after(ms: number, run: () => void): Cancel {
    const event = { at: this.now + Math.max(0, ms), order: this.#order++, run, isOff: false }
    this.#events.push(event)
    return () => {
      event.isOff = true
    }
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    await settled()
    for (;;) {
      const next = this.#events.peek()
      if (next === undefined || next.at > end) break
      this.#events.pop()
      if (next.isOff) continue
      this.now = Math.max(this.now, next.at)
      next.run()
      await settled()
    }
    this.now = end
  }
}

/** Something that runs in the world and can crash or stand still: its timers are its own. */
export class Process {
  readonly name: string
  readonly #world: World
  readonly #skewMs: number
  isAlive = true
  #isPaused = false
  #held: (() => void)[] = []

  constructor(world: World, name: string, skewMs = 0) {
    this.#world = world
    this.name = name
    this.#skewMs = skewMs
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  readonly clock: Clock = {
    now: () => this.#world.now + this.#skewMs,
    after: (ms, run) => this.after(ms, run),
    soon: (run) => void this.after(0, run),
  }

  /** A timer of this process: never rings after a crash, and not while it stands still. */
  after(ms: number, run: () => void): Cancel {
    return this.#world.after(ms, () => this.run(run))
  }

  /** Something reaches the process: at once, when it goes on, or never. */
  run(what: () => void): void {
    if (!this.isAlive) return
    if (this.#isPaused) this.#held.push(what)
    else what()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    const held = this.#held
    this.#held = []
    for (const what of held) this.#world.after(0, () => this.run(what))
  }

  crash(): void {
    this.isAlive = false
    this.#held = []
  }
}

/** Resolves when every promise that could go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

interface Event {
  at: number
  order: number
  run: () => void
  isOff: boolean
}

/** Events by time, then by the order in which they were made. */
class Heap {
  readonly #items: Event[] = []

  peek(): Event | undefined {
    return this.#items[0]
  }

  push(event: Event): void {
    const items = this.#items
    items.push(event)
    let i = items.length - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (before(items[parent]!, event)) break
      items[i] = items[parent]!
      i = parent
    }
    items[i] = event
  }

  pop(): void {
    const items = this.#items
    const last = items.pop()
    if (last === undefined || items.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child += 1
      if (before(last, items[child]!)) break
      items[i] = items[child]!
      i = child
    }
    items[i] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
