import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Latency } from '../../replay/latency.ts'
import { cpuMsOf, machineCpuMs, rssKibOf } from '../proc.ts'
import { nowUs } from '../profile.ts'
import type { Crowd } from './client.ts'
import { connectTo, type CountingClient } from './dialects.ts'
import type { Joins, Orders, Quantiles, Sends } from './orders.ts'
import { pace } from './pacing.ts'

/** Connections being made at a time. */
const JOINING = 64
/** Members of a room whose arrivals are timed, spread over the order in which they joined. */
const SAMPLED_PER_ROOM = 8
/** Of small rooms one member is timed, and of very many rooms not every one. */
const SMALL_ROOM = 50
const SAMPLED_SMALL_ROOMS = 1_000
/** How long after the last send what is outstanding may take. */
const SETTLE_MS = 10_000
const LOOP_RESOLUTION_MS = 10

/** The clients of one measurement. */
export class LoadCrowd implements Crowd {
  #clients: CountingClient[] = []
  #members = 0
  readonly #errors: Record<string, number> = {}
  #runs = 0
  #run: Run | undefined

  async join({ url, rooms, members, dialect, spread }: Orders['join']['ask']): Promise<Joins> {
    this.#members = members
    const urls = (spread?.urls ?? [url]).map((text) => new URL(text))
    const total = rooms.length * members
    const clients: CountingClient[] = []
    const startedAt = performance.now()
    let next = 0
    const joinNext = async () => {
      for (let i = next++; i < total; i = next++) {
        // Room by room in turn, so that neither rooms nor the order of members follows the order of joining.
        const room = i % rooms.length
        const member = Math.floor(i / rooms.length)
        const client = connectTo(dialect, {
          url: urls[(spread?.by === 'room' ? room : member) % urls.length] as URL,
          name: `load-${i}`,
          room: rooms[room] ?? '',
          isSampled: isSampled(room, member, members),
          crowd: this,
        })
        clients[i] = client
        await client.joined
      }
    }
    this.#clients = clients
    await Promise.all(Array.from({ length: Math.min(JOINING, total) }, joinNext))
    return { clients: total, tookMs: performance.now() - startedAt }
  }

  async send({ rate, warmUpMs, windowMs, textBytes, server, edges }: Orders['send']['ask']): Promise<Sends> {
    const run = new Run(`${process.pid}.${this.#runs++}-`)
    this.#run = run
    const text = sampleText(textBytes)
    const clients = this.#clients
    const sentTo = new Map<string, number>()
    const before = clients.map((client) => client.received)
    const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
    loop.enable()

    const sendOne = (dueAt: number) => {
      const client = clients[run.sent % clients.length] as CountingClient
      if (run.isMeasuring) run.late.add(performance.now() - dueAt)
      client.send(run.due(dueAt), text)
      sentTo.set(client.room, (sentTo.get(client.room) ?? 0) + 1)
    }
    await pace(rate, warmUpMs, sendOne)
    const from = this.#reading(server, edges)
    loop.reset()
    run.isMeasuring = true
    const measuredSends = await pace(rate, windowMs, sendOne)
    const to = this.#reading(server, edges)
    run.isMeasuring = false
    const loopDelayMs = Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS)
    loop.disable()

    const expected = run.sent * this.#members
    const arrived = () => clients.reduce((sum, client, i) => sum + client.received - (before[i] ?? 0), 0)
    const giveUpAt = performance.now() + SETTLE_MS
    while ((run.acked < run.sent || arrived() < expected) && performance.now() < giveUpAt) await pause(20)
    this.#run = undefined

