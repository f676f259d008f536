import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { platformClock, type Clock } from '@flotilla/protocol/client/clock.ts'

/**
 * A TCP proxy in front of one process that can be told to let it down: for everybody, or for those who say in their first bytes
 * that they are somebody. Loopback only. Where nobody listens behind it, nobody listens at it.
 */

export type LinkRule =
  /** Bytes, ends and resets wait: `up` = those to the target, `down` = those from it. */
  | { mode: 'hold'; ways: 'both' | 'up' | 'down' }
  | { mode: 'delay'; delayMs: number; jitterMs: number }
  /** What stands is reset; new connections are refused (of everybody) or reset as soon as it is known who it is. */
  | { mode: 'refuse' }

export interface FaultProxyOptions {
  port: number
  targetPort: number
  /** Who connects, by the first bytes sent; without it all are ''. */
  label?: (firstBytes: string) => string
  random: () => number
  /** Of delays; the platform's by default. */
  clock?: Clock
}

const HOST = '127.0.0.1'
/** How often it is looked whether the target listens (again). */
const LOOK_MS = 10
/** Bytes of one direction that may wait in a delay; then its source is not read. */
const MAX_DELAYED_BYTES = 1024 * 1024
const EVERYBODY = Symbol('everybody')

export class FaultProxy {
  readonly port: number
  readonly #options: FaultProxyOptions
  readonly #rules = new Map<string | typeof EVERYBODY, LinkRule>()
  readonly #lines = new Set<Line>()
  readonly #early = new Set<Socket>()
  #server: Server | undefined
  #isTargetUp = false
  #look: AbortController | undefined
  #isClosed = false

  constructor(options: FaultProxyOptions) {
    this.#options = options
    this.port = options.port
  }

  get url(): string {
    return `http://${HOST}:${this.port}`
  }

