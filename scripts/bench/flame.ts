// A CPU profile as a flame graph: who called whom, as wide as the time it took. SVG that needs no script; the browser's
// tooltip says what is too narrow to be written.
import { frameName, type CpuProfile, type Window } from './profile.ts'

const WIDTH = 1_200
const ROW = 17
const TOP = 30
const LETTER = 6.7
/** Narrower than that nobody sees it. */
const LEAST_WIDTH = 0.5

/** By where the code is; the first that matches. The colours are light enough for dark letters, on any page. */
const KINDS: readonly (readonly [pattern: RegExp, colour: string])[] = [
  [/ server\/src\//, '#8fc7f0'],
  [/ protocol\/src\//, '#a9dcc3'],
  [/ (node:|lib\/)/, '#d5d9de'],
  [/^\(/, '#f3b6a6'],
  [/ \S+:\d+$/, '#f2d58a'],
  [/./, '#e6c3e0'],
]

export interface Flame {
  name: string
  /** With everything it called. */
  us: number
  calls: Flame[]
}

/** What was on the stack within `window`, from the top down, idle time left out; the same callee of the same caller is one. */
export function flameOf(profile: CpuProfile, window: Window, root: string): Flame {
  const selfUs = new Map<number, number>()
  let at = profile.startTime
  profile.samples.forEach((sample, i) => {
    at += profile.timeDeltas[i] ?? 0
    if (at < window.fromUs || at > window.toUs) return
    selfUs.set(sample, (selfUs.get(sample) ?? 0) + (profile.timeDeltas[i + 1] ?? 0))
  })
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const build = (ids: readonly number[], name: string): Flame => {
    const byName = new Map<string, number[]>()
    let us = 0
    for (const id of ids) {
      us += selfUs.get(id) ?? 0
      for (const child of nodes.get(id)?.children ?? []) {
        const callFrame = nodes.get(child)?.callFrame
        const called = callFrame === undefined ? '(unknown)' : frameName(callFrame, root)
        if (called === '(idle)') continue
        const same = byName.get(called)
        if (same === undefined) byName.set(called, [child])
        else same.push(child)
      }
    }
    const calls = [...byName]
      .map(([called, children]) => build(children, called))
      .filter((call) => call.us > 0)
      .sort((a, b) => b.us - a.us)
    return { name, us: calls.reduce((sum, call) => sum + call.us, us), calls }
  }
  const top = profile.nodes[0]
  return build(top === undefined ? [] : [top.id], 'busy')
}

export function flameSvg(flame: Flame, title: string): string {
  const frames: string[] = []
  let deepest = 0
  const draw = ({ name, us, calls }: Flame, x: number, depth: number): void => {
    const width = flame.us === 0 ? 0 : (us / flame.us) * WIDTH
    if (width < LEAST_WIDTH) return
    deepest = Math.max(deepest, depth)
    const y = TOP + depth * ROW
    const letters = Math.floor((width - 4) / LETTER)
    const shown = name.length <= letters ? name : letters > 3 ? `${name.slice(0, letters - 1)}…` : ''
    const says = `${name}: ${((us * 100) / flame.us).toFixed(1)} %, ${(us / 1_000).toFixed(0)} ms`
    frames.push(
      `<g><title>${escape(says)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" rx="2" fill="${colourOf(name)}"/>` +
        (shown === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escape(shown)}</text>`) +
        '</g>',
    )
    let left = x
    for (const call of calls) {
      draw(call, left, depth + 1)
      left += (call.us / flame.us) * WIDTH
    }
  }
  draw(flame, 0, 0)
  const height = TOP + (deepest + 1) * ROW
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    '<style>text{font:11px ui-monospace,monospace;fill:#1f2328}.head{font:600 13px system-ui,sans-serif;fill:#57606a}',
    '@media (prefers-color-scheme:dark){.head{fill:#e6edf3}}</style>',
    `<text class="head" x="0" y="18">${escape(title)}</text>`,
    ...frames,
    '</svg>',
    '',
  ].join('\n')
}

function colourOf(name: string): string {
  return KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? '#ffffff'
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
