// Breaks a fleet of real processes, again and again, while its clients write down all they do and see; lets it heal, reads
// everything, and checks ten invariants (scripts/chaos/invariants.ts).
//
//   npm run chaos -- --minutes 2                             every kind of fault
//   npm run chaos -- --faults kill,drain --seed 7            these, as seed 7 has them
//   npm run chaos -- --help                                  all flags
//
// Prints one table. Exit code 1 on any breach: then seed, journals and data are kept, and it says where.
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { readChaosConfig } from './chaos/config.ts'
import { describeBreaches, tableOf } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'

const MAX_SHOWN = 20

const config = configOrExit(() => readChaosConfig(process.argv.slice(2), process.env))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const say = (line: string) => console.log(line)
say(`seed ${config.seed}: ${config.ms / 60_000} minutes of ${config.kinds.join(', ')}`)
try {
  const result = await runChaos(config, { say, signal: stop.signal })
  const { breaches, figures, acked, rendered, records, unexpectedEnds, seconds, seed, folder } = result
  say('')
  for (const line of tableOf(figures)) say(line)
  say('')
  say(
    `seed ${seed}: ${records.length} faults in ${Math.round(seconds)} s, ${acked} messages acked, ${rendered} shown; ` +
      `${unexpectedEnds.length} processes ended by themselves`,
  )
  say(describeBreaches(breaches))
  for (const breach of breaches.slice(0, MAX_SHOWN)) say(`BREACH ${breach}`)
  if (breaches.length > 0) say(`FAILED: seed ${seed}, journals in ${folder}`)
  process.exitCode = breaches.length > 0 ? 1 : 0
} catch (error) {
  console.error(error instanceof Error ? error.stack : error)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
