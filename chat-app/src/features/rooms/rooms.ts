import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import type { RoomPreview } from '@flotilla/protocol/rooms-api.ts'
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

/** The rooms one may enter: the public ones, one's own, those one is invited to, and those one was given a link to. */
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

  /** Makes a room. Only accounts can make private ones. */
  create(name: string, visibility: 'public' | 'private'): Promise<Answer<RoomId>> {
    return this.#open('/api/rooms', { name, visibility })
  }

  /** The room of two: made now, or the one there is. */
  talkTo(username: string): Promise<Answer<RoomId>> {
    return this.#open('/api/direct', { username })
  }

  /** What a link leads to; nobody is told that it was asked. */
  preview(id: RoomId, link: string | undefined): Promise<Answer<RoomPreview>> {
    const body = link === undefined ? {} : { link }
    return this.call<RoomPreview>('POST', `/api/rooms/${encodeURIComponent(id)}/preview`, body)
  }

  /** Accepts an invitation, or comes by the secret of a link. */
  async join(id: RoomId, link?: string): Promise<Answer<unknown>> {
    const answer = await this.#withToken((token) =>
      this.#api.post(`/api/rooms/${encodeURIComponent(id)}/join`, link === undefined ? {} : { link }, token),
    )
    await this.refresh()
    return answer
  }

  /** Ends one's membership, or turns an invitation down. */
  async leave(id: RoomId): Promise<Answer<unknown>> {
    const answer = await this.#withToken((token) =>
      this.#api.post(`/api/rooms/${encodeURIComponent(id)}/leave`, {}, token),
    )
    this.#lookedUp.delete(id)
    await this.refresh()
    return answer
  }

  /** Any call, with a token that is good now. */
  async call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer<T>> {
    return this.#withToken((token) => this.#api.call<T>(method, path, { token, body }))
  }

  /** What is to be kept as a file. */
  async file(path: string): Promise<Answer<Blob>> {
    return this.#withToken((token) => this.#api.file(path, token))
  }

  async #open(path: string, body: unknown): Promise<Answer<RoomId>> {
    const answer = await this.#withToken((token) => this.#api.post<{ roomId: RoomId }>(path, body, token))
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

/** What a room is called on screen: one of two people, by the other. */
export function titleOf(room: RoomFacts | undefined, me: User, id: RoomId): string {
  if (room?.people === undefined) return room?.name ?? id
  return room.people.find((user) => user.id !== me.id)?.name ?? room.name
}

const byName = new Intl.Collator(undefined, { numeric: true })
function inOrder(one: RoomFacts, other: RoomFacts): number {
  if (one.roomId === GENERAL || other.roomId === GENERAL) return one.roomId === GENERAL ? -1 : 1
  return byName.compare(one.name, other.name) || one.createdAt - other.createdAt
}
