// Breaks a fleet of real processes, again and again, while its clients write down all they do and see; lets it heal, reads
// everything, and checks ten invariants (scripts/chaos/invariants.ts).
//
//   npm run chaos -- --minutes 2                             every kind of fault
//   npm run chaos -- --faults kill,drain --seed 7            these, as seed 7 has them
//   npm run chaos -- --count-each 300 --minutes 90 --summary chaos.md
//   npm run chaos -- --storm 10000                           kills a server with so many clients (scripts/chaos/storm.ts)
//   npm run chaos -- --help                                  all flags
//
// Prints one table. Exit code 1 on any breach, and if a process ended by itself: then seed, journals and data are kept, and it
// says where. A storm fails with 1 also if its clients come back too late, or the load afterwards is less than before.
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { readChaosConfig } from './chaos/config.ts'
import { LEGEND, tableOf } from './chaos/report.ts'
import { hasFailed, runChaos } from './chaos/run.ts'
import { sayStorm } from './chaos/storm.ts'
import { complaintsOf, verdictOf, writeSummary } from './chaos/summary.ts'

const argv = process.argv.slice(2)
const config = configOrExit(() => readChaosConfig(argv, process.env))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever cannot wait for the judge asks twice; the processes of the fleet end with this one.
    if (stop.signal.aborted) process.exit(130)
    say('no more faults: heals, reads and judges what there was')
    stop.abort()
  })
}

function say(line: string): void {
  console.log(line)
}

if (config.storm > 0) {
  const { storm, servers, rate } = config
  process.exit(await sayStorm({ clients: storm, servers, rate }, { say, signal: stop.signal }))
}

say(`seed ${config.seed}: ${config.ms / 60_000} minutes of ${config.kinds.join(', ')}`)
try {
  const result = await runChaos(config, { say, signal: stop.signal })
  say('')
  for (const line of tableOf(result.figures)) say(line)
  say('')
  for (const line of LEGEND) say(`- ${line}`)
  say('')
  say(`seed ${result.seed}: ${verdictOf(result)}`)
  for (const line of complaintsOf(result)) say(line)
  if (config.summary !== undefined) {
    const isSeedGiven = argv.some((arg) => /^--seed(=|$)/.test(arg))
    const seed = isSeedGiven ? [] : ['--seed', String(config.seed)]
    writeSummary(config.summary, ['npm run chaos --', ...argv, ...seed].join(' '), result)
  }
  const isFailed = hasFailed(result)
  if (isFailed) say(`FAILED: seed ${result.seed}, journals and data in ${result.folder}`)
  process.exitCode = isFailed ? 1 : 0
} catch (error) {
  console.error(error instanceof Error ? error.stack : error)
  process.exitCode = 1
}
