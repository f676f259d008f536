import { ChatClient, type ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Chance } from './chance.ts'
import type { ClientJournal } from './journal.ts'

/** Sends of one room that may be unanswered; while a room stands still, no more are made. */
const MAX_PENDING = 12
const INSIST_MS = 1_000

/** A client of the run: talks in its rooms, and writes down all it does and sees. */
export class Talker {
  readonly journal: ClientJournal
  readonly client: ChatClient
  readonly #rooms: ChatRoom[] = []
  readonly #chance: Chance
  readonly #meanMs: number
  #timer: NodeJS.Timeout | undefined
  #texts = 0
  #insistedAt = 0

  constructor(options: {
    journal: ClientJournal
    loadbalancer: string
    rooms: readonly RoomId[]
    chance: Chance
    /** Between two sends, on average. */
    meanMs: number
  }) {
    const { journal, loadbalancer, rooms, chance, meanMs } = options
    this.journal = journal
    this.#chance = chance
    this.#meanMs = meanMs
    this.client = new ChatClient({
      loadbalancers: [loadbalancer],
      identity: { username: journal.name },
    })
    const tell = () => {
      const { connection } = this.client
      const { status } = connection
      journal.connection(
        status,
        status === 'live' ? connection.server : undefined,
        'attempt' in connection ? connection.attempt : 0,
      )
    }
    this.client.subscribe(tell)
    for (const id of rooms) this.#join(id)
    this.client.start()
  }

  get rooms(): readonly ChatRoom[] {
    return this.#rooms
  }

  talk(): void {
    this.#timer = setTimeout(
      () => {
        this.#say()
        this.talk()
      },
      this.#chance.random() * 2 * this.#meanMs,
    )
  }

  hush(): void {
    clearTimeout(this.#timer)
  }

  /**
   * Clients that keep losing their connection within half a minute wait for longer and longer, as they should. Here that would
   * leave the fleet without any; so one that waits for that reason presses "retry" now and then.
   */
  insist(): void {
    const { outage } = this.journal
    const now = performance.now()
    if (outage === undefined || outage.isPlain || outage.ms < INSIST_MS) return
    if (now - this.#insistedAt < INSIST_MS) return
    this.#insistedAt = now
    this.journal.pressed()
    this.client.retryNow()
  }

  leave(): void {
    this.hush()
    this.client.close()
  }

  #join(id: RoomId): void {
    const { journal } = this
    const room = this.client.room(id)
    this.#rooms.push(room)
    journal.shown.set(id, [])
    room.listen({
      entries: (entries) => journal.render(id, room.state.log, entries),
      reset: () => journal.reset(id),
      ack: ({ id: send, seq }) => journal.ack(id, send, seq),
      refused: ({ id: send, code }) => journal.nack(id, send, code),
    })
  }

  #say(): void {
    const room = this.#chance.pick(this.#rooms)
    // Sometimes several at once: what follows an unacked send has to stay behind it.
    const count = this.#chance.chance(0.1) ? this.#chance.between(2, 6) : 1
    for (let i = 0; i < count && room.pending.length < MAX_PENDING; i += 1) {
      const id = crypto.randomUUID()
      const text = `${this.journal.name} says ${(this.#texts += 1)}`
      // Written down first: a send that nobody knows of must not show up.
      this.journal.invoke(room.id, id, text)
      room.send(text, { id })
    }
  }
}
