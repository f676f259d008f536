import type { ChatClient, ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Witness } from './journal.ts'
import type { Stage } from './stage.ts'

/** One nick of the log on the stage: a client of its own, whose every sight is kept. */
export class Member {
  readonly witness: Witness
  readonly #client: ChatClient
  readonly #room: ChatRoom
  readonly #stage: Stage
  readonly #answered = new Map<string, () => void>()

  constructor(name: string, client: ChatClient, room: RoomId, stage: Stage) {
    this.witness = { name, seen: [], resets: 0 }
    this.#client = client
    this.#stage = stage
    this.#room = client.room(room)
    this.#room.listen({
      entries: (entries) => stage.saw(this, entries),
      reset: () => (this.witness.resets += 1),
      ack: ({ id, seq }) => {
        stage.acked(id, seq)
        this.#settle(id)
      },
      refused: ({ id, code }) => {
        stage.refused(id, code)
        this.#settle(id)
      },
    })
  }

  get name(): string {
    return this.witness.name
  }

  /** Id of the server it is on now. */
  get server(): string | undefined {
    const { connection } = this.#client
    return connection.status === 'live' ? connection.server : undefined
  }

  /** The last seq it saw. */
  get last(): number {
    return this.witness.seen.at(-1)?.seq ?? 0
  }

  /** Resolves when it is in the room. @throws if it never will be */
  async enter(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        const { status, code } = this.#room.state
        if (status === 'live') resolve()
        if (status === 'refused') reject(new Error(`${this.name} may not enter the room: ${code}`))
        const { connection } = this.#client
        if (connection.status === 'closed') reject(new Error(`${this.name} was closed: ${connection.code}`))
      }
      this.#room.listen({ change: look })
      this.#client.subscribe(look)
      this.#client.start()
      look()
    })
  }

  /** Resolves when the fleet has answered, for good or ill; the stage keeps which. */
  send(text: string, line: number): Promise<void> {
    const id = crypto.randomUUID()
    this.#stage.sent({ id, name: this.name, text, line }, this.server)
    return new Promise((resolve) => {
      this.#answered.set(id, resolve)
      this.#room.send(text, { id })
    })
  }

  leave(): void {
    this.#client.close()
  }

  #settle(id: string): void {
    this.#answered.get(id)?.()
    this.#answered.delete(id)
  }
}
