import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineSplitter } from './line-splitter.ts'

test('lines come whole, however the stream was cut', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (const chunk of ['on', 'e\ntw', 'o\r\n', '\nlast']) splitter.push(chunk)
  assert.deepEqual(lines, ['one', 'two', ''])
  splitter.end()
  splitter.end()
  assert.deepEqual(lines, ['one', 'two', '', 'last'])
})

test('a line without end is given in pieces', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line), 10)
  for (let i = 0; i < 5; i += 1) splitter.push('123456')
  assert.deepEqual(lines, ['123456123456', '123456123456'])
})
