import type { Act } from '@flotilla/protocol/acts.ts'
import type { RoomId, Seq, User } from '@flotilla/protocol/frames.ts'
import type { SimServer } from './sim-server.ts'
import type { World } from './world.ts'

/** What people ask to happen to rooms, carried to their homes as the balancer does it: again and again, under the same id. */

/** Something that was asked for, and what became of it; without `code` and `seq` nobody knows. */
export interface Asked {
  room: RoomId
  id: string
  by: User
  act: Act
  startedAt: number
  code?: string
  seq?: Seq | undefined
  /** A server that stood still was reached by it after it had been given up: that may come after a refusal elsewhere. */
  isStale?: true
}

export interface ActsNet {
  homeOf: (room: RoomId) => Promise<string | undefined>
  serverOf: (id: string) => SimServer | undefined
  reaches: (server: string) => boolean
  suspect: (server: string) => void
}

const ATTEMPT_MS = 2_500
const PATIENCE_MS = 90_000
/** A home's refusals that are its last word. */
const FINAL = new Set(['forbidden', 'no_such_room', 'conflict', 'bad_message'])

export class SimActs {
  readonly asked: Asked[] = []
  readonly #world: World
  readonly #net: ActsNet

  constructor(world: World, net: ActsNet) {
    this.#world = world
    this.#net = net
  }

  readonly #underway = new Set<Promise<unknown>>()

  /** @returns whether it is done, or was so already */
  perform(room: RoomId, by: User, act: Act): Promise<boolean> {
    const performing = this.#perform(room, by, act).finally(() => this.#underway.delete(performing))
    this.#underway.add(performing)
    return performing
  }

  /** Resolves when nothing that was asked for is still to come. */
  async settled(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway)
  }

  async #perform(room: RoomId, by: User, act: Act): Promise<boolean> {
    const world = this.#world
    const asked: Asked = { room, id: `act${this.asked.length}`, by, act, startedAt: world.now }
    this.asked.push(asked)
    while (world.now - asked.startedAt < PATIENCE_MS) {
      const home = await this.#homeOf(room)
      const outcome = home === undefined ? 'nowhere' : await this.#attempt(home, asked)
      if (typeof outcome !== 'string') {
        asked.seq = outcome.seq
        return true
      }
      if (FINAL.has(outcome)) {
        asked.code = outcome
        return false
      }
      await new Promise<void>((resolve) => world.after(world.between(50, 400), resolve))
    }
    return false
  }

  /** A balancer that dies while it is asked never answers, and its caller does not wait for ever. */
  #homeOf(room: RoomId): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#world.after(ATTEMPT_MS, () => resolve(undefined))
      void this.#net.homeOf(room).then(resolve)
    })
  }

  #attempt(id: string, asked: Asked): Promise<string | { seq?: Seq }> {
    const world = this.#world
    const givenUpAt = world.now + ATTEMPT_MS
    const server = this.#net.serverOf(id)
    return new Promise((resolve) => {
      world.after(ATTEMPT_MS, () => {
        this.#net.suspect(id)
        resolve('unreachable')
      })
      if (server === undefined || !this.#net.reaches(id)) return
      server.process.after(world.between(1, 10), () => {
        void this.#ask(server, asked, givenUpAt).then((outcome) => {
          if (this.#net.reaches(id)) server.process.after(world.between(1, 10), () => resolve(outcome))
        })
      })
    })
  }

  async #ask({ rooms }: SimServer, asked: Asked, givenUpAt: number) {
    const { room, id, by, act } = asked
    const at = await rooms?.atHome(room)
    if (at === undefined || typeof at === 'string') return at ?? 'starting'
    if (this.#world.now > givenUpAt) asked.isStale = true
    const acted = await at.home.act(id, by, act)
    return acted.ok ? acted.done : acted.code
  }
}
