import { cpus } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { cpuMsOf, machineCpuMs, rssKibOf } from '../proc.ts'
import { nowUs } from '../profile.ts'
import type { Crowd, LoadClient } from './client.ts'
import { connectTo, dialectOf } from './dialects.ts'
import type { Heard, Joins, Orders, Sends } from './orders.ts'
import { pace } from './pacing.ts'
import { quantiles, Run } from './run.ts'
import { SpareTime } from './spare-time.ts'

/** Connections being made at a time. */
const JOINING = 64
/** Members of a room whose arrivals are timed, spread over the order in which they joined. */
const SAMPLED_PER_ROOM = 40
/** Of small rooms one member is timed, and of very many rooms not every one. */
const SMALL_ROOM = 50
const SAMPLED_SMALL_ROOMS = 1_000
const CLIENTS_PER_ADDRESS = 5_000
/** How long after the last send what is outstanding may take. */
const SETTLE_MS = 10_000
const LOOP_RESOLUTION_MS = 10
/** A server that lets sends wait for longer than that gets more than it can do. */
const OVERLOADED_MS = 1_000
const LOOK_EVERY_MS = 50
/** On a single core waiting awake would take from the server what it needs. How many this process may use says nothing: it is pinned to one. */
const CAN_WAIT_AWAKE = cpus().length > 1

/** The clients of one measurement. */
export class LoadCrowd implements Crowd {
  #clients: LoadClient[] = []
  #members = 0
  #hasAcks = true
  readonly #errors: Record<string, number> = {}
  #putOffs = 0
  #runs = 0
  #run: Run | undefined
  readonly #spare = new SpareTime()

