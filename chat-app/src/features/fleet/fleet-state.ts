import type { PlacementChange, RegistryChange, ServerRow } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { hostOf } from './connection-story.ts'

/** A server as the balancer told of it last; `heardAt` = when its last report was, by our own clock. */
export interface FleetServer extends Omit<ServerRow, 'ageMs'> {
  /** `host:port` that clients connect to: what people call it. */
  readonly name: string
  readonly heardAt: number
}

/** Something that happened, as far as the balancer told. Names, not servers: these may be gone by the time it is read. */
export type Happening =
  | {
      readonly what: 'registered' | 'restarted' | 'up_again' | 'late' | 'draining' | 'stays' | 'down' | 'gone'
      name: string
    }
  /** `from` = where they were, if anywhere. */
  | { readonly what: 'placed' | 'moved'; name: string; from: string | undefined; room: RoomId; rooms: number }
  | { readonly what: 'balancer_lost' | 'balancer_back' }
export type DatedHappening = Happening & { readonly key: number; readonly at: number }

export interface FleetState {
  /** `away`: the balancer does not answer; what is shown is what it said until `heardAt`. */
  readonly balancer: 'asked' | 'here' | 'away'
  readonly heardAt: number | undefined
  /** By name. */
  readonly servers: readonly FleetServer[]
  /** The newest first, at most MAX_HAPPENINGS. */
  readonly happenings: readonly DatedHappening[]
  readonly nextKey: number
}

/** What the balancer tells, and that it does not. `began`: someone looks again; what was missed is not news. */
export type FleetNews =
  | { readonly type: 'began' }
  | { readonly type: 'snapshot'; readonly servers: readonly ServerRow[] }
  | ({ readonly type: 'registry' } & RegistryChange)
  | ({ readonly type: 'placement' } & PlacementChange)
  | { readonly type: 'lost' }

export const MAX_HAPPENINGS = 60
/** Rooms that go to the same server within this are one line: a drain moves hundreds. */
const TOGETHER_MS = 3_000

export const UNSEEN: FleetState = {
  balancer: 'asked',
  heardAt: undefined,
  servers: [],
  happenings: [],
  nextKey: 0,
}

/** What is known after `news` that came at `at` (ms since 1970). */
export function hear(state: FleetState, news: FleetNews, at: number): FleetState {
  switch (news.type) {
    case 'began':
      return { ...state, balancer: 'asked' }
    case 'lost':
      return state.balancer === 'away'
        ? state
        : tell({ ...state, balancer: 'away' }, at, [{ what: 'balancer_lost' }])
    case 'snapshot': {
      const servers = inOrder(news.servers.map((row) => fromRow(row, at)))
      const next: FleetState = { ...state, balancer: 'here', heardAt: at, servers }
      // The first look at a fleet is no news, nor is what went on while nobody looked.
      if (state.balancer === 'asked') return next
      const back: Happening[] = state.balancer === 'away' ? [{ what: 'balancer_back' }] : []
      const changes = state.heardAt === undefined ? [] : differences(state.servers, servers)
      return tell(next, at, [...back, ...changes])
    }
    case 'registry': {
      const gone = new Set(news.gone)
      const changed = news.servers.map((row) => fromRow(row, at))
      const isNew = new Set(changed.map(({ id }) => id))
      const kept = state.servers.filter(({ id }) => !gone.has(id) && !isNew.has(id))
      const servers = inOrder([...kept, ...changed])
      return tell({ ...state, heardAt: at, servers }, at, differences(state.servers, servers))
    }
    case 'placement': {
      const { room, home, formerHome } = news
      const nameOf = (server: string) => state.servers.find(({ id }) => id === server)?.name ?? server
      const from = formerHome === undefined ? undefined : nameOf(formerHome)
      return tell({ ...state, heardAt: at }, at, [
        { what: from === undefined ? 'placed' : 'moved', name: nameOf(home), from, room, rooms: 1 },
      ])
    }
  }
}

export interface Totals {
  readonly servers: number
  readonly up: number
  /** Of servers that are not down: what a dead one reported last is nobody's any more. */
  readonly clients: number
  /** A room is open on its home and on every server that has people of it: it counts on each. */
  readonly rooms: number
  readonly capacity: number
}

export function totalsOf(servers: readonly FleetServer[]): Totals {
  const totals = { servers: servers.length, up: 0, clients: 0, rooms: 0, capacity: 0 }
  for (const { state, clients, rooms, capacity } of servers) {
    if (state === 'up') totals.up += 1
    if (state === 'down') continue
    totals.clients += clients
    totals.rooms += rooms
    totals.capacity += capacity
  }
  return totals
}

function fromRow({ ageMs, ...row }: ServerRow, at: number): FleetServer {
  return { ...row, name: hostOf(row.url), heardAt: at - ageMs }
}

const byName = new Intl.Collator('en', { numeric: true })
function inOrder(servers: readonly FleetServer[]): readonly FleetServer[] {
  return servers.toSorted(
    (one, other) => byName.compare(one.name, other.name) || (one.id < other.id ? -1 : 1),
  )
}

function differences(before: readonly FleetServer[], after: readonly FleetServer[]): Happening[] {
  const known = new Map(before.map((server) => [server.id, server]))
  const happenings: Happening[] = []
  for (const { id, inc, name, state } of after) {
    const was = known.get(id)
    known.delete(id)
    if (!was) happenings.push({ what: 'registered', name })
    // However quick it was: nobody may have seen it down.
    else if (was.inc !== inc && state === 'up') happenings.push({ what: 'restarted', name })
    else if (was.state !== state) happenings.push({ what: wordFor(was.state, state), name })
  }
  for (const { name } of known.values()) happenings.push({ what: 'gone', name })
  return happenings
}

function wordFor(was: ServerRow['state'], is: ServerRow['state']) {
  if (is !== 'up') return is
  return was === 'draining' ? 'stays' : 'up_again'
}

function tell(state: FleetState, at: number, news: readonly Happening[]): FleetState {
  if (news.length === 0) return state
  let { happenings, nextKey } = state
  for (const one of news) {
    const [newest, ...others] = happenings
    if (newest && isMoreOf(newest, one, at)) happenings = [{ ...newest, rooms: newest.rooms + 1 }, ...others]
    else happenings = [{ ...one, at, key: nextKey++ }, ...happenings].slice(0, MAX_HAPPENINGS)
  }
  return { ...state, happenings, nextKey }
}

function isMoreOf(
  newest: DatedHappening,
  one: Happening,
  at: number,
): newest is Extract<DatedHappening, { rooms: number }> {
  return (
    'rooms' in newest &&
    newest.what === one.what &&
    newest.name === one.name &&
    newest.from === one.from &&
    at - newest.at <= TOGETHER_MS
  )
}
