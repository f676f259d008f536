import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CLOSE_CODES, comesBack } from './close-codes.ts'
import { ERRORS, refuse } from './errors.ts'
import { ENTRY_TYPES } from './frames.ts'
import { LIMITS } from './limits.ts'

const folder = import.meta.dirname
const spec = readFileSync(join(folder, '../SPEC.md'), 'utf8')
const rules = [...spec.matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(([, rule]) => rule!)

/** The rows of the table whose first column is headed `code` and whose second is headed `second`. */
function rows(second: string): string[][] {
  const lines = spec.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| code | ${second} |`))
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map((line): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

describe('SPEC.md', () => {
  test('gives each number to one rule', () => {
    assert.ok(rules.length > 50)
    assert.deepEqual(
      rules.filter((rule, i) => rules.indexOf(rule) !== i),
      [],
    )
  })

  test('has every rule that the tests and sources of this package carry', () => {
    const files = globSync('**/*.ts', { cwd: folder })
    const cited = files.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/\[([A-Z]\d{1,2})\]/g)].map(([, rule]) => rule!),
    )
    assert.ok(cited.length > 20)
    assert.deepEqual(
      cited.filter((rule) => !rules.includes(rule)),
      [],
    )
  })

  test('[X2] describes every error code, and says the same of it as the table', () => {
    const described: Record<string, unknown> = Object.fromEntries(
      rows('again').map(([code, again]) => [code!, again]),
    )
    const table: Record<string, unknown> = Object.fromEntries(
      Object.entries(ERRORS).map(([code, { again }]) => [code, again ? 'yes' : 'no']),
    )
    assert.deepEqual(described, table)
  })

  test('[L1] describes every close code, and says the same of it as the table', () => {
    const described: Record<string, unknown> = Object.fromEntries(
      rows('name').map(([code, name, back]) => [code!, { name, back }]),
    )
    const table: Record<string, unknown> = Object.fromEntries(
      Object.entries(CLOSE_CODES).map(([code, { name, back }]) => [code, { name, back }]),
    )
    assert.deepEqual(described, table)
  })

  test('[E1] names every type of entry', () => {
    const rule = spec.slice(spec.indexOf('**E1**'), spec.indexOf('**E2**'))
    for (const type of ENTRY_TYPES) assert.ok(rule.includes(`\`${type}\``), type)
  })

  test('[J3] [J4] [S6] [S7] [H2] [L3] states the limits as they are', () => {
    for (const figure of [
      `last ${LIMITS.joinEntries} entries`,
      `than ${LIMITS.resumeEntries} entries`,
      `${LIMITS.textChars.toLocaleString('en')} UTF-16`,
      `at most ${LIMITS.rate} sends in any ${LIMITS.rateMs / 1000} s`,
      `at most ${LIMITS.rateBurst} of them at once`,
      `${LIMITS.badFrames} bad lines within any ${LIMITS.badFramesMs / 1000} s`,
      `(${LIMITS.historyEntries} if absent`,
      `above ${LIMITS.joinedRooms} rooms`,
      `While ${LIMITS.unackedSends} sends`,
    ]) {
      assert.ok(spec.toLowerCase().includes(figure.toLowerCase()), figure)
    }
  })
})

describe('the tables', () => {
  test('a client comes back after a broken line, whatever code the platform made of it', () => {
    for (const code of [1000, 1005, 1006, 1011, 1015, 3000, 4999]) assert.equal(comesBack(code), 'soon')
    assert.equal(comesBack(4403), 'never')
    assert.equal(comesBack(1013), 'later')
  })

  test('[X1] a refusal has no field that was not given', () => {
    assert.deepEqual(refuse('busy'), { ok: false, code: 'busy' })
    assert.deepEqual(refuse('busy', 'moving', 0), { ok: false, code: 'busy', message: 'moving', retryMs: 0 })
  })
})
