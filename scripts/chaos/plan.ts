import { Chance } from './chance.ts'

/**
 * Which faults come, in which order and how hard: decided by the seed alone. Whom exactly they hit depends on where the rooms
 * are at that moment, so a fault only says how it aims.
 */

export const FAULT_KINDS = ['kill', 'pause', 'cut', 'drain', 'balancer', 'all', 'disk'] as const
/** Comes only if asked for: it is no fault but what an operator does, and takes as long as all others together. */
export const ALL_KINDS = [...FAULT_KINDS, 'roll'] as const
export type FaultKind = (typeof ALL_KINDS)[number]

/** Below 1: a server, or the home of a room; see `choose`. */
export interface Aim {
  /** Mostly at a server that is the home of some room: elsewhere there is less to break. */
  isHome: boolean
  at: number
}

/** Who does not reach whom. `one`: all between that server and the other side named. */
export type CutLink = 'clients' | 'peers' | 'one-peer' | 'balancer' | 'fleet' | 'all' | 'clients-balancer'

/**
 * `hold`: nothing gets through, as on a line that is broken somewhere in the middle; `up` = only what is sent to the server,
 * `down` = only what comes from it. `delay`: all comes late. `refuse`: what stood is reset, and nobody listens. `reset`: what
 * stood is reset, once.
 */
export type CutHow =
  | { mode: 'hold'; ways: 'both' | 'up' | 'down'; isResetAfter: boolean }
  | { mode: 'delay'; delayMs: number; jitterMs: number }
  | { mode: 'refuse' }
  | { mode: 'reset' }

export type Fault =
  | { kind: 'kill'; aim: Aim; downMs: number }
  | { kind: 'pause'; aim: Aim; ms: number }
  | { kind: 'cut'; aim: Aim; other: number; link: CutLink; how: CutHow; ms: number }
  | { kind: 'drain'; aim: Aim; downMs: number }
  | { kind: 'balancer'; how: 'kill' | 'pause'; ms: number }
  /** Each process comes back after a delay of its own, picked from these in its turn. */
  | { kind: 'all'; downMs: readonly number[] }
  | { kind: 'disk'; aim: Aim; how: DiskHow; ms: number }
  /** Every process is told to end and started again, one after the other. */
  | { kind: 'roll' }

/**
 * `full`: not a byte is left, for a while. `io`: writing fails (see write-limit.ts), so that the process has to end by itself:
 * `slackBytes` = so much of the next write still gets through, which tears it.
 */
export type DiskHow = { mode: 'full' } | { mode: 'io'; slackBytes: number }

export interface PlannedFault {
  fault: Fault
  /** It is the only one: it begins when all is well, and nothing else begins before all is well again. */
  isAlone: boolean
  /** It comes while the one before is still going on. */
  isOverlapping: boolean
  /** After all is well; or, if overlapping, after the one before began. */
  afterMs: number
}

export interface PlanOptions {
  seed: number
  kinds: readonly FaultKind[]
  /** The longest pause or cut. */
  longestMs: number
  /** The part of the faults that come together with others. */
  overlapping: number
}

/** Faults that come in the midst of each other, before all is well again. */
const LEAST_TOGETHER = 3
const MOST_TOGETHER = 9

/** Endless. Every kind comes equally often: they are dealt in rounds. */
export function* planFaults({ seed, kinds, longestMs, overlapping }: PlanOptions): Generator<PlannedFault> {
  const chance = new Chance(seed)
  // So that the part of all faults is as asked for, and not the part of the times that something begins.
  const mean = (LEAST_TOGETHER + MOST_TOGETHER) / 2
  const together = overlapping / (mean * (1 - overlapping) + overlapping)
  let more = 0
  for (let round = 0; ; round += 1) {
    for (const kind of chance.shuffled(kinds)) {
      if (kind === 'roll') more = 0 // which waits for all to be well after each process
      const isOverlapping = more > 0
      if (isOverlapping) more -= 1
      else if (kind !== 'roll' && chance.chance(together))
        more = chance.between(LEAST_TOGETHER, MOST_TOGETHER) - 1
      yield {
        fault: faultOf(kind, chance, longestMs, round),
        isAlone: !isOverlapping && more === 0,
        isOverlapping,
        afterMs: isOverlapping ? chance.between(50, 1_500) : chance.between(100, 600),
      }
    }
  }
}

