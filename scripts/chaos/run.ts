import { mkdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Entry, LogId, RoomId } from '@flotilla/protocol/frames.ts'
import { until } from '../fleet/until.ts'
import { BalancerApi } from '../replay/balancer-api.ts'
import { Chance } from './chance.ts'
import { ChaosFleet } from './chaos-fleet.ts'
import type { ChaosConfig } from './config.ts'
import { FaultLoop } from './fault-loop.ts'
import { isFileWhole, readByHistory, readFile, type FileRoom } from './final-reads.ts'
import type { FaultRecord } from './injector.ts'
import { findBreaches, type FinalRead } from './invariants.ts'
import { Journals } from './journal.ts'
import type { FaultKind } from './plan.ts'
import { figuresOf, type KindFigures } from './report.ts'
import { sweepDisks } from './small-disk.ts'
import { Talker } from './talker.ts'

/** Before the process and the seed. */
const FOLDER = join(tmpdir(), 'flotilla-chaos-')
const PROGRESS_EVERY_MS = 60_000
/** All final reads together: a server that answers page by page, but slowly, is one that does not serve. */
const READS_MS = 300_000
/** After this long with everything mended, everybody has to be back and nothing may be under way. */
const SETTLE_MS = 120_000
/** A breach is named; a thousand of the same need not be. */
const MAX_BREACHES = 1_000

export interface ChaosResult {
  seed: number
  startedAt: Date
  breaches: string[]
  records: readonly FaultRecord[]
  figures: KindFigures[]
  acked: number
  rendered: number
  /** Processes that ended though nobody had them end. */
  unexpectedEnds: string[]
  /** Kinds that cannot be had on this machine. */
  skipped: string[]
  seconds: number
  /** Journals and data; gone if nothing failed and nobody wants them kept. */
  folder: string
}

export interface ChaosPorts {
  say: (line: string) => void
  /** Ends the faults; what there was of them is healed, read and judged all the same. */
  signal?: AbortSignal
  /** Added to the environment of every process of the fleet. */
  env?: Readonly<Record<string, string>>
  /** How long everything may take to come to rest. */
  settleMs?: number
}

/** Whether it is no proof: a breach, or a process that ended though nobody had it end, which no client may have noticed. */
export function hasFailed({ breaches, unexpectedEnds }: Pick<ChaosResult, 'breaches' | 'unexpectedEnds'>) {
  return breaches.length > 0 || unexpectedEnds.length > 0
}

/** Runs a fleet, breaks it as the seed says, lets it heal, and judges what its clients saw. Says what it does. */
export async function runChaos(config: ChaosConfig, ports: ChaosPorts): Promise<ChaosResult> {
  for (const folder of sweepDisks(FOLDER))
    ports.say(`${folder} of a run that is gone is not mounted any more`)
  const folder = await mkdtemp(`${FOLDER}${process.pid}-${config.seed}-`)
  const run = new ChaosRun(config, folder, ports)
  let result: ChaosResult | undefined
  try {
    result = await run.run()
    return result
  } finally {
    if (config.isKept || result === undefined || hasFailed(result)) await run.keep(result)
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
  #records: readonly FaultRecord[] = []
  readonly #unexpectedEnds: string[] = []
  readonly #known = (log: LogId | undefined, entry: Entry): Entry => this.#journals.known(log, entry)

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
    const startedAt = new Date()
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
    const hasDisk = fleet.servers.some(({ disk }) => disk !== undefined)
    const skipped = kinds.filter((kind) => kind === 'disk' && !hasDisk && !fleet.canLimitWrites)
    if (skipped.length > 0) this.#say('no disk faults: here nothing can be mounted, and there is no prlimit')
    else if (kinds.includes('disk') && !hasDisk)
      this.#say('no full disks, only I/O errors: nothing can be mounted')
    else if (kinds.includes('disk') && !fleet.canLimitWrites)
      this.#say('no I/O errors, only full disks: there is no prlimit')
    const breaches: string[] = []
    const reads: FinalRead[] = []
    try {
      const rooms = await this.#makeRooms(fleet)
      await this.#letIn(fleet, rooms)
      for (const talker of this.#talkers) talker.talk()
      await pause(1_000)
      const usable = kinds.filter((kind) => !skipped.includes(kind))
      // What does not come back is a breach like any other; the rest is judged all the same.
      const attempt = async (work: () => Promise<void>) => {
        await work().catch((cause: unknown) => breaches.push(`L ${(cause as Error).message}`))
      }
      if (usable.length > 0) await attempt(() => this.#breakThings(fleet, rooms, usable))
      this.#note('heals')
      await attempt(() => fleet.heal())
      for (const talker of this.#talkers) talker.hush()
      breaches.push(...(await this.#settle()))
      this.#note('reads everything')
      const deadline = this.#journals.now + READS_MS
      for (const room of rooms) {
        for (const { directUrl, part } of fleet.servers) {
          await attempt(async () => {
            const timeoutMs = deadline - this.#journals.now
            const name = `reader at ${part.name}`
            reads.push(await readByHistory(directUrl, name, room, { timeoutMs, known: this.#known }))
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
    this.#note('judges')
    const files = fleet.servers.flatMap(({ dataDir, part }) =>
      readFile(dataDir, `the file of ${part.name}`, this.#known),
    )
    breaches.push(...holders(files))
    const finals = [...new Map(reads.map((read) => [read.room, read])).values()]
    breaches.push(...findBreaches(finals, this.#journals.all, { reads: [...reads, ...files] }))
    return {
      seed,
      startedAt,
      breaches: breaches.slice(0, MAX_BREACHES),
      records: this.#records,
      figures: figuresOf(this.#records, this.#journals),
      acked: this.#journals.acked,
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
    const summary = {
      seed,
      config: this.#config,
      breaches,
      unexpectedEnds: this.#unexpectedEnds,
      figures,
      records: this.#records,
    }
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
    kinds: readonly FaultKind[],
  ): Promise<void> {
    const loop = new FaultLoop({
      config: this.#config,
      kinds,
      fleet,
      rooms,
      journals: this.#journals,
      talkers: this.#talkers,
      note: (what) => this.#note(what),
      signal: this.#signal,
      settleMs: this.#settleMs / 2,
    })
    this.#records = loop.records
    const progress = setInterval(() => {
      const megabytes = Math.round(process.memoryUsage.rss() / 1024 ** 2)
      // What grows in an hour without end would show here.
      const open = process.getActiveResourcesInfo().length
      this.#note(
        `so far: ${loop.describe()}; ${this.#journals.acked} acked; ${megabytes} MB, ${open} open here`,
      )
    }, PROGRESS_EVERY_MS)
    try {
      await loop.run()
    } finally {
      clearInterval(progress)
      this.#note(`in all: ${loop.describe()}`)
    }
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
