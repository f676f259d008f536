import { mkdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { until } from '../fleet/until.ts'
import { BalancerApi } from '../replay/balancer-api.ts'
import { Chance } from './chance.ts'
import { ChaosFleet } from './chaos-fleet.ts'
import type { ChaosConfig } from './config.ts'
import { isFileWhole, readByHistory, readFile, type FileRoom } from './final-reads.ts'
import { Injector, type FaultRecord } from './injector.ts'
import { findBreaches, type FinalRead } from './invariants.ts'
import { Journals } from './journal.ts'
import { planFaults, type PlannedFault } from './plan.ts'
import { figuresOf, type KindFigures } from './report.ts'
import { Talker } from './talker.ts'

/** Faults that may be going on at once. */
const MAX_AT_ONCE = 3
/** After this long with everything mended, everybody has to be back and nothing may be under way. */
const SETTLE_MS = 60_000
/** A breach is named; a thousand of the same need not be. */
const MAX_BREACHES = 1_000

export interface ChaosResult {
  seed: number
  breaches: string[]
  records: FaultRecord[]
  figures: KindFigures[]
  acked: number
  rendered: number
  /** Processes that ended though nobody had them end. */
  unexpectedEnds: string[]
  /** Kinds that cannot be had on this machine. */
  skipped: string[]
  seconds: number
  /** Journals and data; gone if there was no breach and nobody wants them kept. */
  folder: string
}

export interface ChaosPorts {
  say: (line: string) => void
  signal?: AbortSignal
  /** Added to the environment of every process of the fleet. */
  env?: Readonly<Record<string, string>>
  /** How long everything may take to come to rest. */
  settleMs?: number
}

/** Runs a fleet, breaks it as the seed says, lets it heal, and judges what its clients saw. Says what it does. */
export async function runChaos(config: ChaosConfig, ports: ChaosPorts): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), `flotilla-chaos-${config.seed}-`))
  const run = new ChaosRun(config, folder, ports)
  let result: ChaosResult | undefined
  try {
    result = await run.run()
    return result
  } finally {
    if (config.isKept || result === undefined || result.breaches.length > 0) await run.keep(result)
    else await rm(folder, { recursive: true, force: true })
  }
}

class ChaosRun {
  readonly #config: ChaosConfig
  readonly #folder: string
  readonly #say: (line: string) => void
  readonly #signal: AbortSignal | undefined
  readonly #env: Readonly<Record<string, string>>
  readonly #settleMs: number
  readonly #chance: Chance
  readonly #journals: Journals
  readonly #talkers: Talker[] = []
  readonly #records: FaultRecord[] = []
  readonly #unexpectedEnds: string[] = []

  constructor(config: ChaosConfig, folder: string, ports: ChaosPorts) {
    this.#config = config
    this.#folder = folder
    this.#say = ports.say
    this.#signal = ports.signal
    this.#env = ports.env ?? {}
    this.#settleMs = ports.settleMs ?? SETTLE_MS
    this.#chance = new Chance(config.seed)
    const journalFolder = join(folder, 'journals')
    mkdirSync(journalFolder, { recursive: true })
    this.#journals = new Journals(journalFolder)
  }

