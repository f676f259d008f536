import { comesBack, type CloseCode } from '../close-codes.ts'
import { LIMITS } from '../limits.ts'
import type { Welcome } from '../frames.ts'
import { reconnectDelay, slotDelay } from './backoff.ts'
import type { Connection, ConnectionEvent, Effect, TimerName } from './connection.ts'
import { elsewhere, merge, shuffled } from './known-servers.ts'

/**
 * How a client gets to a server and stays with one: decisions only. `step` takes what happened and says what to do;
 * the shell (`client.ts`) owns sockets and timers and reports back.
 *
 * Its words are in `connection.ts`. What comes late from a line that was given up carries an old number and changes nothing.
 */

/** A stable connection: only after this does the count of failures start anew. */
export const STABLE_MS = 30_000
/** After this the old line is left even if some room has not been joined on the new one. */
const SETTLE_MS = 10_000
const MOVE_AGAIN_MS = 1_000
/** A code with back `later` counts as this many failures: rand(0..8 s) at least. */
const LATER_FAILURES = 4
const PING_BEATS = 1.25
const DEAD_BEATS = 2.5
/** A send that nothing at all follows for this long makes the client ask, and give the line up: a server that stands still. */
const ASKED_PING_MS = 1_500
const ASKED_DEAD_MS = 4_000

/** The second line of a move (make before break). */
type Next =
  /** `slotAt`: where a slot was dealt: it goes there next, without asking. */
  | { phase: 'waiting'; slotAt?: string }
  | { phase: 'locating'; line: number }
  | { phase: 'opening'; line: number; url: string }
  | { phase: 'joining'; line: number; url: string; welcome: Welcome }

export interface Machine {
  readonly shown: Connection
  /** The line that `shown` speaks of; 0 = none. */
  readonly line: number
  /** The last number given to a line. */
  readonly lines: number
  /** Failures since the last stable connection. */
  readonly failures: number
  /** Servers to try when no balancer answers, in this client's own random order. */
  readonly known: readonly string[]
  /** Which of `known` is next. */
  readonly turn: number
  /** Where it failed last: a balancer may need seconds to see that this one is gone. */
  readonly avoid: string | undefined
  /** While waiting: the server that dealt a slot, and takes this client then. */
  readonly slotAt: string | undefined
  readonly heartbeatMs: number
  readonly next: Next | undefined
}

export type Step = readonly [Machine, readonly Effect[]]

export function newMachine(): Machine {
  return {
    shown: { status: 'waiting', attempt: 0, delayMs: 0 },
    line: 0,
    lines: 0,
    failures: 0,
    known: [],
    turn: 0,
    avoid: undefined,
    slotAt: undefined,
    heartbeatMs: LIMITS.heartbeatMs,
    next: undefined,
  }
}

/** One event in, the next state and what to do out, in order. Never throws; what does not apply changes nothing. */
export function step(m: Machine, event: ConnectionEvent, random: () => number): Step {
  if (m.shown.status === 'closed') return [m, []]
  switch (event.type) {
    case 'start':
      return m.lines === 0 ? locate(m, []) : [m, []]
    case 'retry':
      return m.shown.status === 'waiting' && m.lines > 0
        ? locate(m, [{ do: 'clear', timer: 'retry' }])
        : [m, []]
    case 'close':
      return close(m, 1000)
    case 'located': {
      const known = merge([...shuffled(event.alternatives, random), event.url], m.known)
      return found(
        { ...m, known, turn: 0 },
        event.line,
        elsewhere(event, (url) => isShunned(m, url), random),
      )
    }
    case 'unlocated':
      return unlocated(m, event, random)
    case 'welcomed':
      return welcomed(m, event.line, event.welcome, random)
    case 'lost':
      return lost(m, event.line, event.code, random)
    case 'put-off':
      return putOff(m, event, random)
    case 'silent':
      return silent(m, event, random)
    case 'asked':
      if (m.line !== event.line || m.shown.status !== 'live') return [m, []]
      return [m, [{ do: 'set', timer: 'watch', ms: ASKED_PING_MS }]]
    case 'moved':
      if (event.line !== m.line || m.next || m.shown.status !== 'live') return [m, []]
      return [
        { ...m, next: { phase: 'waiting' } },
        [{ do: 'set', timer: 'move', ms: random() * Math.max(0, event.inMs) }],
      ]
    case 'settled':
      return m.next?.phase === 'joining' && m.next.line === event.line ? leaveOld(m, m.next) : [m, []]
    case 'due':
      return due(m, event.timer, random)
  }
}

