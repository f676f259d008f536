// The short form of `npm run abuse`, without what takes Chromium (see tests/web/markup.test.ts) or a clock.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTACKS } from '../../scripts/abuse/attacks.ts'
import { runAbuse } from '../../scripts/abuse/run.ts'

/** The same tries each time: one that fails says something of the change at hand. `npm run abuse` tries others. */
const SEED = 1
const SCALE = 0.002
/** Slow lines take as long as the servers' limits, patterns are a matter of time, and floods of a fleet of their own. */
const LEFT_OUT = ['slow', 'patterns', 'markup', 'floods']

test('no attack of the abuse suite gets through, and none breaks anything', async (t) => {
  const attacks = ATTACKS.filter(({ name }) => !LEFT_OUT.includes(name))
  const results = await runAbuse({ attacks, scale: SCALE, seed: SEED, quietMs: 0 })
  assert.equal(results.length, attacks.length)
  for (const { name, tries, bypasses, crashes } of results) {
    t.diagnostic(`${name}: ${tries} tries`)
    assert.ok(tries > 0, name)
    assert.deepEqual({ name, bypasses: bypasses.slice(0, 10) }, { name, bypasses: [] })
    assert.deepEqual({ name, crashes: crashes.slice(0, 10) }, { name, crashes: [] })
  }
})
