import type { Peer } from '@flotilla/protocol/control.ts'
import type { Events } from '../events.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { DirectoryStore } from '../rooms/directory-store.ts'
import { PROBE_MS, type Prober } from './probe.ts'
import type { Registry } from './registry.ts'

const TICK_MS = 250
/** Watermarks are written together, this often: a lost second of them only lets an old file look a second younger. */
const WATERMARKS_MS = 1_000

export interface PatrolParts {
  registry: Registry
  prober: Prober
  store: DirectoryStore
  events: Events
  metrics: Metrics
  log: Logger
  now: () => number
}

/** Lets time pass for the registry: does the probes it asks for, tells what changed, keeps the watermarks. */
export class Patrol {
  /** The highest commit number each server reported, as far as not yet written. */
  readonly watermarks = new Map<string, number>()
  readonly #parts: PatrolParts
  readonly #probes = new Map<string, Promise<void>>()
  #timers: NodeJS.Timeout[] = []

  constructor(parts: PatrolParts) {
    this.#parts = parts
  }

  start(): void {
    this.#tick()
    this.#timers = [
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => void this.#saveWatermarks(), WATERMARKS_MS),
    ]
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([...this.#probes.values(), this.#saveWatermarks()])
  }

  /** Probes a server, unless that is underway; resolves when the registry knows the outcome. */
  probe(id: string, why: 'silent' | 'suspect'): Promise<void> {
    const peer = this.#parts.registry.peer(id)
    if (peer === undefined) return Promise.resolve()
    const underway = this.#probes.get(id)
    if (underway) return underway
    const probing = this.#probe(peer, why).finally(() => this.#probes.delete(id))
    this.#probes.set(id, probing)
    return probing
  }

  #tick(): void {
    const { registry, events, log, now } = this.#parts
    for (const { id } of registry.tick(now())) void this.probe(id, 'silent')
    const changes = registry.takeChanges(now())
    if (changes.servers.length === 0 && changes.gone.length === 0) return
    events.send('registry', changes)
    for (const { id, state, ageMs } of changes.servers) log.debug({ id, state, ageMs }, 'server')
  }

  async #probe({ id, host, port }: Peer, why: string): Promise<void> {
    const { registry, prober, metrics, log } = this.#parts
    const inc = registry.inc(id) ?? ''
    const outcome = await prober.ask({ host, port }, id, inc, PROBE_MS)
    metrics.probes.inc({ why, outcome })
    if (outcome !== 'ok') log.warn({ id, host, port, why, outcome }, 'probe')
    registry.probed(id, inc, outcome)
  }

  async #saveWatermarks(): Promise<void> {
    if (this.watermarks.size === 0) return
    const waiting = new Map(this.watermarks)
    this.watermarks.clear()
    try {
      await this.#parts.store.raiseWatermarks(waiting)
    } catch (err) {
      this.#parts.log.error({ err }, 'watermarks not written')
      // Newer ones that came meanwhile are higher.
      for (const [id, commitNo] of waiting) {
        this.watermarks.set(id, Math.max(commitNo, this.watermarks.get(id) ?? 0))
      }
    }
  }
}
