// Runs the core of the fleet in worlds of one seed each, with every fault at hand, and checks the invariants after each.
//
//   npm run simulate -- --seeds 1000 [--from 1]     that many worlds; exits non-zero if one breaks an invariant
//   npm run simulate -- --seeds 1000 --acts on      in which people are let in and sent out, muted and banned
//   npm run simulate -- --seed 4711                 one world, with all that happened in it
import process from 'node:process'
import { configOrExit, Settings } from '@flotilla/protocol/node/settings.ts'
import { runWorld } from './fleet-world.ts'

const options = configOrExit(() => {
  const read = new Settings(process.argv.slice(2), {}, { usage: 'npm run simulate -- [flags]' })
  const seeds = read.int('seeds', { default: 1_000, min: 1, says: 'how many worlds' })
  const from = read.int('from', { default: 1, says: 'seed of the first one' })
  const isOne = read.has('seed')
  const seed = read.int('seed', { default: 0, says: 'one world, traced' })
  const acts = read.onOff('acts', {
    default: false,
    says: 'rooms are private, people are sent out and muted',
  })
  const untilBroken = read.onOff('until-broken', { default: false, says: 'stop at the first broken world' })
  return read.done({
    untilBroken,
    acts,
    seeds: isOne ? 1 : seeds,
    from: isOne ? seed : from,
    isTraced: isOne,
  })
})

const faults: Record<string, number> = {}
const broken: number[] = []
let acked = 0
let takeOvers = 0
const startedAt = performance.now()
for (let seed = options.from; seed < options.from + options.seeds; seed += 1) {
  const result = await runWorld({ seed, isTraced: options.isTraced, acts: options.acts })
  acked += result.acked
  takeOvers += result.takeOvers
  for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count
  for (const line of result.trace) console.log(line)
  if (result.breaches.length > 0) {
    broken.push(seed)
    console.log(`seed ${seed}:`)
    for (const breach of result.breaches) console.log(`  ${breach}`)
    if (options.untilBroken) break
  }
  if ((seed - options.from + 1) % 1_000 === 0)
    console.log(`${seed - options.from + 1} worlds, ${broken.length} broken`)
}
const seconds = (performance.now() - startedAt) / 1_000
console.log(
  `${options.seeds} worlds in ${seconds.toFixed(1)} s, ${acked} messages acked, ${takeOvers} take-overs`,
)
console.log(
  `faults: ${Object.entries(faults)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')}`,
)
console.log(
  broken.length === 0 ? 'every invariant held' : `${broken.length} broken: ${broken.slice(0, 20).join(' ')}`,
)
process.exitCode = broken.length === 0 ? 0 : 1
