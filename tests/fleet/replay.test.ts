import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { readReplayConfig } from '../../scripts/replay/config.ts'
import { replay } from '../../scripts/replay/replay.ts'
import { verify } from '../../scripts/replay/verify.ts'
import { startFleet } from './harness.ts'

const LOG = join(import.meta.dirname, '../fixtures/harbour.log')
const LINES = 136
const NICKS = 19

describe('an evening of real chat, replayed', () => {
  test('reaches every client of two servers byte for byte and in order, and so do the files have it', async (t) => {
    const { differences, journal } = await replay(readReplayConfig([LOG, '--servers', '2'], {}), say(t))
    assert.deepEqual(differences, [])
    assert.equal(journal.sent.length, LINES)
    assert.equal(journal.witnesses.length, NICKS)
    assert.ok(journal.witnesses.every(({ seen }) => seen.length === LINES))

    // The same evening with one text altered where it was stored: the verification must not just nod.
    const row = journal.files?.[0]?.rows[40]
    assert.ok(row?.text)
    row.text += ' '
    assert.equal(verify(journal, { order: 'log', strangers: false }).length, 1)
  })

  test("survives a kill -9 of the room's home half way", async (t) => {
    const { differences } = await replay(readReplayConfig([LOG, '--servers', '2', '--kill'], {}), say(t))
    assert.deepEqual(differences, [])
  })

  test('goes through a running fleet as well, into a room of its own', async (t) => {
    const fleet = await startFleet({ t, serverArgs: ['--rate', '0'] })
    const args = [LOG, '--loadbalancer', fleet.loadbalancer.url, '--unordered']
    const { differences, journal } = await replay(readReplayConfig(args, {}), say(t))
    assert.deepEqual(differences, [])
    assert.equal(journal.sent.length, LINES)
  })
})

function say(t: TestContext) {
  return { say: (line: string) => t.diagnostic(line) }
}