function due(m: Machine, timer: Exclude<TimerName, 'watch'>, random: () => number): Step {
  switch (timer) {
    case 'retry':
      if (m.shown.status !== 'waiting') return [m, []]
      return m.slotAt === undefined ? locate(m, []) : openAt(m, m.slotAt)
    case 'handshake':
      return m.shown.status === 'opening' ? lost(m, m.line, 1006, random) : [m, []]
    case 'stable':
      return [{ ...m, failures: 0 }, []]
    case 'move':
      switch (m.next?.phase) {
        case undefined:
          return [m, []]
        case 'waiting': {
          const line = m.lines + 1
          const begun: Machine = { ...m, lines: line, next: { phase: 'locating', line } }
          return m.next.slotAt === undefined
            ? [begun, [{ do: 'locate', line }]]
            : found(begun, line, m.next.slotAt)
        }
        case 'locating':
        case 'opening':
          return moveAgain(m, m.next.line, random)
        case 'joining':
          return leaveOld(m, m.next)
      }
  }
}

function locate(m: Machine, before: readonly Effect[]): Step {
  const line = m.lines + 1
  const place = m.shown.status === 'waiting' ? m.shown.place : undefined
  const shown: Connection = {
    status: 'locating',
    attempt: m.failures,
    ...(place === undefined ? {} : { place }),
  }
  return [{ ...m, line, lines: line, slotAt: undefined, shown }, [...before, { do: 'locate', line }]]
}

/** The same without asking where. */
function openAt(m: Machine, url: string): Step {
  const [located] = locate(m, [])
  return found(located, located.line, url)
}

/** A line knows where to go. */
function found(m: Machine, line: number, url: string): Step {
  if (m.next?.phase === 'locating' && m.next.line === line) {
    // Nothing gained by a second connection to the server that is leaving.
    if (m.shown.status === 'live' && m.shown.url === url) return moveAgain(m, line, () => 1)
    return [
      { ...m, next: { phase: 'opening', line, url } },
      [
        { do: 'open', line, url },
        { do: 'set', timer: 'move', ms: LIMITS.handshakeMs },
      ],
    ]
  }
  if (m.line !== line || m.shown.status !== 'locating') return [m, []]
  return [
    { ...m, shown: { status: 'opening', attempt: m.failures, url } },
    [
      { do: 'open', line, url },
      { do: 'set', timer: 'handshake', ms: LIMITS.handshakeMs },
    ],
  ]
}

function unlocated(
  m: Machine,
  event: { line: number; retryAfterMs?: number; place?: number },
  random: () => number,
): Step {
  const isNext = m.next?.phase === 'locating' && m.next.line === event.line
  if (!isNext && (m.line !== event.line || m.shown.status !== 'locating')) return [m, []]
  // A balancer that answers 503 knows better than our list; one that is silent does not.
  if (event.retryAfterMs === undefined) {
    for (let i = 0; i < m.known.length; i++) {
      const url = m.known[(m.turn + i) % m.known.length]!
      const isLast = i === m.known.length - 1
      if (isLast || !isShunned(m, url)) return found({ ...m, turn: m.turn + i + 1 }, event.line, url)
    }
  }
  if (isNext) return moveAgain(m, event.line, random)
  const [now, effects] = wait(m, random, event.retryAfterMs, event.place)
  return [now, [{ do: 'drop', line: event.line }, ...effects]]
}

function welcomed(m: Machine, line: number, welcome: Welcome, random: () => number): Step {
  if (m.next?.phase === 'opening' && m.next.line === line) {
    return [
      { ...m, next: { phase: 'joining', line, url: m.next.url, welcome } },
      [
        { do: 'join', line },
        { do: 'set', timer: 'move', ms: SETTLE_MS },
      ],
    ]
  }
  if (m.line !== line || m.shown.status !== 'opening') return [m, []]
  const { url } = m.shown
  const [now, effects] = live(m, line, url, welcome)
  // Behind them what the balancer named: a server that has just started may not have been told of the others yet.
  const known = merge([...shuffled(welcome.alternatives, random), url], m.known)
  return [{ ...now, known, turn: 0 }, [{ do: 'clear', timer: 'handshake' }, ...effects, { do: 'join', line }]]
}

/** The line becomes the one that counts. */
function live(m: Machine, line: number, url: string, welcome: Welcome): Step {
  const { server, session, user, alternatives } = welcome
  // A figure of the other side that our timers depend on.
  const heartbeatMs = Math.min(Math.max(welcome.heartbeatMs, 100), 10 * LIMITS.heartbeatMs)
  return [
    {
      ...m,
      line,
      heartbeatMs,
      avoid: undefined,
      next: undefined,
      shown: { status: 'live', url, server, session, user, alternatives },
    },
    [
      { do: 'set', timer: 'stable', ms: STABLE_MS },
      { do: 'set', timer: 'watch', ms: heartbeatMs * PING_BEATS },
    ],
  ]
}

/** [R15] The second half of make before break. */
function leaveOld(m: Machine, next: Extract<Next, { phase: 'joining' }>): Step {
  const old = m.line
  const [now, effects] = live(m, next.line, next.url, next.welcome)
  return [now, [{ do: 'clear', timer: 'move' }, ...effects, { do: 'drop', line: old }]]
}

/** The second line of a move came to nothing; the first one still stands. */
function moveAgain(m: Machine, line: number, random: () => number): Step {
  return [
    { ...m, next: { phase: 'waiting' } },
    [
      { do: 'drop', line },
      { do: 'set', timer: 'move', ms: random() * MOVE_AGAIN_MS },
    ],
  ]
}

