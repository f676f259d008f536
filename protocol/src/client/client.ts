import { splitLines, parseServerFrame, type Entry, type RoomId, type UserId } from '../frames.ts'
import { LIMITS } from '../limits.ts'
import { platformClock, Timer, type Clock } from './clock.ts'
import type { Connection, ConnectionEvent, Effect, TimerName } from './connection.ts'
import { newMachine, step, type Machine } from './connection-machine.ts'
import type { Host } from './host.ts'
import { Line } from './line.ts'
import { locate } from './locate.ts'
import { ChatRoom } from './room.ts'

export type { Clock } from './clock.ts'
export type { Connection } from './connection.ts'
export type { Change, PendingChange, PendingSend } from './outbox.ts'
export { ChatError, type RoomListeners, type RoomState } from './room-face.ts'
export type { ChatRoom } from './room.ts'

export interface ClientOptions {
  /** Base URLs of the balancers, without slash at the end, tried in turn; '' = same origin (browser). */
  loadbalancers: readonly string[]
  /** How to get in: a guest by name, or a token, asked for at each connection. */
  identity: { username: string } | { token: () => Promise<string> }
  /** Ports; the platform's own by default. With `random` given, ids of sends are made of it, too. */
  fetch?: typeof fetch
  WebSocket?: typeof WebSocket
  clock?: Clock
  random?: () => number
}

/**
 * A client of the fleet: one connection that finds its way back by itself, and the rooms on it.
 * Decisions are made by `connection-machine.ts`, `room-cursor.ts` and `outbox.ts`; here are sockets and timers.
 */
export class ChatClient {
  readonly #identity: ClientOptions['identity']
  readonly #loadbalancers: readonly string[]
  readonly #fetch: typeof fetch
  readonly #WebSocket: typeof WebSocket
  readonly #clock: Clock
  readonly #random: () => number
  readonly #timers: Record<TimerName, Timer>
  readonly #rooms = new Map<RoomId, ChatRoom>()
  readonly #lines = new Map<number, Line>()
  readonly #locating = new Map<number, AbortController>()
  readonly #listeners = new Set<() => void>()
  readonly #host: Host
  readonly #events: ConnectionEvent[] = []
  #isStepping = false
  #machine: Machine = newMachine()
  #userId: UserId | undefined
  #textChars: number = LIMITS.textChars
  /** What keeps its place in a balancer's line, since it was told that all servers are full. */
  #ticket: string | undefined
  /** Which room is pumped first: none may take every free place for itself. */
  #turn = 0