function faultOf(kind: FaultKind, chance: Chance, longestMs: number, round: number): Fault {
  const aim = { isHome: chance.chance(0.85), at: chance.random() }
  /** As often short as long: 100 ms to 1 s is as likely as 1 s to 10 s. */
  const time = (least: number, most: number) =>
    Math.round(least * (Math.max(least, Math.min(most, longestMs)) / least) ** chance.random())
  switch (kind) {
    case 'kill':
      return { kind, aim, downMs: time(20, 6_000) }
    case 'pause':
      return { kind, aim, ms: time(100, 15_000) }
    case 'drain':
      return { kind, aim, downMs: time(20, 3_000) }
    case 'balancer':
      return { kind, how: chance.pick(['kill', 'kill', 'pause']), ms: time(50, 10_000) }
    case 'all':
      return { kind, downMs: Array.from({ length: 8 }, () => chance.between(50, 500)) }
    case 'disk':
      return {
        kind,
        aim,
        // As often at the first byte as somewhere within what a commit writes.
        how:
          round % 2 === 0
            ? { mode: 'full' }
            : { mode: 'io', slackBytes: chance.pick([0, chance.between(1, 40_000)]) },
        ms: time(500, 5_000),
      }
    case 'roll':
      return { kind }
    case 'cut': {
      const link = chance.pick<CutLink>([
        ...(['clients', 'peers', 'one-peer', 'one-peer', 'balancer', 'fleet', 'all'] as const),
        'clients-balancer',
      ])
      return { kind, aim, other: chance.random(), link, how: cutOf(chance), ms: time(100, 12_000) }
    }
  }
}

function cutOf(chance: Chance): CutHow {
  switch (chance.pick(['hold', 'hold', 'hold', 'delay', 'refuse', 'reset'])) {
    case 'delay':
      return { mode: 'delay', delayMs: chance.between(20, 800), jitterMs: chance.between(0, 400) }
    case 'refuse':
      return { mode: 'refuse' }
    case 'reset':
      return { mode: 'reset' }
    default:
      return {
        mode: 'hold',
        ways: chance.pick(['both', 'both', 'up', 'down']),
        isResetAfter: chance.chance(0.5),
      }
  }
}

/** Whom a fault hits. `homes`: ids of the servers that are homes, one for each room; `all`: of all servers, at least one. */
export function choose(aim: Aim, homes: readonly string[], all: readonly string[]): string {
  const among = aim.isHome && homes.length > 0 ? homes : all
  return among[Math.floor(aim.at * among.length)] as string
}

/** In a few words, for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'drain':
      return `back after ${fault.downMs} ms`
    case 'pause':
      return `${fault.ms} ms`
    case 'disk':
      return fault.how.mode === 'full'
        ? `full ${fault.ms} ms`
        : `I/O error after ${fault.how.slackBytes} bytes`
    case 'roll':
      return 'every process in turn'
    case 'balancer':
      return `${fault.how} ${fault.ms} ms`
    case 'all':
      return 'everything killed'
    case 'cut': {
      const { how, link, ms } = fault
      const detail =
        how.mode === 'hold'
          ? `${how.ways}${how.isResetAfter ? ' then reset' : ''}`
          : how.mode === 'delay'
            ? `${how.delayMs}+${how.jitterMs} ms`
            : ''
      return `${link}: ${how.mode} ${detail} ${ms} ms`
    }
  }
}
