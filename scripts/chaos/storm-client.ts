import { ChatClient, type ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { Entry, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { LightSocket } from './light-socket.ts'

/** What all clients of one process know of a room together: who saw something else than the others is found at once. */
export class StormRoom {
  readonly id: RoomId
  head: Seq = 0
  readonly acked = new Map<string, Seq>()
  readonly #ids: (string | undefined)[] = []
  readonly #seqs = new Map<string, Seq>()
  readonly #breach: (what: string) => void

  constructor(id: RoomId, breach: (what: string) => void) {
    this.id = id
    this.#breach = breach
  }

  see({ seq, id, user }: Entry): void {
    const own = `${user.id} ${id}`
    const known = this.#ids[seq]
    if (known === own) return
    if (known !== undefined) this.#breach(`3 ${this.id} ${seq} is ${known} and ${own}`)
    const other = this.#seqs.get(own)
    if (other !== undefined && other !== seq) this.#breach(`2 ${this.id}: ${own} is ${other} and ${seq}`)
    this.#ids[seq] = own
    this.#seqs.set(own, seq)
    this.head = Math.max(this.head, seq)
  }

  /** Acks without an entry, or with another seq. */
  *lost(): Generator<string> {
    for (const [own, seq] of this.acked) {
      if (this.#seqs.get(own) !== seq)
        yield `1 ${this.id}: ${own} was acked as ${seq}, and is ${this.#seqs.get(own)}`
    }
  }
}

export interface StormPorts {
  fetch: typeof fetch
  loadbalancer: string
  /** To come in by; without it, it comes as a guest by name. */
  token?: string
  delivered: (entries: number) => void
  acked: (ms: number) => void
  breach: (what: string) => void
}

/** A client of the library as it is, in one room; it checks what it is shown. */
export class StormClient {
  readonly client: ChatClient
  readonly room: ChatRoom
  readonly hasToken: boolean
  /** The last entry it was shown. */
  at: Seq = 0
  /** When it was back with everything it missed, ms since 1970. */
  backAt: number | undefined
  /** Called when it is back. */
  onBack: () => void = () => {}
  #awaits: 'nothing' | 'loss' | 'return' = 'nothing'
  /** The head it has to reach to have what it missed. */
  #target: Seq | undefined
  readonly #sends = new Map<string, number>()

  constructor(name: string, shared: StormRoom, ports: StormPorts) {
    const { token } = ports
    this.hasToken = token !== undefined
    this.client = new ChatClient({
      loadbalancers: [ports.loadbalancer],
      identity: token === undefined ? { username: name } : { token: () => Promise.resolve(token) },
      fetch: ports.fetch,
      WebSocket: LightSocket as unknown as typeof WebSocket,
    })
    this.room = this.client.room(shared.id)
    this.room.listen({
      entries: (entries) => {
        ports.delivered(entries.length)
        for (const entry of entries) {
          if (this.at !== 0 && entry.seq !== this.at + 1) {
            ports.breach(`5 ${name} in ${shared.id} was shown ${entry.seq} after ${this.at}`)
          }
          this.at = entry.seq
          shared.see(entry)
        }
        this.#look()
      },
      change: () => this.#look(),
      reset: () => ports.breach(`10 ${name}: ${shared.id} has another log`),
      refused: ({ id, code }) => ports.breach(`8 ${name} in ${shared.id}: ${id} was refused: ${code}`),
      ack: ({ id, seq }) => {
        shared.acked.set(`guest:${name} ${id}`, seq)
        const sentAt = this.#sends.get(id)
        this.#sends.delete(id)
        if (sentAt !== undefined) ports.acked(performance.now() - sentAt)
      },
    })
  }

  get url(): string | undefined {
    const { connection } = this.client
    return connection.status === 'live' ? connection.url : undefined
  }

  get isLive(): boolean {
    return this.url !== undefined && this.room.state.status === 'live'
  }

  get unacked(): number {
    return this.#sends.size
  }

  /** Where it stands, for people. */
  get standing(): string {
    const { status, head } = this.room.state
    return `${this.client.connection.status}, room ${status}, ${this.at} of ${head}`
  }

  /** Its server is about to die. */
  brace(): void {
    this.#awaits = 'loss'
    this.#target = undefined
    this.backAt = undefined
  }

  send(text: string): void {
    const { id } = this.room.send(text)
    this.#sends.set(id, performance.now())
  }

  #look(): void {
    if (this.#awaits === 'nothing') return
    const { status, head } = this.room.state
    if (status !== 'live') {
      this.#awaits = 'return'
      this.#target = undefined
      return
    }
    if (this.#awaits === 'loss') return
    this.#target ??= head
    if (this.at < this.#target) return
    this.#awaits = 'nothing'
    this.backAt = performance.timeOrigin + performance.now()
    this.onBack()
  }
}
