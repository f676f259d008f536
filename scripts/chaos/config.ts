import { randomInt } from 'node:crypto'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'
import { ALL_KINDS, FAULT_KINDS, type FaultKind } from './plan.ts'

const USAGE = `npm run chaos -- [flags]
Breaks a fleet of real processes in every way it can think of, and checks that nothing acked is lost.`

export type ChaosConfig = ReturnType<typeof readChaosConfig>

/** @throws ConfigError, one line naming every fault; HelpAsked */
export function readChaosConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: USAGE })
  const minutes = read.string('minutes', { default: '2', says: 'how long faults come' })
  const faults = read.string('faults', {
    default: FAULT_KINDS.join(','),
    says: 'which kinds, parted by commas',
  })
  const seed = read.optionalString('seed', { says: 'decides which faults come (default: any)' })
  const config = {
    ms: Number(minutes) * 60_000,
    kinds: faults.split(',').map((kind) => kind.trim()) as FaultKind[],
    seed: seed === undefined ? randomInt(1, 1_000_000) : Number(seed),
    servers: read.int('servers', { default: 3, min: 1, max: 16, says: 'chat servers' }),
    clients: read.int('clients', { default: 30, min: 1, max: 500, says: 'clients that talk' }),
    rooms: read.int('rooms', { default: 4, min: 1, max: 64, says: 'rooms they talk in' }),
    /** Sends per second, all clients together. */
    rate: read.int('rate', {
      default: 80,
      min: 1,
      max: 2_000,
      says: 'sends per second, all clients together',
    }),
    /** Longest pause or cut. */
    longestMs: read.int('longest-ms', {
      default: 15_000,
      min: 100,
      max: 60_000,
      says: 'longest pause or cut',
    }),
    drainMs: read.int('drain-ms', { default: 4_000, min: 100, max: 60_000, says: 'longest drain' }),
    /** Percent. */
    overlapping: read.int('overlapping', {
      default: 25,
      max: 100,
      says: 'percent of the faults that come together with others; the rest is measured',
    }),
    atOnce: read.int('at-once', { default: 4, min: 1, max: 32, says: 'faults going on at once at most' }),
    /** 0: as many as fit. */
    count: read.int('count', { default: 0, says: 'so many faults at most; 0 = as many as fit' }),
    countEach: read.int('count-each', {
      default: 0,
      says: 'ends when there were so many of each kind; 0 = when the time is up',
    }),
    /** 0: faults. */
    storm: read.int('storm', {
      default: 0,
      max: 50_000,
      says: 'instead of faults, kills one server with so many clients and times their return; 0 = no',
    }),
    summary: read.optionalString('summary', { says: 'file to write the table to, in Markdown' }),
    isKept: read.onOff('keep', { default: false, says: 'keep journals and data even if all is well' }),
  }
  if (!(config.ms > 0 && config.ms <= 24 * 3_600_000)) {
    read.problem(`--minutes must be a number above 0, not ${JSON.stringify(minutes)}`)
  }
  for (const kind of config.kinds) {
    if (!ALL_KINDS.includes(kind))
      read.problem(`--faults knows no ${JSON.stringify(kind)}: there are ${ALL_KINDS.join(', ')}`)
  }
  if (!Number.isSafeInteger(config.seed))
    read.problem(`--seed must be a whole number, not ${JSON.stringify(seed)}`)
  return read.done(config)
}
