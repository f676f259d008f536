import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ALL_HUES, hueOf, initialsOf } from './name-colour.ts'

describe('colours and initials of names', () => {
  test('a name has one hue, whatever its case or composition', () => {
    assert.equal(hueOf('Ana'), hueOf('ana'))
    assert.equal(hueOf('é'), hueOf('e\u0301'))
  })

  test('many names use every hue', () => {
    const used = new Set(Array.from({ length: 400 }, (_, index) => hueOf(`user${index}`)))
    assert.equal(used.size, ALL_HUES.length)
  })

  test('initials come from the first two words, or the first letter', () => {
    assert.equal(initialsOf('ana'), 'A')
    assert.equal(initialsOf('jim_p'), 'JP')
    assert.equal(initialsOf('Mud|afk'), 'MA')
    assert.equal(initialsOf('Grace Brewster Hopper'), 'GB')
    assert.equal(initialsOf('^^'), '^')
    assert.equal(initialsOf('𝒜lpha'), '𝒜')
  })

  test('in both themes initials and author names have a contrast of 4.5 and more at every hue', () => {
    const css = readFileSync(new URL('../index.css', import.meta.url), 'utf8')
    for (const [theme, hued] of [
      [':root', '.hued'],
      ['.dark', '.dark .hued'],
    ] as const) {
      const value = valuesOf(css, hued)
      const paper = valuesOf(css, theme)('--background', 0)
      for (const hue of ALL_HUES) {
        const avatar = contrast(value('--avatar-text', hue), value('--avatar', hue))
        const author = contrast(value('--author', hue), paper)
        assert.ok(avatar >= 4.5, `${theme} avatar at ${hue}: ${avatar.toFixed(2)}`)
        assert.ok(author >= 4.5, `${theme} author at ${hue}: ${author.toFixed(2)}`)
      }
    }
  })
})

type Oklch = [lightness: number, chroma: number, hue: number]

function valuesOf(css: string, selector: string): (variable: string, hue: number) => Oklch {
  const block = css.slice(css.indexOf(`\n${selector} {`))
  const body = block.slice(0, block.indexOf('\n}'))
  return (variable, hue) => {
    const found = new RegExp(`${variable}: oklch\\(([^;]+)\\);`).exec(body)
    assert.ok(found, `${selector} has no ${variable}`)
    const numbers = (found[1] ?? '').replace('var(--hue)', String(hue)).split(' ').map(Number)
    assert.ok(numbers.length === 3 && numbers.every(Number.isFinite), `${selector} ${variable}: ${found[1]}`)
    return numbers as Oklch
  }
}

/** WCAG 2 contrast; oklch to linear sRGB by Björn Ottosson's matrices, out-of-gamut values clipped as screens do. */
function contrast(one: Oklch, other: Oklch): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}
function luminance([lightness, chroma, hue]: Oklch): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const clip = (value: number) => Math.min(1, Math.max(0, value))
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
