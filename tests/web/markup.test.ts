// Markup that would run a script wherever it were taken for markup, in names, rooms, topics and messages, in Chromium.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markupAttack } from '../../scripts/abuse/markup.ts'
import { markupTexts } from '../../scripts/abuse/markup-corpus.ts'
import { runAbuse } from '../../scripts/abuse/run.ts'

test('what is typed is shown and never runs, under the app’s policy and without it', async () => {
  const [result] = await runAbuse({ attacks: [markupAttack], scale: 0.01, seed: 1, quietMs: 0 })
  assert.ok(result !== undefined && result.tries > 0)
  assert.deepEqual(result.bypasses, [])
  assert.deepEqual(result.crashes, [])
})

test('there are three hundred such texts and more, each once', () => {
  const texts = markupTexts()
  assert.ok(texts.length >= 300, `${texts.length}`)
  assert.equal(new Set(texts).size, texts.length)
})
