import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Act } from '@flotilla/protocol/acts.ts'
import type { Peer } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { judge, maySee } from '@flotilla/protocol/judge.ts'
import { Roster } from '@flotilla/protocol/roster.ts'

/** What stands in a room's log, as far as the balancer is told of it. */
export interface HeldEntry {
  type: string
  room: string
  seq: number
  id: string
  user: User
  ts: number
  [more: string]: unknown
}
interface Told {
  /** 200 if absent. */
  status?: number
  body: object
}
interface HeldRoom {
  roster: Roster
  entries: HeldEntry[]
}

/**
 * Where a chat server would stand: answers the internal calls about rooms as a home does, over HTTP, with the real roster and the
 * real judge, and keeps the logs in memory.
 */
export class StandInHome {
  readonly id: string
  readonly rooms = new Map<string, HeldRoom>()
  readonly erased = new Set<string>()
  /** Of those it erases none. */
  readonly kept = new Set<string>()
  /** How often each path was asked. */
  readonly asked: string[] = []
  /** Answers instead, once for each that stands here; `cut` = does it, and the answer is lost; a function is called before. */
  readonly troubles: ({ status: number; code: string } | 'cut' | (() => void))[] = []
  /** What the room was made as: asked for when it first hears of one. */
  readonly #genesisOf: (room: string) => Promise<Genesis | undefined>
  readonly #server: Server
  #port = 0

  /** Its `answer` is for a server that is there already; `start` makes one. */
  constructor(id: string, genesisOf: (room: string) => Promise<Genesis | undefined>) {
    this.id = id
    this.#genesisOf = genesisOf
    this.#server = createServer((request, response) => void this.answer(request, response))
  }

  static async start(
    t: TestContext,
    id: string,
    genesisOf: (room: string) => Promise<Genesis | undefined>,
  ): Promise<StandInHome> {
    const home = new StandInHome(id, genesisOf)
    await new Promise<void>((done) => home.#server.listen(0, '127.0.0.1', done))
    home.#port = (home.#server.address() as AddressInfo).port
    t.after(() => home.stop())
    return home
  }

  get peer(): Peer {
    return { id: this.id, host: '127.0.0.1', port: this.#port, url: `ws://127.0.0.1:${this.#port}/ws` }
  }

  /** Something is said in the room, as if a client had sent it. */
  say(room: string, user: User, text: string): number {
    const held = this.rooms.get(room)
    if (held === undefined) throw new Error(`nobody asked for ${room} yet`)
    const seq = held.entries.length + 1
    held.entries.push({ type: 'message', room, seq, id: `m${seq}`, user, ts: seq, text })
    return seq
  }

  /** Somebody comes, whoever let him in. */
  async enter(room: string, user: User): Promise<void> {
    const { roster, entries } = await this.#held(room)
    const seq = entries.length + 1
    const entry = { type: 'system', room, seq, id: `e${seq}`, user, ts: seq, event: 'join' }
    entries.push(entry)
    roster.apply(entry)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((done) => this.#server.close(done))
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const path = request.url ?? ''
    this.asked.push(path)
    const trouble = this.troubles.shift()
    if (typeof trouble === 'function') trouble()
    if (typeof trouble === 'object') return send(response, trouble.status, { code: trouble.code })
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const [, , , room = '', call = ''] = path.split('/')
    const answer =
      path === '/internal/entries-of' ? this.#entriesOf(body) : await this.#call(room, call, body)
    if (trouble === 'cut') response.destroy()
    else send(response, answer.status ?? 200, answer.body)
  }

  async #call(room: string, call: string, body: Record<string, unknown>): Promise<Told> {
    if (call === 'erase') {
      if (this.kept.has(room)) return { status: 500, body: { code: 'internal' } }
      this.rooms.delete(room)
      this.erased.add(room)
      return { body: {} }
    }
    if (this.erased.has(room)) return { status: 404, body: { code: 'no_such_room' } }
    const held = await this.#held(room)
    const now = Date.now()
    const { roster, entries } = held
    if (call === 'act') return this.#act(room, held, body, now)
    if (call === 'look') {
      const { user, brief = false, link } = body as { user?: User; brief?: boolean; link?: string }
      if (user !== undefined && !maySee(roster, user, link, now))
        return { status: 404, body: { code: 'no_such_room' } }
      const role = user && roster.roleOf(user.id, now)
      const people = {
        ...{ members: roster.members(now), invited: roster.invited(), banned: roster.banned(now) },
        links: roster.links(now),
      }
      const { genesis, version, memberCount: count } = roster
      return { body: { genesis, facts: roster.facts(), count, version, role, ...(brief ? {} : people) } }
    }
    const { after, before = Infinity, limit } = body as { after?: number; before?: number; limit: number }
    if (call === 'audit') {
      const chosen = entries.filter(
        ({ type, seq }) => (type === 'system' || type === 'delete') && seq < before,
      )
      return { body: { entries: chosen.toReversed().slice(0, limit) } }
    }
    const side =
      after === undefined
        ? entries.filter(({ seq }) => seq < before).slice(-limit)
        : entries.slice(after, after + limit)
    return { body: { entries: side } }
  }

  #act(room: string, { roster, entries }: HeldRoom, body: Record<string, unknown>, now: number): Told {
    const { id, by, act } = body as { id: string; by: User; act: Act }
    const known = entries.find((entry) => entry.id === id && entry.user.id === by.id)
    const isOther = (known?.['act'] ?? '') !== JSON.stringify(act)
    if (known !== undefined) return isOther ? { status: 409, body: { code: 'conflict' } } : { body: known }
    const verdict = judge(roster, by, act, now)
    if (!verdict.ok) {
      const { code, message: detail } = verdict
      return {
        status: code === 'no_such_room' ? 404 : code === 'conflict' ? 409 : 403,
        body: { code, detail },
      }
    }
    if (verdict.event === undefined) return { body: {} }
    const seq = entries.length + 1
    const user = act.act === 'name' ? { ...by, name: act.name } : by
    const entry = {
      type: 'system',
      room,
      seq,
      id,
      user,
      ts: now,
      event: verdict.event,
      data: verdict.data,
      act: JSON.stringify(act),
    }
    entries.push(entry)
    roster.apply(entry)
    return { body: entry }
  }

  #entriesOf(body: Record<string, unknown>) {
    const { user, after = '0', limit } = body as { user: string; after?: string; limit: number }
    const all = [...this.rooms.values()].flatMap(({ entries }) =>
      entries.filter((entry) => entry.user.id === user),
    )
    const to = Number(after) + limit
    const next = to < all.length ? { next: String(to) } : {}
    return { status: 200, body: { entries: all.slice(Number(after), to), isWhole: true, ...next } }
  }

  async #held(room: string): Promise<HeldRoom> {
    const held = this.rooms.get(room) ?? { roster: new Roster(await this.#genesisOf(room)), entries: [] }
    this.rooms.set(room, held)
    return held
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
