import { randomInt } from 'node:crypto'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'
import { ATTACKS } from './attacks.ts'

const USAGE = `npm run abuse -- [flags]
Attacks a fleet of its own in every way it knows: prints how many tries there were, and how many got through.`

export type AbuseConfig = ReturnType<typeof readAbuseConfig>

/** @throws ConfigError, one line naming every fault; HelpAsked */
export function readAbuseConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: USAGE })
  const names = ATTACKS.map(({ name }) => name)
  const only = read.string('only', { default: names.join(','), says: 'which attacks, parted by commas' })
  const percent = read.int('percent', {
    default: 100,
    min: 1,
    max: 100,
    says: 'how much of the attacks without end',
  })
  const seed = read.int('seed', {
    default: randomInt(1, 1_000_000),
    min: 1,
    says: 'decides what is mutated how',
  })
  const config = { only: only.split(',').map((name) => name.trim()), scale: percent / 100, seed }
  for (const name of config.only) {
    if (!names.includes(name))
      read.problem(`--only knows no ${JSON.stringify(name)}: there are ${names.join(', ')}`)
  }
  return read.done(config)
}
