import { setTimeout as pause } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { until } from '../fleet/until.ts'
import type { ChaosFleet } from './chaos-fleet.ts'
import type { ChaosConfig } from './config.ts'
import { Injector, type FaultRecord } from './injector.ts'
import type { Journals } from './journal.ts'
import { planFaults, type FaultKind, type PlannedFault } from './plan.ts'
import type { Talker } from './talker.ts'

/** Clients that wait for their next try while all is well otherwise are not waited for any longer than this. */
const STRAGGLERS_MS = 3_000
const INSIST_EVERY_MS = 100

export interface FaultLoopOptions {
  config: Pick<ChaosConfig, 'seed' | 'ms' | 'longestMs' | 'overlapping' | 'count' | 'countEach' | 'atOnce'>
  kinds: readonly FaultKind[]
  fleet: ChaosFleet
  rooms: readonly RoomId[]
  journals: Journals
  talkers: readonly Talker[]
  note: (what: string) => void
  /** Ends it early. */
  signal: AbortSignal | undefined
  /** How long the rooms may take to be written again. */
  settleMs: number
}

/** One fault after the other, and several at once, as the seed has planned them. */
export class FaultLoop {
  readonly records: FaultRecord[] = []
  readonly #options: FaultLoopOptions
  readonly #injector: Injector
  readonly #underWay = new Set<Promise<void>>()
  readonly #failures: unknown[] = []

  constructor(options: FaultLoopOptions) {
    const { fleet, rooms, journals } = options
    this.#options = options
    this.#injector = new Injector(fleet, rooms, () => journals.now)
  }

  /** Until time is up, enough has happened, or the signal comes. @throws what a process that does not come back throws */
  async run(): Promise<void> {
    const { config, kinds, journals, talkers, signal } = this.#options
    const { seed, longestMs, overlapping, ms, atOnce } = config
    const endsAt = journals.now + ms
    const insisting = setInterval(() => talkers.forEach((talker) => talker.insist()), INSIST_EVERY_MS)
    let isWell = true
    try {
      for (const planned of planFaults({ seed, kinds, longestMs, overlapping: overlapping / 100 })) {
        if (planned.isOverlapping) {
          while (this.#underWay.size >= atOnce) await Promise.race(this.#underWay)
        } else {
          await Promise.all(this.#underWay)
          if (!isWell) await this.#written(journals.now)
        }
        await pause(planned.afterMs, undefined, { signal }).catch(() => {})
        if (signal?.aborted === true || journals.now >= endsAt) break
        if (this.#failures.length > 0 || this.#isEnough()) break
        this.#begin(planned)
        isWell = planned.isAlone
      }
      await Promise.all(this.#underWay)
    } finally {
      clearInterval(insisting)
    }
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  /** `kill 12, pause 11`: how many of each kind there were. */
  describe(): string {
    return this.#options.kinds.map((kind) => `${kind} ${this.#countOf(kind)}`).join(', ')
  }

  #isEnough(): boolean {
    const { config, kinds } = this.#options
    const { count, countEach } = config
    if (count > 0 && this.records.length >= count) return true
    return countEach > 0 && kinds.every((kind) => this.#countOf(kind) >= countEach)
  }

  #countOf(kind: FaultKind): number {
    return this.records.filter((record) => record.kind === kind).length
  }

  #begin({ fault, isAlone }: PlannedFault): void {
    const { journals, note } = this.#options
    const { mended, ...hit } = this.#injector.inject(fault)
    const record: FaultRecord = {
      kind: fault.kind,
      ...hit,
      at: journals.now,
      mendedAt: Infinity,
      settledAt: Infinity,
      isAlone,
    }
    this.records.push(record)
    note(`${fault.kind} ${hit.target}: ${hit.detail}`)
    const over = mended
      .then(async (known) => {
        Object.assign(record, known)
        record.mendedAt = journals.now
        if (isAlone) await this.#written(record.mendedAt)
        record.settledAt = journals.now
      })
      .catch((cause: unknown) => void this.#failures.push(cause))
      .then(() => void this.#underWay.delete(over))
    this.#underWay.add(over)
  }

  /** Resolves when every room has acked something that was sent after `since`, and everybody is back; or after a while. */
  async #written(since: number): Promise<void> {
    const { journals, rooms, talkers, settleMs, note } = this.#options
    const isWritten = () => rooms.every((room) => (journals.ackedUpTo.get(room) ?? 0) > since)
    const isBack = () => talkers.every(({ client }) => client.connection.status === 'live')
    await until('every room is written again', isWritten, { timeoutMs: settleMs }).catch(() =>
      note('not every room is written again'),
    )
    await until('everybody is back', isBack, { timeoutMs: STRAGGLERS_MS }).catch(() => {})
  }
}