    let missing = 0
    let surplus = 0
    clients.forEach((client, i) => {
      const lacks = (sentTo.get(client.room) ?? 0) - (client.received - (before[i] ?? 0))
      if (lacks > 0) missing += lacks
      else surplus -= lacks
    })
    const tookMs = to.at - from.at
    const ownCpuMs = to.ownCpuMs - from.ownCpuMs
    const serverCpuMs = difference(to.serverCpuMs, from.serverCpuMs)
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
      edgesCpuMs: to.edgesCpuMs.map((cpuMs, i) => difference(cpuMs, from.edgesCpuMs[i])),
      rssKib: to.rssKib,
      othersCpuMs: difference(difference(allCpuMs, serverCpuMs), ownCpuMs),
      missingAcks: run.sent - run.acked,
      missingDeliveries: missing,
      surplusDeliveries: surplus,
      outOfOrder: run.outOfOrder,
      errors: { ...this.#errors },
      load: { cpu: ownCpuMs / tookMs, loopDelayMs, sendLateMs: run.late.quantile(0.99) },
    }
  }

  /** Everything that is compared between the two ends of the window, read at one moment. */
  #reading(server: number, edges: readonly number[] = []) {
    const { user, system } = process.cpuUsage()
    return {
      at: performance.now(),
      atUs: nowUs(),
      received: this.#clients.reduce((sum, client) => sum + client.received, 0),
      serverCpuMs: cpuMsOf(server),
      edgesCpuMs: edges.map(cpuMsOf),
      rssKib: rssKibOf(server),
      machineCpuMs: machineCpuMs(),
      ownCpuMs: (user + system) / 1_000,
    }
  }

  acked(id: string): void {
    this.#run?.ack(id)
  }

  sentUnacked(): void {
    if (this.#run !== undefined) this.#run.acked += 1
  }

  arrived(client: CountingClient, id: string, seq: number): void {
    this.#run?.arrive(client, id, seq)
  }

  failed(code: string): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  leave(): void {
    for (const client of this.#clients) client.close()
    this.#clients = []
  }
}

/** One series of sends. Ids say which send it was, and so when it was due: nothing is looked up. */
class Run {
  readonly acks = new Latency()
  readonly deliveries = new Latency()
  readonly late = new Latency()
  isMeasuring = false
  acked = 0
  outOfOrder = 0
  readonly #prefix: string
  readonly #dueAt: number[] = []
  /** The first send that counts. */
  #measuredFrom: number | undefined

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  get sent(): number {
    return this.#dueAt.length
  }

  /** Notes a send. @returns its id */
  due(at: number): string {
    if (this.isMeasuring) this.#measuredFrom ??= this.#dueAt.length
    this.#dueAt.push(at)
    return `${this.#prefix}${this.#dueAt.length - 1}`
  }

  ack(id: string): void {
    if (!id.startsWith(this.#prefix)) return
    this.acked += 1
    this.#time(id, this.acks)
  }

  arrive(client: CountingClient, id: string, seq: number): void {
    if (seq <= client.lastSeq) this.outOfOrder += 1
    client.lastSeq = seq
    if (id.startsWith(this.#prefix)) this.#time(id, this.deliveries)
  }

  #time(id: string, into: Latency): void {
    const k = Number(id.slice(this.#prefix.length))
    if (this.#measuredFrom === undefined || k < this.#measuredFrom) return
    into.add(performance.now() - (this.#dueAt[k] ?? NaN))
  }
}

function isSampled(room: number, member: number, members: number): boolean {
  if (members < SMALL_ROOM) return room < SAMPLED_SMALL_ROOMS && member === room % members
  return member % Math.ceil(members / SAMPLED_PER_ROOM) === 0
}

function quantiles(latency: Latency): Quantiles {
  return { p50: latency.quantile(0.5), p99: latency.quantile(0.99), p999: latency.quantile(0.999) }
}

function difference(to: number | undefined, from: number | undefined): number | undefined {
  return to === undefined || from === undefined ? undefined : to - from
}

const WORDS =
  'the boats of a small fleet leave the harbour together and keep each other in sight until all are home again '

function sampleText(bytes: number): string {
  return WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes)
}
