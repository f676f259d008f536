import type { Command, Peer, Register, ServerRow, ServerState, Update } from '@flotilla/protocol/control.ts'
import { Assignments } from './assignments.ts'
import { chooseServer, hasRoomToSpare, load } from './choose-server.ts'

/** How often servers report. */
export const HEARTBEAT_MS = 1_000
/** Silent for this long: not chosen, probed. */
export const LATE_MS = 3_000
/** Silent for this long: down. */
export const DOWN_MS = 6_000
/** A late server is probed this often. */
export const PROBE_EVERY_MS = 1_000
/** A server that only the directory knows has this long after the balancer's start to be heard, before it counts as down. */
export const LEARN_MS = 8_000
/** Ticks further apart than this mean that the balancer itself stood still, and heard nobody. */
export const STALL_MS = 1_500
/** A client that was sent to a server and is in none of its reports for this long went elsewhere. */
export const ASSIGNMENT_MS = 2 * HEARTBEAT_MS
export const SLOW_START_MS = 10_000
/** A server that is down this long is forgotten; its rooms are not (they are in the directory). */
export const FORGET_MS = 3_600_000
export const MAX_ALTERNATIVES = 8
/** The list of servers is told again this often: the answer that told it may have been lost. */
const TELL_AGAIN_MS = 10_000
/** How stale the order of the alternatives may be; sorting all servers for each `GET /get` would cost more than the choice. */
const ALTERNATIVES_MS = 250
const PAST_INCS = 8

/** What a registration says, and a directory keeps, of a server. */
export type KnownServer = Pick<Register, 'id' | 'url' | 'host' | 'port' | 'capacity' | 'inc'>
export type ProbeOutcome = 'ok' | 'refused' | 'other' | 'failed'
export type ReportOutcome = { commands: Command[]; isNew: boolean } | 'unknown_server' | 'stale_incarnation'

interface Entry extends KnownServer {
  health: 'up' | 'late' | 'down'
  /** False for one known from the directory only: it has to register with this run of the balancer. */
  isRegistered: boolean
  /** By its own word. */
  isDraining: boolean
  /** What it was told by an operator and does not report yet: told with every answer until it does. */
  order: 'none' | 'drain' | 'cancel-drain'
  n: number
  clients: number
  rooms: number
  loopDelayMs: number
  heardAt: number
  /** Its slow start began then; undefined: it came with the fleet, or is through. */
  rampFrom: number | undefined
  ramp: number
  assigned: number
  readonly arriving: Assignments
  readonly placing: Assignments
  lastProbe: 'none' | 'ok' | 'failed'
  probedAt: number
  pastIncs: string[]
  toldVersion: number
  toldAt: number
}

export interface HomeCandidate {
  id: string
  /** The part of its capacity in use. */
  load: number
  /** Rooms it holds, and those that were just placed there. */
  rooms: number
}

/**
 * Which servers there are, how they are, and where the next client goes. Time comes in as milliseconds, chance as
 * `random`; probes are asked for by `tick` and their outcomes told to `probed`.
 *
 *   up --3 s silent--> late --refused, or 6 s silent--> down        any report: up again
 *
 * Being wrong about a server costs time, never data: who may write a room is judged by the store.
 */
export class Registry {
  readonly #servers = new Map<string, Entry>()
  readonly #random: () => number
  readonly #changed = new Set<string>()
  #judgeFrom = -Infinity
  #tickedAt: number
  readonly #startedAt: number
  /** Rises when the list of servers to connect to changes. */
  #version = 1
  #sorted: { at: number; version: number; entries: Entry[] } = { at: -Infinity, version: 0, entries: [] }

  /** `known`: from the directory; they count as late until they register again. */
  constructor(now: number, random: () => number, known: readonly KnownServer[] = []) {
    this.#random = random
    this.#tickedAt = now
    this.#startedAt = now
    for (const server of known) {
      this.#servers.set(server.id, { ...freshEntry(server, now), health: 'late', isRegistered: false })
    }
  }

  /** Whether a run of this server that was replaced since is speaking. */
  isStale(id: string, inc: string): boolean {
    return this.#servers.get(id)?.pastIncs.includes(inc) ?? false
  }

