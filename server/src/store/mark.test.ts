import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Mark, raiseMark } from './mark.ts'
import { freshFolder } from './test/sqlite-world.ts'

function found(dir: string): number {
  const mark = new Mark(dir)
  mark.close()
  return mark.found
}

test('a mark is found as it was written last, and raised from outside only', (t) => {
  const dir = freshFolder(t)
  assert.equal(found(dir), 0)
  const mark = new Mark(dir)
  mark.write(41)
  mark.write(2 ** 40)
  mark.write(42)
  mark.close()
  assert.equal(found(dir), 42)
  raiseMark(dir, 7)
  assert.equal(found(dir), 42)
  raiseMark(dir, 43)
  assert.equal(found(dir), 43)
})

test('a mark that was damaged says nothing: it would take a sound file for an old one', (t) => {
  const dir = freshFolder(t)
  raiseMark(dir, 1_234)
  const path = join(dir, 'chat.mark')
  const sound = readFileSync(path)
  for (let at = 0; at < sound.length; at += 1) {
    const bytes = Buffer.from(sound)
    bytes[at]! ^= 1
    writeFileSync(path, bytes)
    assert.equal(found(dir), 0, `byte ${at}`)
  }
  for (const torn of ['', '00', sound.subarray(0, 20)]) {
    writeFileSync(path, torn)
    assert.equal(found(dir), 0)
  }
})
