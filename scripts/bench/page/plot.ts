// The figures as a picture: SVG written by hand, readable on light and dark pages, without a library.
import type { Figures } from './figures.ts'

const WIDTH = 860
const PANEL = { width: 400, height: 260 }
const GAP = 36
const MARGIN = { left: 46, right: 84, top: 40, bottom: 34 }
const BAR = { height: 15, gap: 7, labels: 74 }

/** In the order they are drawn in; the colours tell apart on white and on black, and for the colour-blind (Okabe and Ito). */
const TARGETS = [
  { name: 'mosquitto', colour: '#d55e00' },
  { name: 'nats', colour: '#009e73' },
  { name: 'socket.io', colour: '#cc79a7' },
  { name: 'plain', colour: '#e69f00' },
  { name: 'flotilla', colour: '#0a84d0' },
] as const
const STYLE = `text{font:12px system-ui,sans-serif;fill:#57606a}.head{font-weight:600;font-size:13px;fill:#1f2328}
.grid{stroke:#8c959f;stroke-opacity:.3}
@media (prefers-color-scheme:dark){text{fill:#9198a1}.head{fill:#e6edf3}}`

/** Rows without a figure are left out, and so is a panel without any. */
export function plotSvg(figures: Figures): string {
  const panels = [
    linePanel(
      figures,
      'One room of 1,000: CPU per delivery (µs) by sends/s',
      'W1 1 x 1000',
      [25, 200, 800, 1_600],
    ),
    linePanel(
      figures,
      '500 rooms of 10: CPU per delivery (µs) by sends/s',
      'W2 500 x 10',
      [1_000, 4_000, 8_000, 16_000],
    ),
    barPanel(
      figures,
      'One room of 1,000: deliveries/s at p99 ≤ 100 ms',
      'W1 1 x 1000, saturation',
      'deliveriesPerS',
    ),
    barPanel(
      figures,
      '500 rooms of 10: deliveries/s at p99 ≤ 100 ms',
      'W2 500 x 10, saturation',
      'deliveriesPerS',
    ),
    barPanel(figures, 'Memory per idle connection (KiB)', 'W4 ', 'kibEach'),
    barPanel(figures, 'CPU per join (µs)', 'W4 ', 'cpuUsPerJoin'),
  ].filter((panel) => panel !== undefined)
  const drawn: string[] = []
  let [x, y, below] = [0, 0, 0]
  for (const { body, height } of panels) {
    drawn.push(`<g transform="translate(${x} ${y})">${body}</g>`)
    below = Math.max(below, height)
    if (x === 0) x = PANEL.width + GAP
    else [x, y, below] = [0, y + below + GAP / 2, 0]
  }
  const height = y + below
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>What a delivery costs, how many are made, and what a connection takes, by server</title>',
    `<style>${STYLE}</style>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

interface Panel {
  body: string
  height: number
}

interface Curve {
  name: string
  colour: string
  points: { x: number; y: number }[]
}

/** Both axes are logarithmic: what matters are ratios. */
function linePanel(
  figures: Figures,
  title: string,
  row: string,
  rates: readonly number[],
): Panel | undefined {
  const curves: Curve[] = TARGETS.map(({ name, colour }) => ({
    name,
    colour,
    points: rates.flatMap((rate) => {
      const us = figures.get(`${row}, ${rate}/s`, name, 'cpuUsPerDelivery')
      return us === undefined || !(us > 0) ? [] : [{ x: rate, y: us }]
    }),
  })).filter(({ points }) => points.length > 0)
  if (curves.length === 0) return undefined
  const ticks = ticksOf(curves.flatMap(({ points }) => points.map(({ y }) => y)))
  const [left, right] = [MARGIN.left, PANEL.width - MARGIN.right]
  const [top, bottom] = [MARGIN.top, PANEL.height - MARGIN.bottom]
  const toX = logScale([rates[0] ?? 1, rates.at(-1) ?? 1], [left, right])
  const toY = logScale([ticks[0] ?? 1, ticks.at(-1) ?? 1], [bottom, top])
  const ends = apart(
    curves.map(({ points }) => toY(points.at(-1)?.y ?? 1)),
    13,
  )
  const body = [
    heading(title),
    ...ticks.map((tick) => {
      const y = round(toY(tick))
      return `<path class="grid" d="M${left} ${y}H${right}"/>${label(left - 6, y + 4, tick.toLocaleString('en-US'), 'end')}`
    }),
    ...rates.map((rate) => label(toX(rate), bottom + 20, rate.toLocaleString('en-US'), 'middle')),
    ...curves.map(({ name, colour, points }, i) => {
      const isOurs = name === 'flotilla'
      const path = points.map(({ x, y }) => `${round(toX(x))} ${round(toY(y))}`).join('L')
      const dots = points.map(
        ({ x, y }) =>
          `<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="${isOurs ? 4 : 3}" fill="${colour}"/>`,
      )
      const end = toX(points.at(-1)?.x ?? 1)
      return [
        `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="${isOurs ? 3 : 1.5}"/>`,
        ...dots,
        `<circle cx="${round(end + 14)}" cy="${round(ends[i] ?? 0)}" r="3" fill="${colour}"/>`,
        label(end + 21, (ends[i] ?? 0) + 4, name, 'start'),
      ].join('')
    }),
  ]
  return { body: body.join('\n'), height: PANEL.height }
}

function barPanel(figures: Figures, title: string, row: string, key: string): Panel | undefined {
  const bars = TARGETS.toReversed().flatMap(({ name, colour }) => {
    const value = figures.get(row, name, key)
    return value === undefined || !Number.isFinite(value) ? [] : [{ name, colour, value }]
  })
  if (bars.length === 0) return undefined
  const most = Math.max(...bars.map(({ value }) => value))
  const room = PANEL.width - BAR.labels - MARGIN.right
  const body = bars.map(({ name, colour, value }, i) => {
    const y = MARGIN.top + i * (BAR.height + BAR.gap)
    const width = round(Math.max(1, (Math.max(0, value) / most) * room))
    return [
      label(BAR.labels - 8, y + 12, name, 'end'),
      `<rect x="${BAR.labels}" y="${y}" width="${width}" height="${BAR.height}" rx="2" fill="${colour}"/>`,
      label(BAR.labels + width + 6, y + 12, figureOf(value), 'start'),
    ].join('')
  })
  return {
    body: [heading(title), ...body].join('\n'),
    height: MARGIN.top + bars.length * (BAR.height + BAR.gap),
  }
}

function heading(title: string): string {
  return `<text class="head" x="0" y="18">${escape(title)}</text>`
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escape(text)}</text>`
}

function figureOf(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })
}

/** 1, 2 and 5 of each decade, from below the smallest to above the largest. Values are above 0. */
export function ticksOf(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(least)) - 1; ; power += 1) {
    for (const digit of [1, 2, 5]) {
      const tick = Number(`${digit}e${power}`)
      if (tick <= least) ticks.length = 0
      ticks.push(tick)
      if (tick >= most && ticks.length > 1) return ticks
    }
  }
}

/** From a domain to pixels. */
export function logScale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): (value: number) => number {
  const span = Math.log(to / from)
  return (value) => (span === 0 ? start : start + ((end - start) * Math.log(value / from)) / span)
}

/** Moves labels down as little as is needed for `gap` between each and the next; in the order they came in. */
export function apart(positions: readonly number[], gap: number): number[] {
  const order = positions.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at)
  const moved = [...positions]
  let least = -Infinity
  for (const { at, i } of order) {
    least = Math.max(at, least)
    moved[i] = least
    least += gap
  }
  return moved
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