  async run(): Promise<ChaosResult> {
    const { seed, servers, kinds, drainMs } = this.#config
    const fleet = await ChaosFleet.start({
      dataDir: join(this.#folder, 'data'),
      servers,
      random: Math.random, // of ports and jitter: what the seed decides must not hang on what is free here
      drainMs,
      env: this.#env,
      hasSmallDisk: kinds.includes('disk'),
      onUnexpectedEnd: (name, how) =>
        this.#unexpectedEnds.push(this.#note(`${name} ended by itself: ${how}`)),
    })
    const skipped = kinds.filter((kind) => kind === 'disk' && fleet.servers[0]?.disk === undefined)
    if (skipped.length > 0) this.#say('no disk faults: a small file system cannot be mounted here')
    const breaches: string[] = []
    const reads: FinalRead[] = []
    try {
      const rooms = await this.#makeRooms(fleet)
      await this.#letIn(fleet, rooms)
      for (const talker of this.#talkers) talker.talk()
      await pause(1_000, undefined, { signal: this.#signal })
      const usable = kinds.filter((kind) => !skipped.includes(kind))
      // What does not come back is a breach like any other; the rest is judged all the same.
      const attempt = async (work: () => Promise<void>) => {
        await work().catch((cause: unknown) => breaches.push(`L ${(cause as Error).message}`))
        this.#signal?.throwIfAborted()
      }
      await attempt(() => this.#breakThings(fleet, rooms, usable))
      this.#note('heals')
      await attempt(() => fleet.heal())
      for (const talker of this.#talkers) talker.hush()
      breaches.push(...(await this.#settle()))
      this.#note('reads everything')
      for (const room of rooms) {
        for (const { directUrl, part } of fleet.servers) {
          await attempt(async () => {
            reads.push(await readByHistory(directUrl, `reader at ${part.name}`, room))
          })
        }
      }
      breaches.push(...(await this.#whole(fleet)))
    } finally {
      for (const talker of this.#talkers) talker.leave()
      await fleet.stop()
      fleet.unmount()
      await this.#journals.close()
    }
    const files = fleet.servers.flatMap(({ dataDir, part }) => readFile(dataDir, `the file of ${part.name}`))
    breaches.push(...holders(files))
    const finals = [...new Map(reads.map((read) => [read.room, read])).values()]
    breaches.push(...findBreaches(finals, this.#journals.all, { reads: [...reads, ...files] }))
    return {
      seed,
      breaches: breaches.slice(0, MAX_BREACHES),
      records: this.#records,
      figures: figuresOf(this.#records, this.#journals),
      acked: this.#journals.all.reduce((sum, { acked }) => sum + acked.length, 0),
      rendered: this.#journals.all.reduce((sum, { shown }) => {
        return sum + [...shown.values()].flat().reduce((all, { entries }) => all + entries.length, 0)
      }, 0),
      unexpectedEnds: this.#unexpectedEnds,
      skipped,
      seconds: this.#journals.now / 1_000,
      folder: this.#folder,
    }
  }

  /** Writes beside the journals what happened. */
  async keep(result: ChaosResult | undefined): Promise<void> {
    const { seed } = this.#config
    const { breaches = [], figures = [] } = result ?? {}
    const summary = { seed, config: this.#config, breaches, figures, records: this.#records }
    await writeFile(join(this.#folder, 'summary.json'), `${JSON.stringify(summary, undefined, 1)}\n`)
    this.#say(`journals and data are kept in ${this.#folder}`)
  }

  /** @returns what it says */
  #note(what: string): string {
    this.#say(`${(this.#journals.now / 1_000).toFixed(1).padStart(7)} s  ${what}`)
    return what
  }

  async #makeRooms({ balancerUrl }: ChaosFleet): Promise<RoomId[]> {
    const api = await BalancerApi.enter(balancerUrl, 'chaos-operator')
    const rooms = ['general']
    while (rooms.length < this.#config.rooms) rooms.push(await api.roomNamed(`room ${rooms.length}`))
    return rooms
  }

  async #letIn(fleet: ChaosFleet, rooms: readonly RoomId[]): Promise<void> {
    const { clients, rate } = this.#config
    for (let i = 0; i < clients; i += 1) {
      const chosen = rooms.filter((_, at) => at === i % rooms.length || this.#chance.chance(0.6))
      const talker = new Talker({
        journal: this.#journals.open(`c${i}`),
        loadbalancer: fleet.forClients.url,
        rooms: chosen,
        chance: new Chance(this.#chance.between(0, 2 ** 32 - 1)),
        meanMs: (1_000 * clients) / rate,
      })
      this.#talkers.push(talker)
    }
    await until('everybody is in', () => this.#talkers.every((talker) => restlessness(talker) === undefined))
  }

  async #breakThings(
    fleet: ChaosFleet,
    rooms: readonly RoomId[],
    kinds: ChaosConfig['kinds'],
  ): Promise<void> {
    const { seed, ms, longestMs, overlapping, count } = this.#config
    const injector = new Injector(fleet, rooms)
    const endsAt = this.#journals.now + ms
    const plan = planFaults({ seed, kinds, longestMs, overlapping: overlapping / 100 })
    const underWay = new Set<Promise<void>>()
    const failures: unknown[] = []
    let last: FaultRecord | undefined
    for (const planned of plan) {
      const isFull = underWay.size >= MAX_AT_ONCE
      if (!planned.isOverlapping || isFull) await Promise.all(underWay)
      await this.#wait(planned.afterMs)
      if (this.#journals.now >= endsAt || this.#signal?.aborted === true) break
      if (failures.length > 0 || (count > 0 && this.#records.length >= count)) break
      if (planned.isOverlapping && last !== undefined && underWay.size > 0) last.isAlone = false
      const begun = this.#begin(planned, injector, rooms, underWay.size === 0)
      last = begun.record
      const over = begun.over
        .catch((cause: unknown) => failures.push(cause))
        .then(() => void underWay.delete(over))
      underWay.add(over)
    }
    await Promise.all(underWay)
    if (failures.length > 0) throw failures[0]
  }

  #begin({ fault }: PlannedFault, injector: Injector, rooms: readonly RoomId[], isAlone: boolean) {
    const { mended, ...hit } = injector.inject(fault)
    const at = this.#journals.now
    const record: FaultRecord = {
      kind: fault.kind,
      ...hit,
      at,
      mendedAt: Infinity,
      settledAt: Infinity,
      isAlone,
    }
    this.#records.push(record)
    this.#note(`${fault.kind} ${hit.target}: ${hit.detail}`)
    const over = mended.then(async () => {
      record.mendedAt = this.#journals.now
      await this.#written(rooms, record.mendedAt)
      record.settledAt = this.#journals.now
    })
    return { record, over }
  }

  /** Resolves when every room has acked something that was sent after `since`, and everybody is back; or after a while. */
  async #written(rooms: readonly RoomId[], since: number): Promise<void> {
    const { ackedUpTo } = this.#journals
    const isBack = () => {
      for (const talker of this.#talkers) talker.insist()
      return (
        rooms.every((room) => (ackedUpTo.get(room) ?? 0) > since) &&
        this.#talkers.every(({ client }) => client.connection.status === 'live')
      )
    }
    await until('all is well again', isBack, { timeoutMs: this.#settleMs / 2 }).catch(() => {
      this.#note('not everybody is back')
    })
  }

  /** Lets everything come to rest. @returns what did not */
  async #settle(): Promise<string[]> {
    const restless = () => {
      for (const talker of this.#talkers) {
        const why = restlessness(talker) ?? this.#unsettled(talker)
        if (why !== undefined) return why
      }
      return undefined
    }
    try {
      await until('all is at rest', () => restless() === undefined, {
        timeoutMs: this.#settleMs,
        everyMs: 50,
      })
      return []
    } catch {
      return this.#talkers.flatMap((talker) => {
        const why = restlessness(talker) ?? this.#unsettled(talker)
        return why === undefined ? [] : [`L ${why}`]
      })
    }
  }

  /** Whether it has everything, and sees everybody. */
  #unsettled({ journal, rooms }: Talker): string | undefined {
    for (const { id, state } of rooms) {
      const own = journal.shown.get(id)?.at(-1)?.entries.at(-1)?.seq ?? 0
      const head = Math.max(...this.#talkers.map((other) => lastSeen(other, id)))
      if (own !== head) return `${journal.name} has ${own} of ${head} in ${id}`
      const there = this.#talkers.filter((other) => other.rooms.some((room) => room.id === id))
      const names = state.members.map(({ name }) => name).sort()
      const expected = there.map((other) => other.journal.name).sort()
      if (state.count !== expected.length || names.join() !== expected.join()) {
        return `${journal.name} sees ${state.count}: ${names.join()} in ${id}, where ${expected.join()} are`
      }
    }
    return undefined
  }

  /** Waits for what is copied behind the rooms that are served already. @returns what did not come */
  async #whole(fleet: ChaosFleet): Promise<string[]> {
    const isWhole = () => fleet.servers.every(({ dataDir }) => isFileWhole(dataDir))
    try {
      await until('every room is whole', isWhole, { timeoutMs: this.#settleMs, everyMs: 50 })
      return []
    } catch {
      return ['L a room that was taken over is still not whole in its file']
    }
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#signal }).catch(() => {})
  }
}

function lastSeen({ journal }: Talker, room: RoomId): number {
  return journal.shown.get(room)?.at(-1)?.entries.at(-1)?.seq ?? 0
}

/** Why it is not at rest; undefined if it is. */
function restlessness({ client, journal, rooms }: Talker): string | undefined {
  const { status } = client.connection
  if (status !== 'live') return `${journal.name} is ${status}`
  for (const { id, state, pending } of rooms) {
    if (state.status !== 'live') return `${journal.name} in ${id} is ${state.status}`
    const waiting = pending.filter((send) => send.state === 'sending').length
    if (waiting > 0) return `${journal.name} in ${id} waits for ${waiting} acks`
  }
  return undefined
}

/** A room is in one file, whole; the others know that it has left. */
function holders(files: readonly FileRoom[]): string[] {
  const rooms = Map.groupBy(files, ({ room }) => room)
  return [...rooms].flatMap(([room, found]) => {
    const whole = found.filter(({ isWhole }) => isWhole)
    return whole.length === 1
      ? []
      : [
          `9 ${room}: ${whole.length === 0 ? 'no file has' : `${whole.map(({ by }) => by).join(' and ')} have`} it`,
        ]
  })
}
