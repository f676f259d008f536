import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { CLIENT_FRAMES, parseClientFrame } from '@flotilla/protocol/frames.ts'
import { FrameMaker } from './frame-maker.ts'

test('frames that follow the grammar almost: of every type, right, wrong and broken ones, hardly one twice, the same for a seed', () => {
  const maker = new FrameMaker(7)
  const frames = Array.from({ length: 100 }, (_, at) => maker.line(at, 90)).flat()
  const right = new Set<string>()
  const wrong = new Map<string, number>()
  for (const frame of frames) {
    assert.ok(frame.isWellFormed() && !frame.includes('\n'))
    assert.ok(Buffer.byteLength(frame) < LIMITS.frameBytes)
    const read = parseClientFrame(frame)
    if (read.ok) right.add(read.value.type)
    else wrong.set(read.code, (wrong.get(read.code) ?? 0) + 1)
  }
  assert.deepEqual([...right].sort(), Object.keys(CLIENT_FRAMES).sort())
  for (const code of ['bad_json', 'bad_message', 'unknown_type'])
    assert.ok((wrong.get(code) ?? 0) > frames.length / 50, `${code}: ${wrong.get(code)}`)
  assert.ok(
    frames.some((frame) => frame.startsWith('['.repeat(1_000))),
    'a deep one',
  )
  assert.ok(
    frames.some((frame) => frame.includes('"k2000":')),
    'a wide one',
  )
  assert.ok(frames.some((frame) => frame.includes('"__proto__":')))
  assert.ok(new Set(frames).size > 0.9 * frames.length, `${new Set(frames).size} of ${frames.length}`)
  assert.deepEqual(new FrameMaker(7).line(3, 90), maker.line(3, 90))
  assert.notDeepEqual(new FrameMaker(8).line(3, 90), maker.line(3, 90))
})
