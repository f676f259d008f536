import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Line, Section } from '../report.ts'
import { datesOf, Figures, mergeRuns, readRun, type Run } from './figures.ts'
import { judge, notWorse } from './goals.ts'
import { describeFigures, withFigures, writePage } from './page.ts'
import { apart, logScale, plotSvg, ticksOf } from './plot.ts'

const line = (target: string, values: Line['values']): Line => ({ target, values, notes: [] })
const COLUMNS: Section['columns'] = [
  { key: 'cpuUsPerDelivery', head: 'CPU us/delivery', digits: 2, isCompared: true },
]

function runOf(date: string, label: string, lines: Line[], title = 'Chat'): Run {
  const head = { node: 'v1', cpu: '2 x some', pinning: 'pinned', disk: 'fsync: 1 ms', seconds: 5 }
  const targets = lines.map(({ target }) => `${target}: what it promises`)
  return { date, ...head, targets, sections: [{ title, columns: COLUMNS, rows: [{ label, lines }] }] }
}

const PAGE = join(import.meta.dirname, '../../../docs/performance')
const W1 = 'W1 1 x 1000, 200/s'
const MORNING = '2026-01-02T08:00:00.000Z'
const EVENING = '2026-01-02T20:00:00.000Z'

describe('runs add up', () => {
  test('by line: the later one wins, and each says when it was measured', () => {
    const merged = mergeRuns([
      runOf(MORNING, W1, [line('flotilla', { cpuUsPerDelivery: 2 }), line('nats', { cpuUsPerDelivery: 4 })]),
      runOf(EVENING, W1, [line('flotilla', { cpuUsPerDelivery: 1 }), line('plain', { cpuUsPerDelivery: 7 })]),
    ])
    const [section] = merged.sections
    assert.deepEqual(section?.rows, [
      {
        label: W1,
        lines: [
          { ...line('flotilla', { cpuUsPerDelivery: 1 }), at: EVENING },
          { ...line('plain', { cpuUsPerDelivery: 7 }), at: EVENING },
          { ...line('nats', { cpuUsPerDelivery: 4 }), at: MORNING },
        ],
      },
    ])
    assert.equal(merged.targets.length, 3)
    assert.deepEqual(datesOf(merged), { from: MORNING, to: EVENING })
    assert.deepEqual(mergeRuns([merged]), merged)
  })

  test('and sections and rows that only one of them has stay', () => {
    const merged = mergeRuns([
      runOf(MORNING, W1, [line('flotilla', { cpuUsPerDelivery: 2 })]),
      runOf(EVENING, 'W4 10 x 10, idle', [line('flotilla', { kibEach: 5 })], 'Idle'),
    ])
    const figures = new Figures(merged)
    assert.equal(figures.get(W1, 'flotilla', 'cpuUsPerDelivery'), 2)
    assert.equal(figures.get('W4 ', 'flotilla', 'kibEach'), 5)
    assert.equal(figures.get('W4 ', 'plain', 'kibEach'), undefined)
  })
})

describe('a goal', () => {
  const outcomeOf = (lines: Line[], goal: RegExp) =>
    judge(new Figures(runOf(MORNING, W1, lines))).find((outcome) => goal.test(outcome.goal))

  test('is met up to its bound, and missed beyond', () => {
    const at = (us: number) =>
      outcomeOf([line('flotilla', { cpuUsPerDelivery: us })], /CPU per delivery at 200/)
    assert.deepEqual(at(1.4), {
      part: 'W1',
      goal: 'CPU per delivery at 200/s ≤ 1.4 µs',
      measured: '1.40 µs',
      isMet: true,
    })
    assert.equal(at(1.41)?.isMet, false)
  })

  test('that was not measured is not met, and has no figure', () => {
    const outcome = outcomeOf([line('flotilla', { cpuUsPerDelivery: 1 })], /cheaper than plain/)
    assert.equal(outcome?.measured, undefined)
    assert.equal(outcome?.isMet, false)
  })

  test('of no row worse than plain names the rows that are', () => {
    const rows = (us: number, joinsPerS: number) => [
      {
        label: W1,
        lines: [line('flotilla', { cpuUsPerDelivery: us }), line('plain', { cpuUsPerDelivery: 7 })],
      },
      { label: 'W4 1 x 1', lines: [line('flotilla', { joinsPerS }), line('plain', { joinsPerS: 6_000 })] },
    ]
    assert.equal(notWorse(rows(7.1, 6_000)).measured, 'none is')
    assert.equal(
      notWorse(rows(14, 3_000)).measured,
      `${W1}: cpuUsPerDelivery 2.00 ×; W4 1 x 1: joinsPerS 2.00 ×`,
    )
    assert.equal(notWorse([]).measured, undefined)
  })
})

