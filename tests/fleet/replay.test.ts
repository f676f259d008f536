import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { readReplayConfig } from '../../scripts/replay/config.ts'
import { replay } from '../../scripts/replay/replay.ts'
import { verify } from '../../scripts/replay/verify.ts'
import { startFleet } from './harness.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
/** What real people typed: see fixtures/README.md. */
const REAL = { log: join(FIXTURES, 'ubuntu.log'), lines: 270, nicks: 31 }
/** Written for this: what is rare in real logs. */
const ODD = { log: join(FIXTURES, 'harbour.log'), lines: 136, nicks: 19 }

describe('a log, replayed,', () => {
  for (const { log, lines, nicks } of [REAL, ODD]) {
    test(`reaches every client of two servers byte for byte and in order, and so do the files have it: ${basename(log)}`, async (t) => {
      const { differences, journal } = await replay(readReplayConfig([log, '--servers', '2'], {}), say(t))
      assert.deepEqual(differences, [])
      assert.equal(journal.sent.length, lines)
      assert.equal(journal.witnesses.length, nicks)
      assert.ok(journal.witnesses.every(({ seen }) => seen.length === lines))

      // The same log with one text altered where it was stored: the verification must not just nod.
      const row = journal.files?.[0]?.rows[40]
      assert.ok(row?.text)
      row.text += ' '
      assert.equal(verify(journal, { order: 'log', strangers: false }).length, 1)
    })
  }

  test("survives a kill -9 of the room's home half way", async (t) => {
    const { differences } = await replay(readReplayConfig([REAL.log, '--servers', '2', '--kill'], {}), say(t))
    assert.deepEqual(differences, [])
  })

  test('goes through a running fleet as well, into a room of its own', async (t) => {
    const fleet = await startFleet({ t, serverArgs: ['--rate', '0'] })
    const args = [ODD.log, '--loadbalancer', fleet.loadbalancer.url, '--unordered']
    const { differences, journal } = await replay(readReplayConfig(args, {}), say(t))
    assert.deepEqual(differences, [])
    assert.equal(journal.sent.length, ODD.lines)
  })
})

function say(t: TestContext) {
  return { say: (line: string) => t.diagnostic(line) }
}
