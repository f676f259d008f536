import { MemoryNetwork } from '../../server/src/bus/memory-bus.ts'
import type { Process, World } from './world.ts'

/** Servers notice after so long that another one is silent. */
const SILENT_MS = 3_000
const STATE_MS = 10

/** Who reaches whom in a world, and what the bus does to messages on their way: loses, doubles, delays and reorders them. */
export class SimNetwork {
  readonly bus: MemoryNetwork
  readonly #world: World
  /** Pairs that do not reach each other now; whether both are servers, which are told. */
  readonly #cuts = new Map<string, { a: string; b: string; areServers: boolean }>()
  /** The part of the messages that is lost, and of the others that is doubled. */
  loss = 0
  #messages = 0
  /** The last message that arrived, by its way. */
  readonly #arrived = new Map<string, number>()

  constructor(
    world: World,
    processOf: (server: string) => Process | undefined,
    count: (what: string) => void,
  ) {
    this.#world = world
    this.bus = new MemoryNetwork({
      message: (from, to, deliver) => {
        if (world.chance(this.loss)) {
          count('message lost')
          return
        }
        const copies = world.chance(this.loss) ? 2 : 1
        if (copies > 1) count('message doubled')
        const number = (this.#messages += 1)
        for (let i = 0; i < copies; i += 1) {
          // Mostly quick, sometimes so late that what was sent after it arrives before.
          const isLate = world.chance(0.05)
          if (isLate) count('message late')
          const ms = isLate ? world.between(10, 200) : world.between(1, 10)
          world.after(ms, () => {
            if (!this.reach(from, to)) return
            const way = `${from} ${to}`
            const before = this.#arrived.get(way) ?? 0
            if (number < before) count('message overtaken')
            this.#arrived.set(way, Math.max(before, number))
            processOf(to)?.run(deliver)
          })
        }
      },
      state: (_from, to, deliver) => {
        // [B3] Late, but in order: a bus may not say `up` before the `down` that came first.
        world.after(STATE_MS, () => processOf(to)?.run(deliver))
      },
    })
  }

  reach(a: string, b: string): boolean {
    return !this.#cuts.has(pair(a, b))
  }

  /** For `ms`; not at all if they are cut off from each other already. */
  cut(a: string, b: string, ms: number, areServers: boolean): void {
    if (!this.reach(a, b)) return
    this.#world.note(`${a} and ${b} are cut off for ${ms}`)
    this.#cuts.set(pair(a, b), { a, b, areServers })
    if (areServers && ms > SILENT_MS) {
      this.#world.after(SILENT_MS, () => !this.reach(a, b) && this.bus.link(a, b, false))
    }
    this.#world.after(ms, () => this.#mend(a, b))
  }

  mendAll(): void {
    for (const { a, b } of [...this.#cuts.values()]) this.#mend(a, b)
  }

  #mend(a: string, b: string): void {
    const cut = this.#cuts.get(pair(a, b))
    if (cut === undefined) return
    this.#cuts.delete(pair(a, b))
    if (cut.areServers) this.bus.link(a, b, true)
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
