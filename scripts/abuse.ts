// Attacks a fleet of its own: forged tokens, rogue servers, foreign origins, a million mutated frames, broken HTTP, slow lines,
// scripts in a browser, SQL, long texts against every pattern. Prints tries, what got through, what broke, and what the
// others felt of it. Exit code 1 if anything got through or broke.
//
//   npm run abuse                              all of it: some minutes
//   npm run abuse -- --only tokens,origins
//   npm run abuse -- --percent 1 --seed 7      a taste of the attacks without end, again as seed 7 has them
import process from 'node:process'
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { ATTACKS } from './abuse/attacks.ts'
import { readAbuseConfig } from './abuse/config.ts'
import { findGivingWay } from './abuse/giving-way.ts'
import { runAbuse, type AttackResult } from './abuse/run.ts'

/** Of each attack's bypasses so many are printed; the number says how many there are. */
const MOST_SHOWN = 10

const { only, scale, seed } = configOrExit(() => readAbuseConfig(process.argv.slice(2), process.env))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  })
}

function say(line: string): void {
  console.log(line)
}

function row(cells: readonly (string | number)[]): string {
  const widths = [12, 12, 9, 9, 16, 16, 7]
  return cells
    .map((cell, at) => (at === 0 ? String(cell).padEnd(12) : String(cell).padStart(widths[at] ?? 8)))
    .join('')
}

function show({ name, tries, bypasses, crashes, p99Before, p99Meanwhile }: AttackResult): void {
  const times = p99Meanwhile / p99Before
  const felt = [p99Before.toFixed(1), p99Meanwhile.toFixed(1), Number.isNaN(times) ? '-' : times.toFixed(2)]
  say(row([name, tries.toLocaleString('en'), bypasses.length, crashes.length, ...felt]))
  for (const line of [...bypasses.slice(0, MOST_SHOWN), ...crashes.slice(0, MOST_SHOWN)])
    say(`    ${line.slice(0, 400)}`)
}

say(`seed ${seed}`)
say(findGivingWay().says)
say(row(['attack', 'tries', 'bypasses', 'crashes', "others' p99 ms", 'meanwhile', 'times']))
const results = await runAbuse({
  attacks: ATTACKS.filter(({ name }) => only.includes(name)),
  scale,
  seed,
  signal: stop.signal,
  onResult: show,
})
const count = (of: (result: AttackResult) => number) => results.reduce((sum, result) => sum + of(result), 0)
const bypasses = count((result) => result.bypasses.length)
const crashes = count((result) => result.crashes.length)
say(`${count(({ tries }) => tries).toLocaleString('en')} tries, ${bypasses} bypasses, ${crashes} crashes`)
process.exitCode = bypasses + crashes > 0 ? 1 : 0
