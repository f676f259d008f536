import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'

const USAGE = `npm run bench -- [flags]
Measures Flotilla and, in the same run, other servers: a plain ws + better-sqlite3 one, Socket.IO, NATS, Mosquitto.
All of it takes about 20 minutes; with --targets flotilla,plain 10; the short form (--short) half a minute.`

/** What can be asked for by `--only`. */
export const PARTS = ['W1', 'W2', 'W3', 'W4', 'W5', 'processes', 'W6', 'W7', 'screen', 'load'] as const
export type Part = (typeof PARTS)[number]
/** Servers that can be asked for by `--targets`. */
const TARGETS = ['flotilla', 'plain', 'socket.io', 'nats', 'mosquitto']

/** @throws ConfigError, one line naming every fault; HelpAsked */
export function readBenchConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: USAGE })
  const only = read.optionalString('only', { says: `of ${PARTS.join(', ')}: with commas (default: all)` })
  const targets = read.optionalString('targets', {
    says: `servers to measure, of ${TARGETS.join(', ')}: with commas (default: all that are installed)`,
  })
  const from = read.optionalString('from', { says: 'files of --json to take the figures of --page from' })
  const rates = read.optionalString('rates', {
    says: 'sends per second in W1, W2 and W3, with commas, instead of theirs; without looking for the highest',
  })
  const config = {
    parts: only === undefined ? PARTS : PARTS.filter((part) => split(only).includes(part.toLowerCase())),
    /** Of each measured window. */
    seconds: read.int('seconds', { default: 5, min: 1, max: 600, says: 'measured time of each row' }),
    /** Undefined: all that are here. */
    targets: targets === undefined ? undefined : split(targets),
    /** Of W1, W2 and W3, instead of those they have; then their limits are not looked for. */
    rates: rates === undefined ? undefined : split(rates).map(Number),
    json: read.optionalString('json', { says: 'file to write all figures to' }),
    page: read.optionalString('page', {
      says: 'page to add the figures to, as tables and a plot; beside it they are kept as .json',
    }),
    /** Undefined: they are measured now. */
    from: from?.split(','),
    plainSync: read.oneOf('plain-sync', ['normal', 'full', 'off'], {
      default: 'normal',
      says: "the plain server's synchronous; normal is what is usual",
    }),
    idle: read.int('idle', {
      default: 25_000,
      min: 10,
      says: 'connections of W4; the file limit bounds them',
    }),
    isShort: read.onOff('short', {
      default: false,
      says: 'a guard against regressions: some ratios to the plain server, with bounds; exit code 1 beyond them',
    }),
    isProfiling: read.onOff('profile', {
      default: false,
      says: "Flotilla's rows only, with a CPU profile of each",
    }),
    flames: read.optionalString('flames', { says: 'with --profile: folder for flame graphs, SVG' }),
  }
  for (const part of split(only ?? '')) {
    if (!PARTS.some((known) => known.toLowerCase() === part)) {
      read.problem(`--only knows ${PARTS.join(', ')}, not ${JSON.stringify(part)}`)
    }
  }
  for (const target of split(targets ?? '')) {
    if (!TARGETS.includes(target)) {
      read.problem(`--targets knows ${TARGETS.join(', ')}, not ${JSON.stringify(target)}`)
    }
  }
  if (config.rates?.some((rate) => !(rate >= 1))) {
    read.problem(`--rates must be numbers above 0, not ${JSON.stringify(rates)}`)
  }
  return read.done(config)
}

export type BenchConfig = ReturnType<typeof readBenchConfig>

function split(list: string): string[] {
  return list
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '')
}
