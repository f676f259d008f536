import type { TestContext } from 'node:test'
import { ChatClient, type ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { Entry, Seq } from '@flotilla/protocol/frames.ts'
import { atEnd, until, type LocalFleet } from './harness.ts'

/** Somebody in a room with the real client library, who remembers everything. */
export class Person {
  readonly name: string
  readonly client: ChatClient
  readonly room: ChatRoom
  /** Ids of all sends, in order. */
  readonly said: string[] = []
  readonly acks = new Map<string, Seq>()
  readonly refused: string[] = []
  readonly seen: Entry[] = []
  /** Every status the connection had since the person entered. */
  readonly statuses: string[] = []
  resets = 0

  /** Codes of sockets that were closed before the person was done with them. */
  readonly cuts: number[] = []
  /** How long each ack took, in ms. */
  readonly ackMs: number[] = []
  readonly #sentAt = new Map<string, number>()

  private constructor(name: string, loadbalancer: string, room: string) {
    this.name = name
    const { cuts } = this
    class WatchedWebSocket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols)
        this.addEventListener('close', ({ code }) => {
          if (!this.#isDone) cuts.push(code)
        })
      }
      #isDone = false
      override close(code?: number, reason?: string): void {
        this.#isDone = true
        super.close(code, reason)
      }
    }
    this.client = new ChatClient({
      loadbalancers: [loadbalancer],
      identity: { username: name },
      WebSocket: WatchedWebSocket,
    })
    this.room = this.client.room(room)
    this.client.subscribe(() => this.statuses.push(this.client.connection.status))
    this.room.listen({
      entries: (entries) => void this.seen.push(...entries),
      reset: () => (this.resets += 1),
      ack: ({ id, seq }) => {
        this.acks.set(id, seq)
        this.ackMs.push(performance.now() - (this.#sentAt.get(id) ?? 0))
      },
      refused: ({ code }) => void this.refused.push(code),
    })
  }

  /** Resolves when the person is in the room; leaves with the test. */
  static async enter(t: TestContext, name: string, loadbalancer: string, room = 'general'): Promise<Person> {
    const person = new Person(name, loadbalancer, room)
    atEnd(t, () => person.client.close())
    person.client.start()
    await until(`${name} is in the room`, () => person.room.state.status === 'live')
    person.statuses.length = 0
    return person
  }

  /** One for each server, in the order of `fleet.servers`; whom the balancer sent to a server that has one leaves again. */
  static async oneOnEachServer(t: TestContext, fleet: LocalFleet): Promise<Person[]> {
    const on = new Map<string, Person>()
    for (let i = 0; on.size < fleet.servers.length; i += 1) {
      if (i > 20 * fleet.servers.length) throw new Error('the balancer does not use every server')
      const person = await Person.enter(t, `person-${i}`, fleet.loadbalancer.url)
      const { server } = person
      if (server === undefined || on.has(server)) person.client.close()
      else on.set(server, person)
    }
    return fleet.servers.flatMap(({ id }) => on.get(id) ?? [])
  }

  /** Id of the server it is on now. */
  get server(): string | undefined {
    const { connection } = this.client
    return connection.status === 'live' ? connection.server : undefined
  }

  say(text: string): void {
    const at = performance.now()
    const { id } = this.room.send(text)
    this.#sentAt.set(id, at)
    this.said.push(id)
  }

  hears(text: string): Promise<unknown> {
    return until(`${this.name} hears "${text}"`, () =>
      this.seen.some((entry) => entry.type === 'message' && entry.text === text),
    )
  }
}
