import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseLog } from './log-file.ts'

const parse = (text: string | Uint8Array) =>
  parseLog(typeof text === 'string' ? new TextEncoder().encode(text) : text, 4_000)

describe('a log file', () => {
  test('gives each text as it stands, spaces and all', () => {
    const { lines } = parse('[09:01] <a>  two spaces \n[09:02] <b> x\t"y"\\\r\n[09:03] <c> a\u2028b\u0085c\n')
    assert.deepEqual(lines, [
      { line: 1, nick: 'a', text: ' two spaces ', minute: 541 },
      { line: 2, nick: 'b', text: 'x\t"y"\\', minute: 542 },
      { line: 3, nick: 'c', text: 'a\u2028b\u0085c', minute: 543 },
    ])
  })

  test('knows odd nicks, and actions by their star', () => {
    const { lines, actions } = parse(
      '[09:01] <[x]\\`_^{|}-> hi\n[09:01]  * a|b waves * at <c>\n[09:02] * d e',
    )
    assert.deepEqual(
      lines.map(({ nick, text }) => [nick, text]),
      [
        ['[x]\\`_^{|}-', 'hi'],
        ['a|b', 'waves * at <c>'],
        ['d', 'e'],
      ],
    )
    assert.equal(actions, 2)
  })

  test('counts what nobody said', () => {
    const { lines, skipped } = parse(
      [
        '=== a is now known as b',
        '=== c has joined #harbour',
        '[09:00] <a>',
        '[09:00] <a>   ',
        '[09:00]  * a',
        '[09:00] -a:#harbour- psst',
        '',
        `[09:00] <a> ${'x'.repeat(4_001)}`,
        `[09:00] <a> ${'x'.repeat(4_000)}`,
      ].join('\n'),
    )
    assert.equal(lines.length, 1)
    assert.deepEqual(skipped, { blank: 3, tooLong: 1, service: 2, renames: 1, unknown: 1 })
  })

  test('reads a line that is not UTF-8 as Windows-1252, and only that line', () => {
    const bytes = Buffer.concat([
      Buffer.from('\ufeff[09:00] <a> grün €\n'),
      Buffer.from('[09:00] <b> gr\xfcn \x80\n', 'latin1'),
    ])
    const { lines, notUtf8 } = parse(bytes)
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['grün €', 'grün €'],
    )
    assert.equal(notUtf8, 1)
  })

  test('counts minutes on past midnight, and does not fall where a clock was set back', () => {
    const { lines } = parse('[23:58] <a> 1\n[23:57] <a> 2\n[00:01] <a> 3\n[00:02] <a> 4\n')
    assert.deepEqual(
      lines.map(({ minute }) => minute),
      [1438, 1438, 1441, 1442],
    )
  })
})
