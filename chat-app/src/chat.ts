import { ChatClient } from '@flotilla/protocol/client/client.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { BalancerApi } from './balancer/api.ts'
import { isGuest } from './components/guest.ts'
import { Account } from './features/account/account.ts'
import { Line } from './features/fleet/line.ts'
import { RoomFeed } from './features/messages/room-feed.ts'
import { roomsToLeave } from './features/messages/rooms-to-leave.ts'
import { mentions } from './features/messages/text-parts.ts'
import { RoomOffice } from './features/rooms/room-office.ts'
import { Rooms } from './features/rooms/rooms.ts'
import type { Session } from './features/sign-in/session.ts'
import { Store } from './store.ts'

/** Failures in a row after which the token itself is asked into question. */
const DOUBT_AFTER = 3

export interface ChatParts {
  user: User
  session: Session
  api: BalancerApi
  /** The room to show. */
  room: Pick<Store<RoomId>, 'read' | 'subscribe'>
}

/** Everything of one signed-in person: the client, the rooms followed, the line. Made at sign-in, closed at leaving. */
export class Chat {
  readonly me: User
  readonly account: Account
  readonly rooms: Rooms
  readonly line: Line
  /** The room shown. */
  readonly current: Store<RoomFeed>
  /** By room: what was said while one was elsewhere. Rooms without any are not in it. */
  readonly unread = new Store<ReadonlyMap<RoomId, { count: number; isNamed: boolean }>>(new Map())
  /** Longest text that can be sent, in UTF-16 code units: what the last server said, until then the usual. */
  readonly textChars = new Store<number>(LIMITS.textChars)
  readonly #client: ChatClient
  readonly #parts: ChatParts
  /** In the order they were last shown. */
  readonly #feeds = new Map<RoomId, { feed: RoomFeed; forget: () => void }>()
  readonly #forget: (() => void)[] = []

  constructor(parts: ChatParts) {
    const { user, session, api, room } = parts
    this.#parts = parts
    this.me = user
    this.account = new Account(api, session)
    this.rooms = new Rooms(api, session.token)
    this.#client = new ChatClient({
      loadbalancers: [''],
      identity: { token: session.token },
      fetch: (input, init) => this.#fetch(input, init),
    })
    this.line = new Line(this.#client)
    this.current = new Store(this.#open(room.read()))
    this.#forget.push(
      room.subscribe(() => this.current.set(this.#open(room.read()))),
      this.#client.subscribe(() => this.#watch()),
    )
    this.rooms.start()
    if (!isGuest(user)) void this.account.look()
    this.#client.start()
  }

  close(): void {
    for (const forget of this.#forget) forget()
    for (const { forget } of this.#feeds.values()) forget()
    this.rooms.stop()
    this.line.close()
    this.#client.close()
  }

  /** What can be seen and done about a room. */
  office(id: RoomId): RoomOffice {
    return new RoomOffice(id, this.rooms)
  }

  /** A room that was closed to one may be open now. */
  reopen(id: RoomId): void {
    const shown = this.current.read()
    if (shown.id === id && isClosed(shown)) this.current.set(this.#open(id))
  }

  retryNow(): void {
    this.#client.retryNow()
  }

  #open(id: RoomId): RoomFeed {
    const before = this.#feeds.get(id)
    if (before !== undefined && isClosed(before.feed)) this.#leave(id)
    const known = this.#feeds.get(id) ?? this.#follow(id)
    this.#feeds.delete(id)
    this.#feeds.set(id, known)
    const byAge = [...this.#feeds].map(([room, { feed }]) => ({ id: room, hasUnsaid: feed.hasUnsaid }))
    for (const room of roomsToLeave(byAge)) this.#leave(room)
    void this.rooms.lookUp(id)
    return known.feed
  }

  #leave(id: RoomId): void {
    const followed = this.#feeds.get(id)
    this.#feeds.delete(id)
    followed?.forget()
    followed?.feed.close()
  }

  #follow(id: RoomId) {
    const feed = new RoomFeed(this.#client.room(id), this.me, (text) => mentions(text, this.me.name))
    return { feed, forget: feed.subscribe(() => this.#count(feed)) }
  }

  #count(feed: RoomFeed): void {
    const { unread: count, isNamed } = feed.read()
    const known = this.unread.read().get(feed.id)
    if ((known?.count ?? 0) === count && (known?.isNamed ?? false) === isNamed) return
    const next = new Map(this.unread.read())
    if (count === 0) next.delete(feed.id)
    else next.set(feed.id, { count, isNamed })
    this.unread.set(next)
  }

  /** The client says that it waits, not why; the balancer's answer to "which server?" says whether there is one. */
  async #fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
    const response = await fetch(input, init)
    this.line.sawServerChoice(response.status !== 503)
    return response
  }

  #watch(): void {
    const { connection, textChars } = this.#client
    this.textChars.set(textChars)
    const isRefused = connection.status === 'closed' && connection.code === 4401
    const isStuck = connection.status === 'waiting' && connection.attempt >= DOUBT_AFTER
    if (isRefused || isStuck) this.#parts.session.doubt()
  }
}

function isClosed(feed: RoomFeed): boolean {
  const { status } = feed.read()
  return status === 'refused' || status === 'left'
}