/** [R16] It was not let in yet, but has a slot: that is no failure, and the server is not to be avoided. */
function putOff(m: Machine, event: { line: number; retryMs: number }, random: () => number): Step {
  const { line, retryMs } = event
  const delayMs = slotDelay(retryMs, random)
  if (m.next?.phase === 'opening' && m.next.line === line) {
    return [
      { ...m, next: { phase: 'waiting', slotAt: m.next.url } },
      [
        { do: 'drop', line },
        { do: 'set', timer: 'move', ms: delayMs },
      ],
    ]
  }
  if (m.line !== line || m.shown.status !== 'opening') return [m, []]
  const shown: Connection = { status: 'waiting', attempt: m.failures, delayMs }
  return [
    { ...m, line: 0, slotAt: m.shown.url, shown },
    [
      { do: 'drop', line },
      { do: 'clear', timer: 'handshake' },
      { do: 'set', timer: 'retry', ms: delayMs },
    ],
  ]
}

function lost(m: Machine, line: number, code: number, random: () => number): Step {
  const { next } = m
  if (next && next.phase !== 'waiting' && next.line === line) {
    const [now, effects] = moveAgain(m, line, random)
    return [{ ...now, avoid: 'url' in next ? next.url : m.avoid }, effects]
  }
  if (m.line !== line || line === 0) return [m, []]
  const back = comesBack(code)
  if (back === 'never') return close(m, code as CloseCode)
  const drop: Effect[] = [{ do: 'drop', line }]
  for (const timer of ['handshake', 'stable', 'watch'] as const) drop.push({ do: 'clear', timer })
  const avoid = 'url' in m.shown ? m.shown.url : m.avoid
  const failures = back === 'later' ? Math.max(m.failures, LATER_FAILURES) : m.failures
  const [now, effects] = goOn({ ...m, avoid, failures, next: undefined }, next, random)
  return [now, [...drop, ...effects]]
}

/** After a loss: the second line of a move takes over where it stands, else a wait. */
function goOn(m: Machine, next: Next | undefined, random: () => number): Step {
  const clear: Effect = { do: 'clear', timer: 'move' }
  switch (next?.phase) {
    case 'joining': {
      const [now, effects] = live(m, next.line, next.url, next.welcome)
      return [now, [clear, ...effects]]
    }
    case 'opening':
      return [
        { ...m, line: next.line, shown: { status: 'opening', attempt: m.failures, url: next.url } },
        [clear, { do: 'set', timer: 'handshake', ms: LIMITS.handshakeMs }],
      ]
    case 'locating':
      return [{ ...m, line: next.line, shown: { status: 'locating', attempt: m.failures } }, [clear]]
    default: {
      const [now, effects] = wait(m, random)
      return [now, [clear, ...effects]]
    }
  }
}

function wait(m: Machine, random: () => number, retryAfterMs?: number, place?: number): Step {
  const delayMs = reconnectDelay(m.failures, random, retryAfterMs)
  const failures = m.failures + 1
  const shown: Connection = {
    ...{ status: 'waiting', attempt: failures, delayMs },
    ...(place === undefined ? {} : { place }),
  }
  return [{ ...m, line: 0, failures, shown }, [{ do: 'set', timer: 'retry', ms: delayMs }]]
}

function close(m: Machine, code: CloseCode | 1000): Step {
  const effects: Effect[] = []
  if (m.line !== 0) effects.push({ do: 'drop', line: m.line })
  if (m.next && m.next.phase !== 'waiting') effects.push({ do: 'drop', line: m.next.line })
  for (const timer of ['retry', 'handshake', 'stable', 'watch', 'move'] as const) {
    effects.push({ do: 'clear', timer })
  }
  return [{ ...m, line: 0, next: undefined, shown: { status: 'closed', code } }, effects]
}

/** [R3] Heads come every `heartbeatMs`, so silence means something; after a send it means something much sooner. */
function silent(
  m: Machine,
  { line, silentMs, askedMs }: { line: number; silentMs: number; askedMs?: number },
  random: () => number,
): Step {
  if (m.line !== line || m.shown.status !== 'live') return [m, []]
  const [quietMs, pingAtMs, deadAtMs] =
    askedMs === undefined
      ? [silentMs, m.heartbeatMs * PING_BEATS, m.heartbeatMs * DEAD_BEATS]
      : [askedMs, ASKED_PING_MS, ASKED_DEAD_MS]
  if (quietMs >= deadAtMs) return lost(m, line, 1006, random)
  if (quietMs < pingAtMs) return [m, [{ do: 'set', timer: 'watch', ms: pingAtMs - quietMs }]]
  return [
    m,
    [
      { do: 'ping', line },
      { do: 'set', timer: 'watch', ms: deadAtMs - quietMs },
    ],
  ]
}

function isShunned(m: Machine, url: string): boolean {
  return url === m.avoid || (m.shown.status === 'live' && url === m.shown.url)
}