  async join({ url, rooms, members, dialect, spread }: Orders['join']['ask']): Promise<Joins> {
    this.#members = members
    this.#putOffs = 0
    this.#hasAcks = dialectOf(dialect).hasAcks
    await this.#spare.calibrate()
    const at = new URL(url)
    const urls = (spread?.urls ?? [url]).map((text) => new URL(text))
    const total = rooms.length * members
    const clients: LoadClient[] = []
    const startedAt = performance.now()
    const cpuBefore = process.cpuUsage()
    let next = 0
    const joinNext = async () => {
      for (let i = next++; i < total; i = next++) {
        // Room by room in turn, so that neither rooms nor the order of members follows the order of joining.
        const room = i % rooms.length
        const member = Math.floor(i / rooms.length)
        const client = connectTo(dialect, {
          url: urls[(spread?.by === 'room' ? room : member) % urls.length] as URL,
          from: sourceOf(i, at),
          name: `load-${i}`,
          room: rooms[room] ?? '',
          isSampled: isSampled(room, member, members),
          crowd: this,
        })
        clients[i] = client
        await client.whenJoined
      }
    }
    this.#clients = clients
    await Promise.all(Array.from({ length: Math.min(JOINING, total) }, joinNext))
    const tookMs = performance.now() - startedAt
    const { user, system } = process.cpuUsage(cpuBefore)
    return { clients: total, tookMs, putOff: this.#putOffs, load: { cpu: (user + system) / 1_000 / tookMs } }
  }

  async send(ask: Orders['send']['ask']): Promise<Sends> {
    const { rate, warmUpMs, windowMs, textBytes, server, edges, giveUpMs, settleMs } = ask
    const run = new Run(this.#runs++)
    this.#run = run
    const text = sampleText(textBytes)
    const clients = this.#clients
    const sentTo = new Map<string, number>()
    const before = clients.map(({ received, misordered }) => ({ received, misordered }))
    const arrived = () => sum(clients, (client, i) => client.received - (before[i]?.received ?? 0))
    /** Something has been due for longer than that, and is not here. */
    const isBehind = (ms: number) => arrived() < run.dueBy(performance.now() - ms) * this.#members
    const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
    loop.enable()

    const sendOne = (dueAt: number) => {
      const client = clients[run.sent % clients.length] as LoadClient
      client.send(run.due(dueAt), text)
      sentTo.set(client.room, (sentTo.get(client.room) ?? 0) + 1)
    }
    let isGivenUp = false
    let lookedAt = 0
    const isEnough = () => {
      const now = performance.now()
      if (giveUpMs === undefined || isGivenUp || now - lookedAt < LOOK_EVERY_MS) return isGivenUp
      lookedAt = now
      return (isGivenUp = isBehind(giveUpMs))
    }
    const turn = CAN_WAIT_AWAKE ? () => this.#spare.turn() : undefined
    await pace({ rate, forMs: warmUpMs, turn, isEnough }, sendOne)
    const from = this.#reading(server, edges)
    loop.reset()
    run.measure()
    const measuredSends = await pace({ rate, forMs: windowMs, turn, isEnough }, sendOne)
    const to = this.#reading(server, edges)
    run.endMeasuring()
    const loopDelayMs = Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS)
    loop.disable()

    // Of a server that is far behind nothing can be waited for: it may take minutes.
    const isOverloaded = isGivenUp || isBehind(OVERLOADED_MS)
    const giveUpAt = performance.now() + (settleMs ?? (isOverloaded && !isGivenUp ? 0 : SETTLE_MS))
    const missingAcks = () => (this.#hasAcks ? run.sent - run.acked : 0)
    const isComplete = () => missingAcks() <= 0 && arrived() >= run.sent * this.#members
    while (!isComplete() && performance.now() < giveUpAt) await pause(20)
    this.#run = undefined

    const lacks = clients.map(
      ({ room, received }, i) => (sentTo.get(room) ?? 0) - (received - (before[i]?.received ?? 0)),
    )
    const tookMs = to.at - from.at
    const ownCpuMs = to.ownCpuMs - from.ownCpuMs
    const spareMs = to.spareMs - from.spareMs
    const serverCpuMs = difference(to.serverCpuMs, from.serverCpuMs)
    const edgesCpuMs = to.edgesCpuMs.map((cpuMs, i) => difference(cpuMs, from.edgesCpuMs[i]))
    const measuredCpuMs = ownCpuMs + sum([serverCpuMs, ...edgesCpuMs], (cpuMs) => cpuMs ?? 0)
    const allCpuMs = difference(to.machineCpuMs, from.machineCpuMs)
    return {
      windowMs: tookMs,
      fromUs: from.atUs,
      toUs: to.atUs,
      sends: measuredSends,
      deliveries: to.received - from.received,
      ackMs: quantiles(run.acks),
      deliveryMs: quantiles(run.deliveries),
      serverCpuMs,
      edgesCpuMs,
      rssKib: to.rssKib,
      othersCpuMs: difference(allCpuMs, measuredCpuMs),
      isOverloaded,
      missingAcks: missingAcks(),
      missingDeliveries: sum(lacks, (count) => Math.max(0, count)),
      surplusDeliveries: sum(lacks, (count) => Math.max(0, -count)),
      outOfOrder: sum(clients, ({ misordered }, i) => misordered - (before[i]?.misordered ?? 0)),
      errors: { ...this.#errors },
      load: { cpu: (ownCpuMs - spareMs) / tookMs, loopDelayMs, sendLateMs: run.late.quantile(0.99) },
    }
  }

  /** Counts what arrives by itself. */
  async listen({ forMs }: Orders['listen']['ask']): Promise<Heard> {
    const from = this.#reading()
    await pause(forMs)
    const to = this.#reading()
    const tookMs = to.at - from.at
    const deliveries = to.received - from.received
    return { deliveries, tookMs, load: { cpu: (to.ownCpuMs - from.ownCpuMs) / tookMs } }
  }

  /** Everything that is compared between the two ends of the window, read at one moment. */
  #reading(server?: number, edges: readonly number[] = []) {
    const { user, system } = process.cpuUsage()
    return {
      at: performance.now(),
      atUs: nowUs(),
      received: this.#clients.reduce((sum, client) => sum + client.received, 0),
      serverCpuMs: server === undefined ? undefined : cpuMsOf(server),
      edgesCpuMs: edges.map(cpuMsOf),
      rssKib: server === undefined ? undefined : rssKibOf(server),
      machineCpuMs: machineCpuMs(),
      ownCpuMs: (user + system) / 1_000,
      spareMs: this.#spare.spareMs,
    }
  }

  acked(run: number, k: number): void {
    this.#run?.ack(run, k)
  }

  arrived(run: number, k: number): void {
    this.#run?.arrive(run, k)
  }

  putOff(): void {
    this.#putOffs += 1
  }

  failed(code: string): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  leave(): void {
    for (const client of this.#clients) client.leave()
    this.#clients = []
  }
}

/**
 * Ports of one address run out, and when half of them are taken the system searches long for the next: every 5,000 clients
 * connect from another one. Undefined: the system chooses.
 */
function sourceOf(i: number, { hostname }: URL): string | undefined {
  const address = Math.floor(i / CLIENTS_PER_ADDRESS)
  // Linux has all of 127.0.0.0/8; elsewhere these addresses would have to be set up.
  if (address === 0 || hostname !== '127.0.0.1' || process.platform !== 'linux') return undefined
  return `127.0.0.${address + 1}`
}

function isSampled(room: number, member: number, members: number): boolean {
  if (members < SMALL_ROOM) return room < SAMPLED_SMALL_ROOMS && member === room % members
  return member % Math.ceil(members / SAMPLED_PER_ROOM) === 0
}

function sum<T>(list: readonly T[], of: (item: T, i: number) => number): number {
  return list.reduce((all, item, i) => all + of(item, i), 0)
}

function difference(to: number | undefined, from: number | undefined): number | undefined {
  return to === undefined || from === undefined ? undefined : to - from
}

const WORDS =
  'the boats of a small fleet leave the harbour together and keep each other in sight until all are home again '

function sampleText(bytes: number): string {
  return WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes)
}
