// The figures of docs/performance.md: everything between its two marks is written by the benchmark, the rest by people.
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describeSection, type Section } from '../report.ts'
import { datesOf, Figures, mergeRuns, readRun, type Run } from './figures.ts'
import { judge, type Outcome } from './goals.ts'
import { plotSvg } from './plot.ts'

const BEGIN = '<!-- figures: written by npm run bench -- --page -->'
const END = '<!-- end of figures -->'

/** Adds the runs to the figures beside the page (`.json`), and draws and writes all of them anew: into the page, and as `.svg`. */
export async function writePage(page: string, runs: readonly Run[]): Promise<void> {
  const [json, svg] = ['.json', '.svg'].map((end) => page.replace(/\.md$/, end)) as [string, string]
  const before = existsSync(json) ? [await readRun(json)] : []
  const run = mergeRuns([...before, ...runs])
  const text = await readFile(page, 'utf8')
  await writeFile(page, withFigures(text, describeFigures(run, basename(svg))))
  await writeFile(svg, plotSvg(new Figures(run)))
  await writeFile(json, `${JSON.stringify(run, null, 1)}\n`)
}

/** @throws if the page has no place for figures */
export function withFigures(page: string, figures: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page needs a line ${BEGIN} and below it a line ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`
}

export function describeFigures(run: Run, svg: string): string {
  const { from, to } = datesOf(run)
  return [
    `Measured from ${minute(from)} to ${minute(to)} UTC on ${run.cpu}, Node ${run.node}; ${run.pinning}; ${run.disk}.`,
    run.targets.map((says) => `- ${says}`).join('\n'),
    `![CPU per delivery by rate, deliveries at saturation, and memory per idle connection, for each server](${svg})`,
    '### Goals',
    describeGoals(judge(new Figures(run))),
    ...run.sections.flatMap((section) => [`### ${section.title}`, describeTable(section)]),
  ].join('\n\n')
}

export function describeGoals(outcomes: readonly Outcome[]): string {
  return [
    '| | goal | measured | |',
    '|---|---|---|---|',
    ...outcomes.map(
      ({ part, goal, measured, isMet }) =>
        `| ${part} | ${goal} | ${measured ?? ''} | ${measured === undefined ? 'not measured' : isMet ? 'met' : '**missed**'} |`,
    ),
  ].join('\n')
}

function describeTable(section: Section): string {
  const [, ...lines] = describeSection(section)
  const command = `npm run bench -- --only ${partOf(section)}`
  return [`\`${command}\``, '', '```text', ...lines.map((line) => line.slice(2)), '```'].join('\n')
}

/** The parts a section's rows come from, as `--only` names them. */
function partOf({ title, rows }: Section): string {
  if (title.startsWith('Many processes')) return 'processes'
  if (title.startsWith('The load generator')) return 'load'
  const parts = new Set(rows.map(({ label }) => /^W\d/.exec(label)?.[0] ?? 'screen'))
  return [...parts].join(',')
}

function minute(date: string): string {
  return date.slice(0, 16).replace('T', ' ')
}
