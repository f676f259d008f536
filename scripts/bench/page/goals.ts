// What the project set out to reach, and what became of it.
import type { Row } from '../report.ts'
import type { Figures } from './figures.ts'

export interface Outcome {
  part: string
  goal: string
  /** Undefined: not measured. */
  measured: string | undefined
  isMet: boolean
}

const RATES_OF_W1 = [
  [25, 6],
  [200, 1.4],
  [800, 0.4],
  [1_600, 0.22],
] as const
const W2 = 'W2 500 x 10, 8000/s'
const W3 = 'W3 500 x 10, 1000/s'
const W7 = 'W7 '
const CPU = 'cpuUsPerDelivery'
const RELAYED = 'W5 1 x 1000 all on one edge'

/** Every goal, in the order of the parts. */
export function judge(figures: Figures): Outcome[] {
  const of = (label: string, key: string, target = 'flotilla') => figures.get(label, target, key)
  const times = (label: string, key: string, over: string, under: string) => {
    const [a, b] = [of(label, key, over), of(label, key, under)]
    return a === undefined || !b ? undefined : a / b
  }
  const bareCalls = of(W7, 'callsPerS', 'bare http')
  const calls = Math.min(10_000, bareCalls === undefined ? Infinity : bareCalls / 2)
  return [
    ...RATES_OF_W1.map(([rate, us]) =>
      atMost(
        'W1',
        `CPU per delivery at ${rate.toLocaleString('en-US')}/s`,
        of(`W1 1 x 1000, ${rate}/s`, CPU),
        us,
        'µs',
        2,
      ),
    ),
    atLeast(
      'W1',
      'cheaper than plain at 200/s',
      times('W1 1 x 1000, 200/s', CPU, 'plain', 'flotilla'),
      4,
      '×',
      2,
    ),
    atLeast(
      'W1',
      'cheaper than NATS at 800/s',
      times('W1 1 x 1000, 800/s', CPU, 'nats', 'flotilla'),
      2.5,
      '×',
      2,
    ),
    ...[800, 1_600].map((rate) =>
      atMost(
        'W1',
        `p99 at ${rate.toLocaleString('en-US')}/s`,
        of(`W1 1 x 1000, ${rate}/s`, 'deliveryP99Ms'),
        50,
        'ms',
        1,
      ),
    ),
    atLeast(
      'W1',
      'saturation',
      of('W1 1 x 1000, saturation', 'deliveriesPerS'),
      5_000_000,
      'deliveries/s',
      0,
    ),
    atMost('W2', 'CPU per delivery at 8,000/s', of(W2, CPU), 8, 'µs', 2),
    atMost('W2', 'that, of what plain takes', times(W2, CPU, 'flotilla', 'plain'), 0.6, '×', 2),
    atLeast('W2', 'saturation', of('W2 500 x 10, saturation', 'deliveriesPerS'), 150_000, 'deliveries/s', 0),
    atMost('W3', 'CPU per delivery', of(W3, CPU), 18, 'µs', 2),
    atMost('W3', 'p50', of(W3, 'deliveryP50Ms'), 0.3, 'ms', 2),
    atMost('W3', 'p99', of(W3, 'deliveryP99Ms'), 3, 'ms', 2),
    atMost('W3', 'ack p99', of(W3, 'ackP99Ms'), 5, 'ms', 2),
    atMost('W4', 'per idle connection', of('W4 ', 'kibEach'), 8, 'KiB', 1),
    atLeast('W4', 'joins', of('W4 ', 'joinsPerS'), 8_000, '/s', 0),
    ...[200, 800].map((rate) =>
      atMost(
        'W5',
        `relayed, of local, at ${rate}/s`,
        of(`${RELAYED}, ${rate}/s`, 'timesLocal'),
        1.15,
        '×',
        2,
      ),
    ),
    atMost('W6', 'all 5,000 caught up', of('W6 500', 'caughtUpS'), 3, 's', 2),
    atMost('W6', "others' p99, of before", of('W6 500', 'timesP99'), 2, '×', 2),
    atLeast('W7', '`GET /get`', of(W7, 'callsPerS'), calls, '/s', 0),
    atMost('W7', 'max/mean', of(W7, 'maxOverMean'), 1.05, '', 3),
    notWorse(figures.rows),
  ]
}

const IN_RATES = new Set(['deliveriesPerS', 'joinsPerS'])
const OF_ALL_ROWS = [CPU, 'deliveryP99Ms', 'kibEach', 'cpuUsPerJoin', 'joinsPerS'] as const
/** Less than that is what two runs of the same differ by. */
const NOISE = 1.05

/** No row worse than plain: in cost, in the p99 of deliveries, per connection and per join; at saturation in what is delivered. */
export function notWorse(rows: readonly Row[]): Outcome {
  const worse: string[] = []
  let compared = 0
  for (const { label, lines } of rows) {
    const flotilla = lines.find(({ target }) => target === 'flotilla')?.values
    const plain = lines.find(({ target }) => target === 'plain')?.values
    if (flotilla === undefined || plain === undefined) continue
    const keys = label.includes('saturation') ? ['deliveriesPerS'] : OF_ALL_ROWS
    for (const key of keys) {
      const [mine, theirs] = [flotilla[key], plain[key]]
      if (mine === undefined || theirs === undefined) continue
      compared += 1
      const times = IN_RATES.has(key) ? theirs / mine : mine / theirs
      if (times > NOISE) worse.push(`${label}: ${key} ${times.toFixed(2)} ×`)
    }
  }
  return {
    part: 'all',
    goal: 'no row worse than plain (by more than 5 %)',
    measured: compared === 0 ? undefined : worse.length === 0 ? 'none is' : worse.join('; '),
    isMet: compared > 0 && worse.length === 0,
  }
}

function atMost(
  part: string,
  what: string,
  measured: number | undefined,
  bound: number,
  unit: string,
  digits: number,
) {
  return outcome(part, what, '≤', measured, bound, unit, digits, (value) => value <= bound)
}

function atLeast(
  part: string,
  what: string,
  measured: number | undefined,
  bound: number,
  unit: string,
  digits: number,
) {
  return outcome(part, what, '≥', measured, bound, unit, digits, (value) => value >= bound)
}

function outcome(
  part: string,
  what: string,
  sign: string,
  measured: number | undefined,
  bound: number,
  unit: string,
  digits: number,
  isMet: (value: number) => boolean,
): Outcome {
  return {
    part,
    goal: `${what} ${sign} ${withUnit(bound.toLocaleString('en-US'), unit)}`,
    measured: measured === undefined ? undefined : withUnit(show(measured, digits), unit),
    isMet: measured !== undefined && isMet(measured),
  }
}

function show(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function withUnit(figure: string, unit: string): string {
  return unit === '' || unit === '/s' ? `${figure}${unit}` : `${figure} ${unit}`
}