describe('the page', () => {
  test('keeps what stands around the figures, and gets them anew each time', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'flotilla-page-'))
    t.after(() => rm(dir, { recursive: true }))
    const page = join(dir, 'page.md')
    const [begin, end] = ['<!-- figures: written by npm run bench -- --page -->', '<!-- end of figures -->']
    await writeFile(page, `before\n${begin}\n${end}\nafter\n`)
    await writePage(page, [runOf(MORNING, W1, [line('flotilla', { cpuUsPerDelivery: 9.87 })])])
    await writePage(page, [runOf(EVENING, W1, [line('flotilla', { cpuUsPerDelivery: 1.23 })])])
    const text = await readFile(page, 'utf8')
    assert.ok(text.startsWith(`before\n${begin}\n`) && text.endsWith(`${end}\nafter\n`), text)
    assert.match(text, /1\.23/)
    assert.doesNotMatch(text, /9\.87/)
    assert.match(text, /\| W1 \| CPU per delivery at 200\/s ≤ 1\.4 µs \| 1\.23 µs \| met \|/)
    assert.match(text, /!\[.*\]\(page\.svg\)/)
    const again = JSON.parse(await readFile(join(dir, 'page.json'), 'utf8')) as Run
    assert.equal(new Figures(again).get(W1, 'flotilla', 'cpuUsPerDelivery'), 1.23)
    assert.match(await readFile(join(dir, 'page.svg'), 'utf8'), /^<svg[^]*<\/svg>\n$/)
  })

  const skip = !existsSync(`${PAGE}.json`) && 'no figures were kept yet'
  test('of this project says what its JSON says: nobody wrote a figure by hand', { skip }, async () => {
    const [text, svg] = await Promise.all([readFile(`${PAGE}.md`, 'utf8'), readFile(`${PAGE}.svg`, 'utf8')])
    const run = await readRun(`${PAGE}.json`)
    const again = '`npm run bench -- --page docs/performance.md --from docs/performance.json` writes it anew'
    assert.equal(withFigures(text, describeFigures(run, 'performance.svg')), text, again)
    assert.equal(plotSvg(new Figures(run)), svg, again)
  })

  test('without a place for figures is an error', () => {
    assert.throws(() => withFigures('nothing here', 'figures'), /the page needs a line/)
  })
})

describe('the plot', () => {
  test('has a curve for each server that has figures, and nothing for the others', () => {
    const svg = plotSvg(
      new Figures(
        runOf(MORNING, W1, [
          line('flotilla', { cpuUsPerDelivery: 1 }),
          line('nats', { cpuUsPerDelivery: 4 }),
        ]),
      ),
    )
    assert.match(svg, />flotilla<[^]*/)
    assert.match(svg, />nats</)
    assert.doesNotMatch(svg, />plain<|NaN|undefined/)
    assert.doesNotMatch(svg, /KiB/)
  })

  test('has ticks from below the least to above the most', () => {
    assert.deepEqual(ticksOf([0.3, 7]), [0.2, 0.5, 1, 2, 5, 10])
    assert.deepEqual(ticksOf([1]), [1, 2])
    assert.deepEqual(ticksOf([2, 10]), [2, 5, 10])
  })

  test('is logarithmic', () => {
    const scale = logScale([1, 100], [0, 200])
    assert.deepEqual([1, 10, 100].map(scale), [0, 100, 200])
  })

  test('moves labels apart, no further than needed', () => {
    assert.deepEqual(apart([10, 50, 12], 13), [10, 50, 23])
  })
})
