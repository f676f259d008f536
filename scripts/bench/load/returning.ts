import { setTimeout as pause } from 'node:timers/promises'
import { Latency } from '../../replay/latency.ts'
import type { Orders, Pages, Returns } from './orders.ts'
import { Returner, type Mark, type Returning } from './returner.ts'
import { WsSocket, type WsOwner } from './ws-socket.ts'

/** Those who were cut off and come back. */
export class ReturningCrowd {
  #returners: Returner[] = []

  /** Resolves when all have what they missed, or `withinMs` are over. */
  async comeBack({ url, rooms, members, behind, withinMs }: Orders['return']['ask']): Promise<Returns> {
    const at = new URL(url)
    at.search = '?username=returning'
    const marks = await Promise.all(rooms.map((room) => markOf(at, room)))
    const clients = rooms.length * members
    const took = new Latency()
    const answer = { caughtUp: 0, tookMs: 0, entries: 0, putOff: 0, pages: 0 }
    const errors: Record<string, number> = {}
    const startedAt = performance.now()
    const cpuBefore = process.cpuUsage()
    const crowd: Returning = {
      caughtUp(entries) {
        answer.caughtUp += 1
        answer.entries += entries
        answer.tookMs = performance.now() - startedAt
        took.add(answer.tookMs)
      },
      putOff: () => (answer.putOff += 1),
      paged: () => (answer.pages += 1),
      lost: (why) => (errors[why] = (errors[why] ?? 0) + 1),
    }
    this.#returners = Array.from({ length: clients }, (_, i) => {
      const mark = marks[i % marks.length] as Mark
      const name = new URL(at)
      name.search = `?username=returning-${i}`
      return new Returner(name, { ...mark, seq: Math.max(0, mark.seq - behind) }, crowd)
    })
    for (const returner of this.#returners) returner.comeBack()
    while (answer.caughtUp < clients && performance.now() - startedAt < withinMs) await pause(10)
    const cpu = process.cpuUsage(cpuBefore)
    return {
      clients,
      ...answer,
      ms: { p50: took.quantile(0.5), p99: took.quantile(0.99), p999: took.quantile(0.999) },
      errors,
      load: { cpu: (cpu.user + cpu.system) / 1_000 / (performance.now() - startedAt) },
    }
  }

  /** One reader in each room asks for the oldest page, again and again, for `forMs`. */
  async page({ url, rooms, forMs }: Orders['pages']['ask']): Promise<Pages> {
    const at = new URL(url)
    at.search = '?username=reading'
    const answer = { pages: 0, entries: 0, refused: 0 }
    const ms = new Latency()
    const startedAt = performance.now()
    const isOver = () => performance.now() - startedAt >= forMs
    await Promise.all(
      rooms.map(async (room) => {
        const asker = await Asker.join(at, room)
        while (!isOver()) {
          const askedAt = performance.now()
          const { type, entries = [] } = await asker.ask({ type: 'history', room, after: 0, limit: 200 })
          ms.add(performance.now() - askedAt)
          if (type === 'history') {
            answer.pages += 1
            answer.entries += entries.length
          } else answer.refused += 1
        }
        asker.close()
      }),
    )
    const tookMs = performance.now() - startedAt
    return {
      ...answer,
      tookMs,
      ms: { p50: ms.quantile(0.5), p99: ms.quantile(0.99), p999: ms.quantile(0.999) },
    }
  }

  leave(): void {
    for (const returner of this.#returners) returner.close()
    this.#returners = []
  }
}

/** Where a room's log stands now. */
async function markOf(url: URL, room: string): Promise<Mark> {
  const asker = await Asker.join(url, room)
  asker.close()
  return { room, log: asker.joined.log ?? '', seq: asker.joined.head ?? 0 }
}

interface Frame {
  type: string
  log?: string
  head?: number
  entries?: unknown[]
}

/** One client that asks one thing at a time; entries that come by are not looked at. */
class Asker implements WsOwner {
  joined: Frame = { type: '' }
  readonly #ws: WsSocket
  readonly #opened = Promise.withResolvers<void>()
  #waiting: PromiseWithResolvers<Frame> | undefined

  private constructor(url: URL) {
    this.#ws = new WsSocket(url, this)
  }

  static async join(url: URL, room: string): Promise<Asker> {
    const asker = new Asker(url)
    await asker.#opened.promise
    asker.joined = await asker.ask({ type: 'join', room })
    if (asker.joined.type !== 'joined') throw new Error(`${room} could not be joined`)
    return asker
  }

  ask(frame: object): Promise<Frame> {
    this.#waiting = Promise.withResolvers()
    this.#ws.text(JSON.stringify(frame))
    return this.#waiting.promise
  }

  opened(): void {
    this.#opened.resolve()
  }

  line(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('utf8', start, end)
    if (!/^\{"type":"(joined|history|error)"/.test(text)) return
    this.#waiting?.resolve(JSON.parse(text) as Frame)
    this.#waiting = undefined
  }

  lost(why: string): void {
    this.#opened.reject(new Error(why))
    this.#waiting?.reject(new Error(why))
  }

  close(): void {
    this.#ws.close()
  }
}
