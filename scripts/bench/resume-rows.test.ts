import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadProcess } from './load-process.ts'
import type { Pinning } from './pinning.ts'
import { measureResume } from './resume-rows.ts'

const NOT_PINNED: Pinning = { says: 'not pinned', server: () => undefined, load: () => undefined }

test('whoever comes back gets what was missed, and pages come from the log', async (t) => {
  const load = new LoadProcess()
  t.after(() => load.stop())
  const size = { rooms: 2, staying: 2, returning: 5, behind: 300, entries: 600 }
  const { resume, history } = await measureResume({ load, pinning: NOT_PINNED, seconds: 0.5 }, size)
  const [line] = resume.lines
  assert.ok(line)
  const { values, notes } = line
  assert.deepEqual(notes, [])
  assert.equal(values['clients'], 10)
  assert.ok((values['caughtUpS'] ?? 0) > 0, 'not everybody caught up')
  assert.ok((values['meanwhileP99Ms'] ?? 0) > 0, 'nobody else was heard')
  assert.ok((history.lines[0]?.values['entriesPerS'] ?? 0) > 0, 'no page was read')
})
