import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Score, type Attack } from './attack.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const SOURCES = [
  'protocol/src/**/*.ts',
  'server/src/**/*.ts',
  'loadbalancer/src/**/*.ts',
  'chat-app/src/**/*.{ts,tsx}',
]
const LENGTH = 64 * 1024
/** What is linear takes four times as long for four times the text; what is quadratic sixteen times. */
const MOST_GROWTH = 9
/** Below it a clock measures itself. */
const NOTABLE_MS = 4

/** Short texts come first: nothing of theirs takes a moment. */
const FIRST = [20, 24, 200, 2_000]
const TOO_LONG_MS = 50

/** A regular expression as it stands in a source: after what can stand before one, and not in a comment. */
const LITERAL =
  /(?<=[=>(,:?!&|[{;]\s*|return\s+|^\s*)\/((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/gm

/** Every regular expression of the programs against long texts made to send it astray: time grows as the text does. */
export const patternAttack: Attack = {
  name: 'patterns',
  says: 'every regular expression in the sources against hostile texts of 64 KiB: linear time',
  run() {
    const score = new Score()
    for (const { where, pattern } of patterns()) {
      for (const [what, make] of hostile(pattern)) {
        // What is exponential would never come back from more.
        const soon = FIRST.find((length) => timeOf(pattern, make(length)) > TOO_LONG_MS)
        if (soon !== undefined) {
          score.judge(
            false,
            `${where} ${String(pattern)} against ${what}`,
            `over 50 ms for ${soon} characters`,
          )
          break
        }
        const short = timeOf(pattern, make(LENGTH / 4))
        let long = timeOf(pattern, make(LENGTH))
        // Once more before anything is said: the machine may have been busy with something else.
        for (let again = 0; again < 3 && isTooMuch(short, long); again += 1)
          long = Math.min(long, timeOf(pattern, make(LENGTH)))
        score.judge(
          !isTooMuch(short, long),
          `${where} ${String(pattern)} against ${what}`,
          `${short.toFixed(1)} ms, four times as long ${long.toFixed(1)} ms`,
        )
      }
    }
    return Promise.resolve(score)
  },
}

export function patterns(): { where: string; pattern: RegExp }[] {
  return SOURCES.flatMap((glob) => globSync(glob, { cwd: ROOT }))
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) =>
      readFileSync(join(ROOT, path), 'utf8')
        .split('\n')
        .flatMap((line) => (/^\s*(?:\/\/|\*)/.test(line) ? [] : [...line.matchAll(LITERAL)]))
        .flatMap(([, source = '', flags]) => {
          try {
            return [{ where: path, pattern: new RegExp(source, flags) }]
          } catch {
            return [] // a division, or a path in a text
          }
        }),
    )
}

function isTooMuch(short: number, long: number): boolean {
  return long > NOTABLE_MS && long > Math.max(short, NOTABLE_MS / 8) * MOST_GROWTH
}

function timeOf(pattern: RegExp, text: string): number {
  let best = Infinity
  for (let run = 0; run < 3; run += 1) {
    pattern.lastIndex = 0
    const from = performance.now()
    // As `matchAll` and `replaceAll` do: on, from where the last match ended.
    if (pattern.global) for (const _ of text.matchAll(pattern));
    else pattern.exec(text)
    best = Math.min(best, performance.now() - from)
    if (best > 1_000) break
  }
  return best
}

/** Texts out of the pattern's own characters, which it can begin to match at many places and has to give up at the end. */
function hostile({ source }: RegExp): [string, (length: number) => string][] {
  const plain = [...new Set(source.replaceAll(/\\[a-zA-Z](?:\{[^}]*\})?|[\\^$.*+?()[\]{}|]/g, ''))].slice(
    0,
    6,
  )
  const letters = [...new Set([...plain, 'a', ' ', '\t', '0', '.', '-', ':', '/', '\u00e9', '\u{1f600}'])]
  const made = letters.map((letter): [string, (length: number) => string] => [
    `${JSON.stringify(letter)} again and again`,
    (length) => `${letter.repeat(length / letter.length)}\u0000!`,
  ])
  const words = [
    source.replaceAll(/[\\^$*+?()[\]{}|]/g, ''),
    'http://',
    'a.',
    'a:',
    '@a',
    '/ ',
    ' a',
    '``',
    '**',
  ]
  return [
    ...made,
    ...words
      .filter((word) => word !== '')
      .map((word): [string, (length: number) => string] => [
        `${JSON.stringify(word.slice(0, 20))} again and again`,
        (length) => `${word.repeat(Math.ceil(length / word.length)).slice(0, length)}\u0000!`,
      ]),
  ]
}