  constructor(options: ClientOptions) {
    this.#identity = options.identity
    this.#loadbalancers = options.loadbalancers
    // Called without `this`: the platform's own would refuse otherwise.
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init))
    this.#WebSocket = options.WebSocket ?? WebSocket
    this.#clock = options.clock ?? platformClock
    this.#random = options.random ?? Math.random
    const timer = (name: Exclude<TimerName, 'watch'>) =>
      new Timer(this.#clock, () => this.#feed({ type: 'due', timer: name }))
    this.#timers = {
      retry: timer('retry'),
      handshake: timer('handshake'),
      stable: timer('stable'),
      move: timer('move'),
      watch: new Timer(this.#clock, () => this.#watch()),
    }
    this.#host = this.#newHost(options.random ? () => seededId(this.#random) : randomId)
  }

  /** Longest text that can be sent, in UTF-16 code units: by the last server it was connected to. */
  get textChars(): number {
    return this.#textChars
  }

  /** Begins to connect. Idempotent. */
  start(): void {
    this.#feed({ type: 'start' })
  }

  /** Final: leaves, closes, forgets timers. */
  close(): void {
    this.#feed({ type: 'close' })
  }

  /** Skips the wait (the window came online, the person pressed "retry"). */
  retryNow(): void {
    this.#feed({ type: 'retry' })
  }

  /** Snapshot: a new object only when it changed. */
  get connection(): Connection {
    return this.#machine.shown
  }

  /** Called after each change of `connection`. @returns the way to stop */
  subscribe(listener: () => void): () => void {
    const own = () => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** The room, joined as soon as the connection lives and after each reconnect; the same object until it is left. */
  room(id: RoomId): ChatRoom {
    let room = this.#rooms.get(id)
    if (!room) {
      room = new ChatRoom(id, this.#host)
      this.#rooms.set(id, room)
      for (const line of this.#lines.values()) if (line.welcome) room.attach(line)
    }
    return room
  }

  /** Events are taken one after the other: carrying out one may bring the next. */
  #feed(event: ConnectionEvent): void {
    this.#events.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    const before = this.#machine.shown
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        const [machine, effects] = step(this.#machine, next, this.#random)
        this.#machine = machine
        for (const effect of effects) this.#carryOut(effect)
      }
    } finally {
      this.#isStepping = false
    }
    if (this.#machine.shown !== before) for (const listener of [...this.#listeners]) listener()
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case 'set':
        return this.#timers[effect.timer].set(effect.ms)
      case 'clear':
        return this.#timers[effect.timer].clear()
      case 'locate':
        return this.#locate(effect.line)
      case 'open':
        return this.#open(effect.line, effect.url)
      case 'join':
        return this.#join(effect.line)
      case 'ping':
        return this.#lines.get(effect.line)?.send({ type: 'ping' })
      case 'drop':
        return this.#drop(effect.line)
    }
  }

  #locate(line: number): void {
    const abort = new AbortController()
    this.#locating.set(line, abort)
    const ports = { fetch: this.#fetch, clock: this.#clock }
    void locate(this.#loadbalancers, ports, abort.signal, this.#ticket).then((found) => {
      this.#locating.delete(line)
      if (abort.signal.aborted) return
      if (found.url === undefined) {
        const { url: _, ...why } = found
        if (why.place !== undefined) this.#ticket ??= this.#host.newId()
        this.#feed({ type: 'unlocated', line, ...why })
      } else {
        this.#ticket = undefined
        this.#feed({ type: 'located', line, url: found.url, alternatives: found.alternatives })
      }
    })
  }

  #open(id: number, url: string): void {
    const line: Line = new Line(id, this.#clock, {
      message: (text) => this.#receive(line, text),
      lost: (code) => this.#feed({ type: 'lost', line: id, code }),
      asked: () => this.#feed({ type: 'asked', line: id }),
    })
    this.#lines.set(id, line)
    const identity = this.#identity
    if ('username' in identity) {
      line.open(() => {
        const address = new URL(url)
        address.searchParams.set('username', identity.username)
        return new this.#WebSocket(address.href)
      })
      return
    }
    // Asked anew each time: a browser does not tell a refused token from a broken line, so this one may be what failed.
    Promise.resolve()
      .then(() => identity.token())
      .then(
        (token) => line.open(() => new this.#WebSocket(url, ['chat.v1', `bearer.${token}`])),
        () => line.fail(),
      )
  }

  #drop(id: number): void {
    this.#locating.get(id)?.abort()
    this.#locating.delete(id)
    const line = this.#lines.get(id)
    if (!line) return
    this.#lines.delete(id)
    line.close()
    for (const room of [...this.#rooms.values()]) room.detach(line)
  }

  #join(id: number): void {
    const line = this.#lines.get(id)
    if (!line) return
    for (const room of this.#rooms.values()) room.attach(line)
    this.#settle(line)
  }

  #settle(line: Line): void {
    if (this.#machine.next?.phase !== 'joining' || this.#machine.next.line !== line.id) return
    for (const room of this.#rooms.values()) if (!room.isAnswered(line)) return
    this.#feed({ type: 'settled', line: line.id })
  }

  #watch(): void {
    const line = this.#lines.get(this.#machine.line)
    if (!line) return
    const now = this.#clock.now()
    const askedMs = line.askedAt === undefined ? {} : { askedMs: now - line.askedAt }
    this.#feed({ type: 'silent', line: line.id, silentMs: now - line.receivedAt, ...askedMs })
  }

  /** One WebSocket message: the entries of each room in it are delivered in one call. */
  #receive(line: Line, text: string): void {
    const gathered = new Map<RoomId, Entry[]>()
    const deliver = (id: RoomId) => {
      const entries = gathered.get(id)
      if (!entries) return
      gathered.delete(id)
      this.#rooms.get(id)?.onEntries(line, entries)
    }
    for (const one of splitLines(text)) {
      const frame = parseServerFrame(one)
      if (!frame) continue
      // The rest of the message may come after `drop`: a listener can leave or close.
      if (!line.isOpen) return
      switch (frame.type) {
        case 'message':
        case 'edit':
        case 'delete':
        case 'react':
        case 'system': {
          const entries = gathered.get(frame.room)
          if (entries) entries.push(frame)
          else gathered.set(frame.room, [frame])
          break
        }
        case 'welcome':
          line.welcome = frame
          this.#userId = frame.user.id
          this.#textChars = frame.limits.textChars
          this.#feed({ type: 'welcomed', line: line.id, welcome: frame })
          break
        case 'joined':
          deliver(frame.room) // these stood before it
          this.#rooms.get(frame.room)?.onJoined(line, frame)
          break
        case 'reset':
          deliver(frame.room)
          this.#rooms.get(frame.room)?.onReset(line, frame.log)
          break
        case 'ack':
          this.#rooms.get(frame.room)?.onAck(line, frame)
          break
        case 'head':
          this.#rooms.get(frame.room)?.onHead(line, frame.seq)
          break
        case 'history':
          deliver(frame.room)
          this.#rooms.get(frame.room)?.onHistory(frame)
          break
        case 'presence':
          this.#rooms.get(frame.room)?.onPresence(line, frame)
          break
        case 'typing':
          this.#rooms.get(frame.room)?.onTyping(line, frame.user)
          break
        case 'error':
          // [R16] Whoever was not greeted has asked for nothing yet but to be let in.
          if (line.welcome === undefined) {
            if (frame.code === 'busy' && frame.retryMs !== undefined) {
              this.#feed({ type: 'put-off', line: line.id, retryMs: frame.retryMs })
            }
          } else if (frame.room !== undefined) this.#rooms.get(frame.room)?.onError(line, frame)
          else for (const room of [...this.#rooms.values()]) if (room.onError(line, frame)) break
          break
        case 'move':
          this.#feed({ type: 'moved', line: line.id, inMs: frame.inMs })
          break
        case 'left':
          deliver(frame.room)
          // Without a reason it answers a `leave`.
          if (frame.reason !== undefined) this.#rooms.get(frame.room)?.onLeft(line, frame.reason)
          break
        case 'pong':
          break // being received is all they are for
        default:
          frame satisfies never // [F8] a type of tomorrow
      }
    }
    for (const id of [...gathered.keys()]) deliver(id)
    this.#pump()
  }

  /** Places that answers made free go to whoever waits. */
  #pump(): void {
    const rooms = [...this.#rooms.values()]
    this.#turn += 1
    for (let i = 0; i < rooms.length; i++) rooms[(this.#turn + i) % rooms.length]!.pump()
  }

  #newHost(newId: () => string): Host {
    let refs = 0
    const userId = () => this.#userId
    const textChars = () => this.#textChars
    return {
      clock: this.#clock,
      random: this.#random,
      get userId() {
        return userId()
      },
      get textChars() {
        return textChars()
      },
      newRef: () => ++refs,
      newId,
      budget: (line) => {
        let places = line.welcome?.limits.unackedSends ?? LIMITS.unackedSends
        for (const room of this.#rooms.values()) if (room.isLiveOn(line)) places -= room.inFlight
        return places
      },
      answered: (line) => this.#settle(line),
      left: (room) => {
        if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id)
      },
    }
  }
}

function randomId(): string {
  // `randomUUID` is absent where a page was not loaded over TLS.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}

function seededId(random: () => number): string {
  return Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}
