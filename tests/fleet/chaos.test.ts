// The short form of `npm run chaos`: every kind of fault there is, on real processes.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { readChaosConfig } from '../../scripts/chaos/config.ts'
import { hasFailed, runChaos } from '../../scripts/chaos/run.ts'
import { writeSummary } from '../../scripts/chaos/summary.ts'
import { canLimitWrites } from '../../scripts/chaos/write-limit.ts'

const KINDS = ['kill', 'pause', 'cut', 'drain', 'balancer', 'all'] as const

/** The same faults each time: a check that fails says something of the change at hand. `npm run chaos` tries others. */
const SEED = '1'

const CRASH = pathToFileURL(join(import.meta.dirname, 'crash-when-told.ts')).href

interface Listening {
  onSaid?: (line: string, stop: () => void) => void
  env?: Record<string, string>
}

/** A run of a small fleet, of which nothing must be wrong; what it said is shown if there is. */
async function runWell(t: TestContext, args: readonly string[], listening: Listening = {}) {
  const { result, said } = await runSmall(t, args, listening)
  const { breaches, unexpectedEnds, folder, acked, seed } = result
  if (hasFailed(result)) for (const line of said) t.diagnostic(line)
  assert.deepEqual(breaches.slice(0, 10), [], `seed ${seed}, journals in ${folder}`)
  assert.deepEqual(unexpectedEnds, [])
  // A run in which nothing is said proves nothing.
  assert.ok(acked > 50, `${acked} acks`)
  assert.equal(existsSync(folder), false, 'what is not needed is not left behind')
  return result
}

async function runSmall(t: TestContext, args: readonly string[], { onSaid, env }: Listening) {
  const config = readChaosConfig(
    [
      ...['--seed', SEED, '--servers', '3', '--clients', '8', '--rooms', '2', '--rate', '40'],
      // It ends with its count: the time is what a machine may need that can do next to nothing.
      ...['--longest-ms', '2500', '--drain-ms', '2000', '--minutes', '15', ...args],
    ],
    {},
  )
  const said: string[] = []
  const stop = new AbortController()
  t.signal.addEventListener('abort', () => stop.abort())
  const say = (line: string) => {
    said.push(line)
    onSaid?.(line, () => stop.abort())
  }
  const result = await runChaos(config, { say, signal: stop.signal, ...(env === undefined ? {} : { env }) })
  return { result, said }
}

test('a fleet that is killed one by one and all at once, paused, cut off, drained and left by its balancer loses, doubles and reorders nothing', async (t) => {
  const { records } = await runWell(t, [
    '--faults',
    KINDS.join(','),
    '--count-each',
    '2',
    '--overlapping',
    '60',
  ])
  for (const kind of KINDS)
    assert.ok(records.filter((record) => record.kind === kind).length >= 2, `no ${kind}`)
  assert.ok(records.some(({ rooms }) => rooms.length > 0))
})

test('so it is with disks that are full, and with I/O errors, of which servers end', async (t) => {
  if (!canLimitWrites()) {
    t.skip('writes are made to fail with prlimit, which is not here')
    return
  }
  const { records } = await runWell(t, ['--faults', 'disk', '--count', '4', '--overlapping', '0'])
  assert.equal(records.length, 4)
  assert.ok(records.some(({ detail }) => detail.startsWith('I/O error')))
})

test('so it is when everything is restarted in turn, and nobody loses the connection for long', async (t) => {
  const { figures } = await runWell(t, ['--faults', 'roll', '--count', '1'])
  const [roll] = figures
  assert.deepEqual([roll?.kind, roll?.gaps.length, roll?.outages.length], ['roll', 2, 8])
})

test('a run that is told to stop heals, judges what there was, and writes its summary', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const result = await runWell(t, ['--faults', 'kill'], {
    onSaid: (line, stop) => {
      if (line.includes('kill server')) stop()
    },
  })
  assert.equal(result.records.length, 1)
  const path = join(folder, 'summary.md')
  writeSummary(path, `npm run chaos -- --seed ${result.seed}`, result)
  const text = readFileSync(path, 'utf8')
  for (const part of [`seed ${result.seed}`, '| kill', '0 lost, 0 doubled', 'commit: ']) {
    assert.ok(text.includes(part), part)
  }
})

test('a process that ends by itself fails the run, though nothing is lost by it, and what is there to look into is kept', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const crashFile = join(folder, 'crash')
  const { result } = await runSmall(t, ['--faults', 'cut', '--count', '1'], {
    env: { NODE_OPTIONS: `--import ${CRASH}`, FLOTILLA_CRASH_FILE: crashFile },
    onSaid: (line) => {
      if (line.includes('cut server') || line.includes('cut balancer')) writeFileSync(crashFile, '')
    },
  })
  t.after(() => rmSync(result.folder, { recursive: true }))
  assert.deepEqual(result.breaches, [])
  assert.match(result.unexpectedEnds.join('\n'), /^\S.* ended by itself: exit code 3\b.*$/)
  assert.ok(hasFailed(result))
  const kept = JSON.parse(readFileSync(join(result.folder, 'summary.json'), 'utf8')) as object
  assert.deepEqual((kept as { unexpectedEnds: string[] }).unexpectedEnds, result.unexpectedEnds)
})
