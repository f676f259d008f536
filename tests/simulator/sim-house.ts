import type { Act } from '@flotilla/protocol/acts.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import { accountOf } from './act-checks.ts'
import type { SimActs } from './sim-acts.ts'
import type { SimClient } from './sim-client.ts'
import type { World } from './world.ts'

/** People who come to rooms, are sent out of them and come back, while they are talked in. The first client owns them all. */

/** As often as they are named. */
const KINDS = [
  ...(['remove', 'remove', 'ban', 'mute', 'mute', 'leave', 'back', 'back', 'back', 'back'] as const),
  ...(['unban', 'unmute', 'moderator', 'member', 'slow', 'archive', 'unarchive', 'rename'] as const),
]

export class SimHouse {
  readonly #world: World
  readonly #acts: SimActs
  readonly #clients: readonly SimClient[]
  readonly #rooms: readonly RoomId[]
  readonly #count: (what: string) => void

  constructor(
    world: World,
    parts: {
      acts: SimActs
      clients: readonly SimClient[]
      rooms: readonly RoomId[]
      count: (what: string) => void
    },
  ) {
    this.#world = world
    this.#acts = parts.acts
    this.#clients = parts.clients
    this.#rooms = parts.rooms
    this.#count = parts.count
  }

  get #owner(): User {
    return accountOf(this.#clients[0]?.journal.name ?? '')
  }

  /** The owner is in every room; the others are invited to some. */
  open(): void {
    for (const room of this.#rooms) {
      for (const [i, client] of this.#clients.entries()) {
        if (i === 0) client.join(room)
        else if (this.#world.chance(0.8)) void this.#bring(room, client)
      }
    }
  }

  async #bring(room: RoomId, client: SimClient): Promise<void> {
    const user = accountOf(client.journal.name)
    await this.#acts.perform(room, this.#owner, { act: 'unban', user })
    await this.#acts.perform(room, this.#owner, { act: 'invite', user })
    if (await this.#acts.perform(room, user, { act: 'join' })) client.join(room)
  }

  /** Something happens to a room, if whoever asks for it may. */
  stir(): void {
    const world = this.#world
    const room = world.pick(this.#rooms)
    const client = world.pick(this.#clients.slice(1))
    if (client === undefined) return
    const user = accountOf(client.journal.name)
    const by = world.chance(0.7) ? this.#owner : accountOf(world.pick(this.#clients).journal.name)
    const kind = world.pick(KINDS)
    this.#count(kind)
    world.note(`${by.name} asks for ${kind} of ${user.name} in ${room}`)
    const ask = (act: Act, asker = by) => void this.#acts.perform(room, asker, act)
    switch (kind) {
      case 'remove':
      case 'unban':
      case 'unmute':
        return ask({ act: kind, user })
      case 'ban':
        return ask({
          act: kind,
          user,
          ...(world.chance(0.5) ? { until: world.now + world.between(20_000, 60_000) } : {}),
        })
      case 'mute':
        return ask({ act: kind, user, until: world.now + world.between(20_000, 60_000) })
      case 'moderator':
      case 'member':
        return ask({ act: 'role', user, role: kind })
      case 'leave':
        return ask({ act: kind }, user)
      case 'slow':
        return ask({ act: kind, everyMs: world.pick([0, 0, 500, 3_000]) })
      case 'archive':
      case 'unarchive':
        return ask({ act: kind })
      case 'rename':
        return ask({ act: kind, name: `room ${world.between(1, 99)}` })
      case 'back':
        void this.#bring(room, client)
    }
  }

  /** What holds talk up has an end; resolves when all that was asked for is done. */
  async calm(): Promise<void> {
    await this.#acts.settled()
    for (const room of this.#rooms) {
      await this.#acts.perform(room, this.#owner, { act: 'unarchive' })
      await this.#acts.perform(room, this.#owner, { act: 'slow', everyMs: 0 })
    }
  }
}
