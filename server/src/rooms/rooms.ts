import type { HeldRoom as HeldThere } from '@flotilla/protocol/control.ts'
import { refuse } from '@flotilla/protocol/errors.ts'
import type { RoomId, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { LinkMessage } from '@flotilla/protocol/link.ts'
import type { BusListener, ServerId } from '../bus/bus.ts'
import type { Cancel } from '../clock.ts'
import type { HeldRoom } from '../store/store.ts'
import type { CursorLag } from './feed.ts'
import { handOver } from './hand-over.ts'
import type { Home } from './home.ts'
import { Retention } from './retention.ts'
import { SOON_MS } from './retry.ts'
import type { RoomContext } from './room-context.ts'
import { Room } from './room.ts'
import { Telling } from './telling.ts'

/** All rooms this server has to do with, and the way from the bus to each of them. */

/** Homes say where their rooms stand this often. */
const HEADS_MS = 2_000
const SWEEP_MS = 10_000
/** A call that finds no home here for so long is not answered by what it asks for any more: less than the balancer waits. */
const ANSWER_MS = 2_000
/** Rooms in one message that lists them. */
const ROOMS_PER_MESSAGE = 500
const HAND_OVERS_AT_ONCE = 8
/** Most entries a peer may ask for at once. */
const PAGE_ENTRIES = 512

export class Rooms implements BusListener {
  readonly #context: RoomContext
  readonly #rooms = new Map<RoomId, Room>()
  /** Rooms of the own store; what was taken since start is in `#rooms`, or is added when that closes. */
  readonly #held: Map<RoomId, HeldRoom>
  readonly #telling: Telling
  readonly #retention: Retention
  #headsLater: Cancel
  #isClosed = false
  #sweepLater: Cancel

  constructor(context: RoomContext, held: readonly HeldRoom[]) {
    this.#context = context
    this.#retention = new Retention({
      store: context.store,
      raised: (id, floor) => this.#rooms.get(id)?.raiseFloor(floor),
      note: context.note,
    })
    this.#telling = new Telling(context.clock.now(), () => context.pressure?.isHigh === true)
    this.#held = new Map(held.map((room) => [room.room, room]))
    this.#headsLater = context.clock.after(HEADS_MS, () => void this.#verifyHomes())
    this.#sweepLater = context.clock.after(SWEEP_MS, () => this.#sweep())
    context.bus.listen(this)
  }

  /** The room, opened if it is not. Whether it exists turns out at `ready()`. */
  open(id: RoomId): Room {
    let room = this.#rooms.get(id)
    if (room === undefined || room.isRefused) {
      room = new Room(id, this.#context, this.#held.get(id), this.#telling)
      this.#rooms.set(id, room)
    }
    return room
  }

  /** The room at its home, which is here; or why there is nothing to be asked here. */
  async atHome(id: RoomId): Promise<{ room: Room; home: Home } | 'no_such_room' | 'not_home' | 'busy'> {
    const room = this.open(id)
    const { clock } = this.#context
    const askedAt = clock.now()
    await room.ready()
    // Whoever asked may have gone elsewhere meanwhile, and been told something else there.
    if (clock.now() - askedAt > ANSWER_MS) return 'busy'
    const { home } = room
    if (home !== undefined) return { room, home }
    if (room.isRefused) return 'no_such_room'
    if (room.relay === undefined) return 'busy'
    // Whoever asks here has heard that this is the home, and may know better.
    void room.reach(room.epoch + 1)
    return 'not_home'
  }

  /** Nobody is in it here any more, and nothing more is taken. */
  erased(id: RoomId): void {
    this.#held.delete(id)
    this.#rooms.get(id)?.erased()
  }

  /** A room keeps what is said for another time now. */
  retentionChanged(): void {
    this.#retention.hurry()
  }

  /** Rooms this server is home of now to which he is somebody. */
  knowing(user: UserId): RoomId[] {
    const homes = [...this.#rooms].filter(([, { home }]) => home?.rules.roster.known(user) !== undefined)
    return homes.map(([id]) => id)
  }

  /** Rooms that are open here. */
  get size(): number {
    return this.#rooms.size
  }

  /**
   * Rooms this server is the home of and has all of, those nobody uses now included: for the balancer, to which it makes
   * this server the only one that is needed for them.
   */
  held(): HeldThere[] {
    const held = new Map<RoomId, HeldThere>()
    for (const [id, { epoch, head, isWhole, genesis }] of this.#held) {
      if (isWhole) held.set(id, { room: id, epoch, head, ...made(genesis) })
    }
    for (const [id, room] of this.#rooms) {
      if (room.home !== undefined && room.isWhole) {
        const { epoch, rules } = room.home
        held.set(id, { room: id, epoch, head: room.feed?.head ?? 0, ...made(rules.roster.genesis) })
      } else if (room.home !== undefined || room.relay !== undefined) held.delete(id)
    }
    return [...held.values()]
  }

  /** All of a room that was taken is in the own store now. */
  whole({ room: id, epoch, head }: { room: RoomId; epoch: number; head: number }): void {
    const held = this.#held.get(id)
    if (held?.epoch === epoch) this.#held.set(id, { ...held, isWhole: true })
    const room = this.#rooms.get(id)
    room?.whole(epoch)
    const genesis = room?.home?.rules.roster.genesis ?? held?.genesis
    this.#context.directory.taken({ room: id, epoch, head, ...made(genesis) })
  }

  /** What the own store has may be less than what was acked: whose its rooms are, is asked of the directory. */
  doubt(): void {
    this.#held.clear()
    for (const room of this.#rooms.values()) room.doubt()
  }

  /** The room has another log in the own store than its home knows: it is taken anew. */
  renewed(id: RoomId): void {
    this.#rooms.get(id)?.doubt()
  }

  message(from: ServerId, message: LinkMessage, lines: Buffer): void {
    switch (message.t) {
      case 'follow':
        void this.#follow(from, message)
        break
      case 'unfollow':
        this.#rooms.get(message.room)?.home?.unfollow(from)
        break
      case 'send':
        this.#send(from, message)
        break
      case 'read':
        void this.#read(from, message)
        break
      case 'enter':
        this.#enter(from, message)
        break
      case 'people':
        this.#rooms.get(message.room)?.home?.hearPeople(from, message)
        break
      case 'typing':
        this.#rooms.get(message.room)?.home?.typing(message.user)
        break
      case 'heads':
        for (const [id, epoch, head, v] of message.rooms) {
          const relay = this.#rooms.get(id)?.relay
          if (relay?.home === from) relay.head(epoch, head, v)
        }
        break
      case 'people-at':
        for (const [id, v] of message.rooms) this.#rooms.get(id)?.home?.peopleAt(from, v)
        break
      case 'take':
        void this.open(message.room).take(message)
        break
      case 'taken':
        this.#rooms.get(message.room)?.superseded({ id: from, epoch: message.epoch })
        break
      default: {
        const relay = this.#rooms.get(message.room)?.relay
        if (relay?.home === from) relay.receive(message, lines)
      }
    }
  }

  /** An edge wants to follow: this server is the home, or becomes it now if the balancer says so. */
  async #follow(from: ServerId, message: Extract<LinkMessage, { t: 'follow' }>): Promise<void> {
    const room = this.open(message.room)
    await room.ready()
    await room.reach(message.epoch)
    // Gone meanwhile: nobody would ever say so again, and it would stay with its people.
    if (!this.#context.bus.isUp(from)) return
    if (room.home === undefined) this.#context.bus.send(from, { t: 'not-home', room: message.room })
    else room.home.follow(from, message.cursor, message.log)
  }

  /** How many open rooms this server is home of. */
  get homes(): number {
    let homes = 0
    for (const { home } of this.#rooms.values()) if (home !== undefined) homes += 1
    return homes
  }

  /** Of all rooms, clients and edges: looked at when somebody asks, so that nothing is counted on the way of a message. */
  get lag(): CursorLag {
    const all = { most: 0, behind: 0 }
    for (const { feed } of this.#rooms.values()) {
      if (feed === undefined) continue
      const { most, behind } = feed.lag
      all.most = Math.max(all.most, most)
      all.behind += behind
    }
    return all
  }

  /** Offers every room this server is home of to others, a few at a time: it leaves. `signal`: it stays after all. */
  async handOver(signal?: AbortSignal): Promise<void> {
    const homes = [...this.#rooms.values()].filter(({ home }) => home !== undefined)
    const next = homes.values()
    const handOn = async () => {
      for (const room of next) if (signal?.aborted !== true) await handOver(room, this.#context)
    }
    await Promise.all(Array.from({ length: HAND_OVERS_AT_ONCE }, handOn))
  }

  #send(from: ServerId, { room: id, req, send }: Extract<LinkMessage, { t: 'send' }>): void {
    const { bus } = this.#context
    const home = this.#rooms.get(id)?.home
    if (home === undefined) {
      bus.send(from, { t: 'refused', room: id, req, code: 'busy', retryMs: SOON_MS })
      bus.send(from, { t: 'not-home', room: id })
      return
    }
    home.accept(send, (outcome) => {
      if (outcome.ok) bus.send(from, { t: 'sent', room: id, req, seq: outcome.seq, ts: outcome.ts })
      else {
        const { ok: _, ...refusal } = outcome
        bus.send(from, { t: 'refused', room: id, req, ...refusal })
      }
    })
  }

  #enter(from: ServerId, { room: id, req, user }: Extract<LinkMessage, { t: 'enter' }>): void {
    const { bus } = this.#context
    const home = this.#rooms.get(id)?.home
    const entered = home?.enter(user) ?? refuse('busy', undefined, SOON_MS)
    if (home === undefined) bus.send(from, { t: 'not-home', room: id })
    const { ok: _, ...answer } = entered
    if ('code' in answer) bus.send(from, { t: 'refused', room: id, req, ...answer })
    else bus.send(from, { t: 'entered', room: id, req, ...answer })
  }

  async #read(from: ServerId, message: Extract<LinkMessage, { t: 'read' }>): Promise<void> {
    const { bus } = this.#context
    const { room: id, req, after, before, user } = message
    const room = this.#rooms.get(id)
    const refused = { t: 'refused', room: id, req, code: 'busy', retryMs: 250 } as const
    const mayRead = user === undefined || room?.home?.enter({ id: user, name: '' }).ok === true
    if (room?.home === undefined || !mayRead) {
      bus.send(from, refused)
      return
    }
    try {
      const side = before === undefined ? { after: after ?? 0 } : { before }
      const page = await room.read(side, Math.min(PAGE_ENTRIES, message.limit))
      if (page === undefined) throw new Error('the home was lost')
      bus.send(from, { t: 'page', room: id, req, done: page.done }, joinLines(page.lines))
    } catch (cause) {
      this.#context.note('read failed', { room: id, cause })
      bus.send(from, refused)
    }
  }

  up(peer: ServerId): void {
    for (const room of this.#rooms.values()) if (room.relay?.home === peer) room.relay.homeUp()
  }

  down(peer: ServerId): void {
    for (const room of this.#rooms.values()) {
      if (room.relay?.home === peer) room.relay.homeDown()
      room.home?.edgeDown(peer)
    }
  }

  drained(peer: ServerId): void {
    for (const room of this.#rooms.values()) room.home?.edgeDrained(peer)
  }

  /**
   * Asks the store whether the rooms homed here still are: a server that stood still learns here, before it says another word on
   * them, that it is not their home any more.
   */
  async #verifyHomes(): Promise<void> {
    const homes = [...this.#rooms.values()].flatMap(({ home }) => (home === undefined ? [] : [home]))
    try {
      const batch = homes.map(({ room, epoch }) => ({ room, epoch, drafts: [] }))
      const { rooms } = await this.#context.store.append(batch)
      for (const [i, outcome] of rooms.entries()) if (outcome === 'fenced') homes[i]?.fenced([])
    } catch (cause) {
      this.#context.note('homes not verified', { cause })
    }
    if (!this.#isClosed) this.#sendHeads()
  }

  /** Homes say where their rooms stand, edges where their people do: what got lost on the bus is found within this time. */
  #sendHeads(): void {
    const heads = new Map<ServerId, [RoomId, number, number, number][]>()
    const people = new Map<ServerId, [RoomId, number][]>()
    for (const [id, { home, relay, feed, peopleVersion }] of this.#rooms) {
      if (home !== undefined && feed !== undefined) {
        const { epoch, membersVersion } = home
        for (const edge of home.edges())
          listFor(heads, edge).push([id, epoch, feed.flushedHead, membersVersion])
      } else if (relay?.isFollowing === true) listFor(people, relay.home).push([id, peopleVersion])
    }
    const { bus, clock } = this.#context
    for (const [edge, all] of heads) for (const rooms of parts(all)) bus.send(edge, { t: 'heads', rooms })
    for (const [home, all] of people)
      for (const rooms of parts(all)) bus.send(home, { t: 'people-at', rooms })
    this.#headsLater = clock.after(HEADS_MS, () => void this.#verifyHomes())
  }

  /** Closes what nobody needs: the log stays, the ring goes. */
  #sweep(): void {
    const now = this.#context.clock.now()
    void this.#retention.look(now)
    for (const [id, room] of this.#rooms) {
      if (!room.isIdle(now)) continue
      if (room.home !== undefined && room.feed !== undefined) {
        const { epoch, rules } = room.home
        const { head, log } = room.feed
        const { isWhole } = room
        this.#held.set(id, { room: id, epoch, head, log, isWhole, ...made(rules.roster.genesis) })
      } else this.#held.delete(id)
      this.#rooms.delete(id)
      room.close()
    }
    this.#sweepLater = this.#context.clock.after(SWEEP_MS, () => this.#sweep())
  }

  close(): void {
    this.#isClosed = true
    this.#headsLater()
    this.#sweepLater()
    for (const room of this.#rooms.values()) room.close()
    this.#rooms.clear()
  }
}

/** A balancer that has lost its directory must not take a private room for a public one. */
function made(genesis: Genesis | undefined): { genesis?: Genesis } {
  return genesis === undefined ? {} : { genesis }
}

function listFor<T>(lists: Map<ServerId, T[]>, server: ServerId): T[] {
  let list = lists.get(server)
  if (list === undefined) lists.set(server, (list = []))
  return list
}

/** In messages of a bounded size. */
function* parts<T>(list: T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += ROOMS_PER_MESSAGE) yield list.slice(at, at + ROOMS_PER_MESSAGE)
}

function joinLines(lines: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  for (const [i, line] of lines.entries()) parts.push(...(i === 0 ? [line] : [NEWLINE, line]))
  return Buffer.concat(parts)
}
const NEWLINE = Buffer.from('\n')
