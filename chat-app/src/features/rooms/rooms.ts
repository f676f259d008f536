import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Answer, BalancerApi } from '../../balancer/api.ts'
import { Store } from '../../store.ts'

export interface RoomsState {
  readonly status: 'loading' | 'ready'
  /** `general` first, the others by name. */
  readonly rooms: readonly RoomFacts[]
}

export const GENERAL: RoomId = 'general'
/** The list has no push; it is read again this often while someone looks. */
const REFRESH_MS = 20_000
/** Rooms looked up by link that no list holds. */
const MAX_LOOKED_UP = 50

/** The rooms one may enter: the public ones, and those one was given a link to. */
export class Rooms extends Store<RoomsState> {
  readonly #api: BalancerApi
  readonly #token: () => Promise<string>
  readonly #lookedUp = new Map<RoomId, RoomFacts>()
  #listed: readonly RoomFacts[] = []
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(api: BalancerApi, token: () => Promise<string>) {
    super({ status: 'loading', rooms: [] })
    this.#api = api
    this.#token = token
  }

  start(): void {
    void this.refresh()
    this.#timer ??= setInterval(() => void this.refresh(), REFRESH_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Keeps what it has if nobody answers. */
  async refresh(): Promise<void> {
    const answer = await this.#withToken((token) => this.#api.get<RoomFacts[]>('/api/rooms', token))
    if (!answer.ok) return
    this.#listed = answer.value
    this.#show()
  }

  /** Makes a public room. */
  async create(name: string): Promise<Answer<RoomId>> {
    const answer = await this.#withToken((token) =>
      this.#api.post<{ roomId: RoomId }>('/api/rooms', { name, visibility: 'public' }, token),
    )
    if (!answer.ok) return answer
    await this.refresh()
    if (!this.find(answer.value.roomId)) await this.lookUp(answer.value.roomId)
    return { ok: true, value: answer.value.roomId }
  }

  find(id: RoomId): RoomFacts | undefined {
    return this.read().rooms.find((room) => room.roomId === id)
  }

  /** Learns the name of a room that was opened by link. */
  async lookUp(id: RoomId): Promise<void> {
    if (this.find(id)) return
    const answer = await this.#withToken((token) =>
      this.#api.get<RoomFacts>(`/api/rooms/${encodeURIComponent(id)}`, token),
    )
    if (!answer.ok) return
    this.#lookedUp.set(id, answer.value)
    for (const oldest of this.#lookedUp.keys()) {
      if (this.#lookedUp.size <= MAX_LOOKED_UP) break
      this.#lookedUp.delete(oldest)
    }
    this.#show()
  }

  #show(): void {
    const byId = new Map([...this.#lookedUp, ...this.#listed.map((room) => [room.roomId, room] as const)])
    this.set({ status: 'ready', rooms: [...byId.values()].sort(inOrder) })
  }

  async #withToken<T>(call: (token: string) => Promise<Answer<T>>): Promise<Answer<T>> {
    const token = await this.#token().catch(() => undefined)
    return token === undefined ? { ok: false, problem: 'unauthenticated' } : call(token)
  }
}

const byName = new Intl.Collator(undefined, { numeric: true })
function inOrder(one: RoomFacts, other: RoomFacts): number {
  if (one.roomId === GENERAL || other.roomId === GENERAL) return one.roomId === GENERAL ? -1 : 1
  return byName.compare(one.name, other.name) || one.createdAt - other.createdAt
}