  /** The target is being started: resolves when it listens, and this with it; or when it is told to be gone. */
  async targetStarts(): Promise<void> {
    this.#look?.abort()
    const look = (this.#look = new AbortController())
    while (!look.signal.aborted) {
      if (await isListening(this.#options.targetPort)) {
        this.#isTargetUp = !look.signal.aborted
        this.#listenIfOpen()
        return
      }
      await pause(LOOK_MS)
    }
  }

  /** The target is gone: connections to it end by themselves, new ones are refused. */
  targetIsGone(): void {
    this.#look?.abort()
    this.#isTargetUp = false
    this.#shut()
  }

  /** @param who a label; undefined = everybody */
  set(rule: LinkRule, who?: string): void {
    this.#rules.set(who ?? EVERYBODY, rule)
    if (rule.mode === 'refuse') {
      if (who === undefined) this.#shut()
      this.reset(who)
    } else for (const line of this.#lines) line.look()
  }

  /** Lets everything through again for `who`. */
  mend(who?: string): void {
    this.#rules.delete(who ?? EVERYBODY)
    this.#listenIfOpen()
    for (const line of this.#lines) line.look()
  }

  mendAll(): void {
    this.#rules.clear()
    this.#listenIfOpen()
    for (const line of this.#lines) line.look()
  }

  /** Resets what stands now. */
  reset(who?: string): void {
    for (const line of this.#lines) if (who === undefined || line.who === who) line.reset()
  }

  close(): void {
    this.#isClosed = true
    this.#look?.abort()
    this.#shut()
    for (const line of this.#lines) line.reset()
    for (const socket of this.#early) socket.destroy()
  }

  #ruleOf(who: string): LinkRule | undefined {
    return this.#rules.get(EVERYBODY) ?? this.#rules.get(who)
  }

  #listenIfOpen(): void {
    const isRefusing = this.#rules.get(EVERYBODY)?.mode === 'refuse'
    if (this.#isClosed || !this.#isTargetUp || isRefusing || this.#server !== undefined) return
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    this.#server = server
    server.on('error', (cause: NodeJS.ErrnoException) => {
      if (this.#server !== server) return
      this.#server = undefined
      // The one that was shut a moment ago may not have let go of the port yet.
      if (cause.code === 'EADDRINUSE') setTimeout(() => this.#listenIfOpen(), LOOK_MS)
      else throw cause
    })
    server.listen({ host: HOST, port: this.port, backlog: 4_096 })
  }

  #shut(): void {
    this.#server?.close()
    this.#server = undefined
  }

  #accept(client: Socket): void {
    client.on('error', () => {})
    if (this.#isClosed) {
      client.destroy() // it was under way when this was closed
      return
    }
    const { label } = this.#options
    if (label === undefined) {
      this.#join(client, '', undefined)
      return
    }
    this.#early.add(client)
    client.once('close', () => this.#early.delete(client))
    client.once('data', (first: Buffer) => {
      client.pause()
      this.#early.delete(client)
      this.#join(client, label(first.toString('latin1')), first)
    })
  }

  #join(client: Socket, who: string, first: Buffer | undefined): void {
    if (this.#ruleOf(who)?.mode === 'refuse') {
      cutOff(client)
      return
    }
    const { targetPort, random, clock = platformClock } = this.#options
    const line: Line = new Line({
      who,
      client,
      target: connect({ host: HOST, port: targetPort, allowHalfOpen: true, noDelay: true }),
      first,
      random,
      clock,
      rule: () => this.#ruleOf(who),
      ended: () => this.#lines.delete(line),
    })
    this.#lines.add(line)
  }
}

/** Ends it with a reset. One that is being ended already cannot be reset any more: Node would let go of it without closing it. */
function cutOff(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.writableEnded || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host: HOST, port })
    probe.once('error', () => resolve(false))
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
  })
}

/** One connection through the proxy: two sockets, two directions. */
class Line {
  readonly who: string
  readonly #client: Socket
  readonly #target: Socket
  readonly #up: Flow
  readonly #down: Flow

  constructor(options: {
    who: string
    client: Socket
    target: Socket
    first: Buffer | undefined
    random: () => number
    clock: Clock
    rule: () => LinkRule | undefined
    ended: () => void
  }) {
    const { who, client, target, first, ended } = options
    this.who = who
    this.#client = client
    this.#target = target
    this.#up = new Flow({ ...options, from: client, to: target, way: 'up' })
    this.#down = new Flow({ ...options, from: target, to: client, way: 'down' })
    let open = 2
    for (const socket of [client, target]) {
      socket.once('close', () => {
        open -= 1
        if (open === 0) ended()
      })
    }
    if (first !== undefined) this.#up.take(first)
  }

  /** The rules changed. */
  look(): void {
    this.#up.look()
    this.#down.look()
  }

  reset(): void {
    cutOff(this.#client)
    cutOff(this.#target)
  }
}

type Piece = { dueAt: number } & ({ is: 'bytes'; bytes: Buffer } | { is: 'end' } | { is: 'gone' })

/** What goes one way: kept in order, let go when it is due and nothing holds it. */
class Flow {
  readonly #from: Socket
  readonly #to: Socket
  readonly #way: 'up' | 'down'
  readonly #rule: () => LinkRule | undefined
  readonly #random: () => number
  readonly #clock: Clock
  #pieces: Piece[] = []
  #bytes = 0
  #timer: unknown
  #isBlocked = false

  constructor({
    from,
    to,
    way,
    rule,
    random,
    clock,
  }: {
    from: Socket
    to: Socket
    way: 'up' | 'down'
    rule: () => LinkRule | undefined
    random: () => number
    clock: Clock
  }) {
    this.#from = from
    this.#to = to
    this.#way = way
    this.#rule = rule
    this.#random = random
    this.#clock = clock
    from.on('data', (bytes: Buffer) => this.take(bytes))
    from.on('end', () => this.#add({ is: 'end', dueAt: this.#due() }))
    // Reset, or gone without an end.
    from.on('error', () => {})
    from.on('close', (hadError) => {
      if (hadError || !from.readableEnded) this.#add({ is: 'gone', dueAt: this.#due() })
    })
    to.on('drain', () => {
      this.#isBlocked = false
      this.look()
    })
    to.on('close', () => this.#drop())
    this.look()
  }

  take(bytes: Buffer): void {
    this.#bytes += bytes.length
    this.#add({ is: 'bytes', bytes, dueAt: this.#due() })
  }

  look(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    while (!this.#isHeld && !this.#isBlocked) {
      const next = this.#pieces[0]
      if (next === undefined) break
      const waitMs = next.dueAt - this.#clock.now()
      if (waitMs > 0) {
        this.#timer = this.#clock.setTimeout(() => this.look(), Math.ceil(waitMs))
        break
      }
      this.#pieces.shift()
      this.#give(next)
    }
    if (this.#isHeld || this.#isBlocked || this.#bytes > MAX_DELAYED_BYTES) this.#from.pause()
    else if (!this.#from.destroyed) this.#from.resume()
  }

  get #isHeld(): boolean {
    const rule = this.#rule()
    return rule?.mode === 'hold' && (rule.ways === 'both' || rule.ways === this.#way)
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece)
    this.look()
  }

  #give(piece: Piece): void {
    if (this.#to.destroyed) return
    switch (piece.is) {
      case 'bytes':
        this.#bytes -= piece.bytes.length
        this.#isBlocked = !this.#to.write(piece.bytes)
        break
      case 'end':
        this.#to.end()
        break
      case 'gone':
        cutOff(this.#to)
        break
    }
  }

  /** Later ones never before earlier ones. */
  #due(): number {
    const rule = this.#rule()
    const now = this.#clock.now()
    const delay = rule?.mode === 'delay' ? rule.delayMs + this.#random() * rule.jitterMs : 0
    return Math.max(now + delay, this.#pieces.at(-1)?.dueAt ?? 0)
  }

  #drop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#pieces = []
    this.#bytes = 0
  }
}
