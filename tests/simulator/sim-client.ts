import { ChatClient, type ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { Entry, LogId, RoomId } from '@flotilla/protocol/frames.ts'
import type { Journal } from '../../scripts/chaos/invariants.ts'
import { SimSocket } from './sim-line.ts'
import type { World } from './world.ts'

/** A client of the world: the real client library, and a journal of everything it did and saw. */

export interface ClientNet {
  /** A WebSocket begins to open. */
  connect: (socket: SimSocket, url: string) => void
  get: () => Promise<{ status: number; body: unknown } | undefined>
}

/**
 * Refusals by which a copy that is still on its way may be taken later, when it is allowed again; and of who is sent out, who
 * does not know what became of what he said.
 */
const OF_THE_ROOM = new Set<string>(['forbidden', 'no_such_room', 'not_joined'])

export class SimClient {
  readonly journal: Journal
  /** What it was shown when it came back to rooms it had been sent out of. */
  readonly stays: Journal[] = []
  /** Sends that the room did not allow. */
  readonly barred: string[] = []
  readonly client: ChatClient
  readonly #rooms = new Map<RoomId, ChatRoom>()
  readonly #runs = new Map<RoomId, { log: LogId | undefined; entries: Entry[] }[]>()
  #texts = 0

  constructor(world: World, name: string, net: ClientNet) {
    this.journal = { name, invoked: [], acked: [], refused: [], shown: new Map() }
    class Socket extends SimSocket {
      constructor(url: string) {
        super()
        net.connect(this, url)
      }
    }
    this.client = new ChatClient({
      loadbalancers: ['http://balancer'],
      identity: { username: name },
      WebSocket: Socket as unknown as typeof WebSocket,
      fetch: fetchOver(net),
      clock: {
        now: () => world.now,
        setTimeout: (run, ms) => world.after(ms, run),
        clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
      },
      random: world.random,
    })
    this.client.start()
  }

  join(id: RoomId): void {
    const known = this.#rooms.get(id)
    if (known !== undefined && !isOver(known)) return
    known?.leave() // what was refused is asked for anew
    const room = this.client.room(id)
    this.#rooms.set(id, room)
    const runs: { log: LogId | undefined; entries: Entry[] }[] = []
    if (known === undefined) this.journal.shown.set(id, runs)
    else {
      const { name } = this.journal
      this.stays.push({ name, invoked: [], acked: [], refused: [], shown: new Map([[id, runs]]) })
    }
    this.#runs.set(id, runs)
    const current = () => {
      if (runs.length === 0) runs.push({ log: room.state.log, entries: [] })
      return runs.at(-1)!
    }
    room.listen({
      entries: (entries) => {
        const run = current()
        run.log ??= room.state.log
        run.entries.push(...entries)
      },
      reset: () => runs.push({ log: undefined, entries: [] }),
      ack: ({ id: sendId, seq }) => this.journal.acked.push({ room: id, id: sendId, seq }),
      refused: ({ id: sendId, code }) => {
        if (OF_THE_ROOM.has(code)) this.barred.push(sendId)
        else this.journal.refused.push({ room: id, id: sendId, code })
      },
    })
  }

  /** Rooms it is in, or on the way to, and what each has shown in this stay. */
  *in(): Generator<[RoomId, ChatRoom, readonly { entries: readonly Entry[] }[]]> {
    for (const [id, room] of this.#rooms) if (!isOver(room)) yield [id, room, this.#runs.get(id) ?? []]
  }

  room(id: RoomId): ChatRoom | undefined {
    return this.#rooms.get(id)
  }

  say(id: RoomId): void {
    const room = this.#rooms.get(id)
    if (room === undefined || isOver(room)) return
    const text = `${this.journal.name} ${(this.#texts += 1)}`
    const { id: sendId } = room.send(text)
    this.journal.invoked.push({ room: id, id: sendId, text })
  }
}

/** Sent out, or never let in. */
export function isOver({ state: { status } }: ChatRoom): boolean {
  return status === 'left' || status === 'refused'
}

function fetchOver(net: ClientNet): typeof fetch {
  const answer = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    const given = new Promise<never>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(new TypeError('aborted')))
    })
    const got = await Promise.race([net.get(), given])
    if (got === undefined) throw new TypeError('fetch failed')
    // No real Response: the streams of its body would let something outside the world decide what comes first.
    return {
      ok: got.status === 200,
      status: got.status,
      headers: new Headers({ 'retry-after': '1' }),
      body: null,
      json: () => Promise.resolve(got.body),
    } as unknown as Response
  }
  return answer
}