  /** A server that was dialled back. Another run of the same id, and another id at the same address, are gone with it. */
  register(server: KnownServer, now: number): 'registered' | 'stale_incarnation' {
    const before = this.#servers.get(server.id)
    if (before?.pastIncs.includes(server.inc)) return 'stale_incarnation'
    for (const other of this.#servers.values()) {
      if (other.id !== server.id && other.host === server.host && other.port === server.port)
        this.#forget(other)
    }
    const { id, url, host, port, capacity, inc } = server
    if (before?.inc === inc) {
      Object.assign(before, { url, host, port, capacity, isRegistered: true, heardAt: now, toldVersion: 0 })
      before.health = 'up'
    } else {
      const entry = freshEntry({ id, url, host, port, capacity, inc }, now)
      if (before) entry.pastIncs = [...before.pastIncs, before.inc].slice(-PAST_INCS)
      if (this.#isServingWithout(id)) Object.assign(entry, { rampFrom: now, ramp: 0 })
      this.#servers.set(id, entry)
    }
    this.#listChanged(id)
    return 'registered'
  }

  /** A load report. An old one (by `n`) changes nothing; `isNew` says so. */
  update(report: Update, now: number): ReportOutcome {
    const entry = this.#servers.get(report.id)
    if (entry?.pastIncs.includes(report.inc)) return 'stale_incarnation'
    if (!entry?.isRegistered || entry.inc !== report.inc) return 'unknown_server'
    if (report.n <= entry.n) return { commands: [], isNew: false }
    entry.arriving.arrived(report.clients - entry.clients)
    entry.placing.arrived(report.rooms - entry.rooms)
    const stateBefore = stateOf(entry)
    const { n, clients, rooms, loopDelayMs, draining } = report
    const isOther = entry.clients !== clients || entry.rooms !== rooms || entry.loopDelayMs !== loopDelayMs
    Object.assign(entry, { n, clients, rooms, loopDelayMs, isDraining: draining, heardAt: now })
    entry.health = 'up'
    entry.lastProbe = 'none'
    if (stateBefore !== stateOf(entry)) this.#listChanged(entry.id)
    else if (isOther) this.#changed.add(entry.id)
    return { commands: this.#commandsFor(entry, now), isNew: true }
  }

  /** Lets time pass; call it about four times a second. @returns the servers to probe now */
  tick(now: number): Peer[] {
    // After a standstill (a paused process, a blocked disk) the reports of the meantime are still unread.
    if (now - this.#tickedAt > STALL_MS) this.#judgeFrom = now + LATE_MS
    this.#tickedAt = now
    const isJudging = now >= this.#judgeFrom
    const toProbe: Peer[] = []
    for (const entry of this.#servers.values()) {
      const silentMs = now - entry.heardAt
      if (isJudging && silentMs >= (entry.isRegistered ? DOWN_MS : LEARN_MS)) this.#becomes(entry, 'down')
      else if (isJudging && silentMs >= LATE_MS && entry.health === 'up') this.#becomes(entry, 'late')
      if (entry.health === 'down' && silentMs >= FORGET_MS) this.#forget(entry)
      // One that is down but answered may only be cut off from us: it stays a last resort while it answers.
      const isDead = entry.health === 'down' && entry.lastProbe === 'failed'
      if (entry.health !== 'up' && !isDead && now - entry.probedAt >= PROBE_EVERY_MS) {
        entry.probedAt = now
        toProbe.push(peerOf(entry))
      }
    }
    return toProbe
  }

  /** Outcome of a probe of this run. `refused`: nobody listens there; `other`: somebody else does; `failed`: no answer. */
  probed(id: string, inc: string, outcome: ProbeOutcome): void {
    const entry = this.#servers.get(id)
    if (entry?.inc !== inc) return
    entry.lastProbe = outcome === 'ok' ? 'ok' : 'failed'
    if (outcome === 'refused' || outcome === 'other') this.#becomes(entry, 'down')
  }

  /**
   * Orders a drain, from now on the server is not chosen; or orders it to serve again. It is told with every report until it does so.
   * @returns whether there is such a server
   */
  drain(id: string, isOrdered: boolean): boolean {
    const entry = this.#servers.get(id)
    if (entry === undefined) return false
    entry.order = isOrdered ? 'drain' : 'cancel-drain'
    this.#listChanged(id)
    return true
  }

  /**
   * Where the next client goes, counted as sent there; `home` = the home of its room, preferred while it has room to spare.
   * `alternatives` = WebSocket URLs of others, the least loaded first.
   */
  choose(
    now: number,
    home?: string,
  ): { server: KnownServer & { clients: number }; isHome: boolean; alternatives: string[] } | undefined {
    const usable = this.#usable(now)
    const preferred = home === undefined ? undefined : usable.find((entry) => entry.id === home)
    const isHome = preferred !== undefined && hasRoomToSpare(preferred, usable)
    const chosen = isHome ? preferred : chooseServer(usable, this.#random)
    if (chosen === undefined) return undefined
    chosen.arriving.add(now)
    const alternatives: string[] = []
    for (const { id, url } of this.#byLoad(usable, now)) {
      if (alternatives.length === MAX_ALTERNATIVES) break
      if (id !== chosen.id) alternatives.push(url)
    }
    return { server: chosen, isHome, alternatives }
  }

  /** Clients that can be taken now, by all servers together; undefined: there is no server at all to send them to. */
  places(now: number): number | undefined {
    const usable = this.#usable(now)
    if (usable.length === 0) return undefined
    return usable.reduce(
      (sum, { capacity, clients, assigned }) => sum + Math.max(0, capacity - clients - assigned),
      0,
    )
  }

  /** Those that may become the home of a room. */
  homeCandidates(now: number): HomeCandidate[] {
    return this.#usable(now).map((entry) => ({
      id: entry.id,
      load: load(entry),
      rooms: entry.rooms + entry.placing.count(now),
    }))
  }

  /** A room was placed there: it counts before the server reports it. */
  roomPlaced(id: string, now: number): void {
    this.#servers.get(id)?.placing.add(now)
  }

  peer(id: string): Peer | undefined {
    const entry = this.#servers.get(id)
    return entry && peerOf(entry)
  }

  /**
   * How a server stands as the home of its rooms. It is gone only if that is proven, or if it was silent and its probes
   * failed; while the balancer itself has just come up, nobody is: restarting is not gone.
   */
  standing(id: string, now: number): 'here' | 'leaving' | 'gone' {
    const entry = this.#servers.get(id)
    const hasLearnt = now - this.#startedAt >= LEARN_MS
    if (entry === undefined) return hasLearnt ? 'gone' : 'here'
    const isJudged = entry.isRegistered || hasLearnt
    // Silent for as long as it takes to be late, and deaf to a probe: for a home that is enough, for others wait for it.
    const isDeaf = entry.health === 'late' && entry.lastProbe === 'failed' && now - entry.heardAt >= LATE_MS
    if (entry.health === 'down' || isDeaf) return isJudged ? 'gone' : 'here'
    return isLeaving(entry) ? 'leaving' : 'here'
  }

  inc(id: string): string | undefined {
    return this.#servers.get(id)?.inc
  }

  rows(now: number): ServerRow[] {
    return [...this.#servers.values()].map((entry) => rowOf(entry, now))
  }

  /** How many servers are in each state. */
  states(): Record<ServerState, number> {
    const counts = { up: 0, late: 0, draining: 0, down: 0 }
    for (const entry of this.#servers.values()) counts[stateOf(entry)] += 1
    return counts
  }

  /** What changed since the last call: rows, and the ids of those that are forgotten. */
  takeChanges(now: number): { servers: ServerRow[]; gone: string[] } {
    const servers: ServerRow[] = []
    const gone: string[] = []
    for (const id of this.#changed) {
      const entry = this.#servers.get(id)
      if (entry) servers.push(rowOf(entry, now))
      else gone.push(id)
    }
    this.#changed.clear()
    return { servers, gone }
  }

  /**
   * Those a client may be sent to. When less than half of the servers look healthy, it is likelier that we do not hear well than that
   * they all died: then all are used that are not proven dead. Those whose probe failed come last.
   */
  #usable(now: number): Entry[] {
    const known = [...this.#servers.values()].filter((entry) => !isLeaving(entry))
    for (const entry of known) refresh(entry, now)
    const healthy = known.filter((entry) => entry.health === 'up')
    if (healthy.length * 2 >= known.length && healthy.length > 0) return healthy
    const answering = known.filter((entry) => entry.health === 'up' || isPerhapsAlive(entry))
    if (answering.length > 0) return answering
    return known.filter((entry) => entry.health === 'late')
  }

  #byLoad(usable: readonly Entry[], now: number): readonly Entry[] {
    if (now - this.#sorted.at >= ALTERNATIVES_MS || this.#sorted.version !== this.#version) {
      const keyed = usable.map((entry) => ({ entry, load: load(entry), tie: this.#random() }))
      keyed.sort((a, b) => a.load - b.load || a.tie - b.tie)
      this.#sorted = { at: now, version: this.#version, entries: keyed.map(({ entry }) => entry) }
    }
    return this.#sorted.entries
  }

  #commandsFor(entry: Entry, now: number): Command[] {
    const commands: Command[] = []
    if (entry.toldVersion !== this.#version || now - entry.toldAt >= TELL_AGAIN_MS) {
      const others = [...this.#servers.values()].filter((other) => other.id !== entry.id && isOpen(other))
      commands.push({ type: 'servers', servers: others.map(peerOf) })
      entry.toldVersion = this.#version
      entry.toldAt = now
    }
    // Not once only: the answer that told it may have been lost. A drained server goes on reporting that it drains.
    if (entry.order === 'drain' && !entry.isDraining) commands.push({ type: 'drain' })
    if (entry.order === 'cancel-drain') {
      if (entry.isDraining) commands.push({ type: 'cancel-drain' })
      else entry.order = 'none'
    }
    return commands
  }

  /** Whether a server joins a fleet that serves, rather than starting with it. */
  #isServingWithout(id: string): boolean {
    return [...this.#servers.values()].some(
      (entry) => entry.id !== id && isOpen(entry) && entry.clients > 0 && entry.rampFrom === undefined,
    )
  }

  #becomes(entry: Entry, health: Entry['health']): void {
    if (entry.health === health) return
    entry.health = health
    if (health === 'down') {
      entry.arriving.clear()
      entry.placing.clear()
    }
    this.#listChanged(entry.id)
  }

  #forget(entry: Entry): void {
    this.#servers.delete(entry.id)
    this.#listChanged(entry.id)
  }

  #listChanged(id: string): void {
    this.#version += 1
    this.#changed.add(id)
  }
}

function freshEntry(server: KnownServer, now: number): Entry {
  const { id, url, host, port, capacity, inc } = server
  return {
    ...{ id, url, host, port, capacity, inc },
    health: 'up',
    isRegistered: true,
    isDraining: false,
    order: 'none',
    n: -1,
    clients: 0,
    rooms: 0,
    loopDelayMs: 0,
    heardAt: now,
    rampFrom: undefined,
    ramp: 1,
    assigned: 0,
    arriving: new Assignments(ASSIGNMENT_MS),
    placing: new Assignments(ASSIGNMENT_MS),
    lastProbe: 'none',
    probedAt: -Infinity,
    pastIncs: [],
    toldVersion: 0,
    toldAt: 0,
  }
}

/** Brings what depends on the time up to it. */
function refresh(entry: Entry, now: number): void {
  entry.assigned = entry.arriving.count(now)
  if (entry.rampFrom === undefined) return
  entry.ramp = Math.min(1, (now - entry.rampFrom) / SLOW_START_MS)
  if (entry.ramp === 1) entry.rampFrom = undefined
}

const isLeaving = (entry: Entry) => entry.isDraining || entry.order === 'drain'
const isOpen = (entry: Entry) => entry.health === 'up' && !isLeaving(entry)
/** Silent, but no probe failed: a late one that was not probed yet counts, a down one has to have answered. */
const isPerhapsAlive = (entry: Entry) =>
  entry.health === 'late' ? entry.lastProbe !== 'failed' : entry.health === 'down' && entry.lastProbe === 'ok'

function stateOf(entry: Entry): ServerState {
  return entry.health === 'up' && isLeaving(entry) ? 'draining' : entry.health
}

function peerOf({ id, url, host, port }: Entry): Peer {
  return { id, url, host, port }
}

function rowOf(entry: Entry, now: number): ServerRow {
  const { id, inc, url, host, port, clients, rooms, capacity, loopDelayMs } = entry
  const ageMs = Math.max(0, Math.round(now - entry.heardAt))
  return { id, inc, url, host, port, state: stateOf(entry), clients, rooms, capacity, ageMs, loopDelayMs }
}
