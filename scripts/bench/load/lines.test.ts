import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineReader } from './lines.ts'

test('every line is found, however the bytes are cut and however long the line before was', () => {
  const longer = 'joined......' // as long as the next two with what is between them
  const text = `${longer}\nfirst\nsecond\n\nthird`
  const bytes = Buffer.from(`${text}\nof the next frame`)
  const { length: end } = Buffer.from(text)
  for (let cut = 0; cut <= end; cut += 1) {
    const lines: string[] = []
    const reader = new LineReader({ line: (at, from, to) => lines.push(at.toString('utf8', from, to)) })
    const rest = reader.data(bytes, 0, cut, false)
    assert.equal(reader.data(bytes, rest, end, true), end)
    assert.deepEqual(lines, [longer, 'first', 'second', 'third'], `cut at ${cut}`)
  }
})
