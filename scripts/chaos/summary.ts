import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { describeBreaches, LEGEND, tableOf } from './report.ts'
import type { ChaosResult } from './run.ts'

/** What a run found, in the words in which it is printed and kept. */

const MAX_SHOWN = 20

/** One line: how much happened, and what of it was wrong. */
export function verdictOf(result: ChaosResult): string {
  const { records, seconds, acked, rendered, unexpectedEnds, breaches } = result
  return (
    `${records.length} faults in ${Math.round(seconds)} s, ${acked} messages acked, ${rendered} shown; ` +
    `${unexpectedEnds.length} processes ended by themselves; ${describeBreaches(breaches)}`
  )
}

/** Every breach that is worth a line, and every process that ended though nobody had it end. */
export function complaintsOf({ breaches, unexpectedEnds }: ChaosResult): string[] {
  return [
    ...breaches.slice(0, MAX_SHOWN).map((breach) => `BREACH ${breach}`),
    ...unexpectedEnds.slice(0, MAX_SHOWN),
  ]
}

/** As Markdown, with all it takes to run it again. `command` as it was typed. */
export function writeSummary(path: string, command: string, result: ChaosResult): void {
  const { seed, startedAt, seconds, figures } = result
  const lines = [
    '# A run of `npm run chaos`',
    '',
    `- command: \`${command}\``,
    `- seed: ${seed}`,
    `- begun: ${startedAt.toISOString()}, took ${(seconds / 60).toFixed(1)} minutes`,
    `- commit: ${commit()}`,
    `- machine: ${availableParallelism()} cores, ${process.platform}, Node ${process.versions.node}`,
    '',
    `**${verdictOf(result)}**`,
    '',
    ...tableOf(figures),
    '',
    ...LEGEND.map((line) => `- ${line}`),
    ...complaintsOf(result).map((line) => `- ${line}`),
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
}

function commit(): string {
  const git = (...args: string[]) =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).stdout?.trim() ?? ''
  const id = git('rev-parse', '--short=12', 'HEAD')
  if (id === '') return 'unknown'
  const isClean = git('status', '--porcelain', '--untracked-files=no') === ''
  return isClean ? id : `${id}, and changes that were not committed`
}
