import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLog, type LogOptions } from './log.ts'

function freshFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-log-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function logIn(dir: string, more: Partial<LogOptions> = {}) {
  return createLog({ dir, level: 'info', id: 's1', inc: 'run1', ...more })
}

function linesOf(dir: string, file = 'chat.log'): Record<string, unknown>[] {
  return readFileSync(join(dir, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('lines are JSON with ISO time, level, server and run', async (t) => {
  const dir = join(freshFolder(t), 'made')
  const log = logIn(dir)
  log.info({ room: 'general', clients: 3 }, 'joined')
  log.debug('not at this level')
  await log.end()
  const [line, ...others] = linesOf(dir)
  assert.deepEqual(others, [])
  const { time, ...rest } = line!
  assert.equal(new Date(time as string).toISOString(), time)
  assert.deepEqual(rest, {
    level: 'info',
    id: 's1',
    inc: 'run1',
    room: 'general',
    clients: 3,
    msg: 'joined',
  })
})

test('the live file is chat.log, full ones move up by number, and only so many are kept', async (t) => {
  const dir = freshFolder(t)
  const log = logIn(dir, { maxBytes: 10_000, maxFiles: 5 })
  for (let n = 1; n <= 1_000; n += 1) log.info({ n }, 'x'.repeat(100))
  await log.end()
  assert.deepEqual(readdirSync(dir).toSorted(), [
    'chat.1.log',
    'chat.2.log',
    'chat.3.log',
    'chat.4.log',
    'chat.log',
  ])
  const oldestFirst = ['chat.4.log', 'chat.3.log', 'chat.2.log', 'chat.1.log', 'chat.log']
  const numbers = oldestFirst.flatMap((file) => linesOf(dir, file).map(({ n }) => n as number))
  assert.equal(numbers.at(-1), 1_000)
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => numbers[0]! + i),
  )
  assert.ok(numbers[0]! > 1)
})

test('tokens, passwords and texts do not get into it', async (t) => {
  const dir = freshFolder(t)
  const log = logIn(dir)
  const hidden = 'TOPSECRET'
  for (const name of ['token', 'authorization', 'cookie', 'password', 'secret', 'text']) {
    log.info({ [name]: hidden }, 'top')
    log.info({ frame: { [name]: hidden } }, 'below')
    log.info({ req: { headers: { [name]: hidden } } }, 'deeper')
    log.child({ of: 'child' }).info({ [name]: hidden })
  }
  log.info({ url: `/ws?a=1&token=${hidden}&b=2` })
  await log.end()
  const written = readFileSync(join(dir, 'chat.log'), 'utf8')
  assert.equal(linesOf(dir).length, 25)
  assert.ok(!written.includes(hidden))
  assert.ok(written.includes('/ws?a=1&token=[redacted]&b=2'))
})

test('an error logged as cause keeps its message and stack', async (t) => {
  const dir = freshFolder(t)
  const log = logIn(dir)
  log.error({ cause: new TypeError('what went wrong') }, 'frame failed')
  await log.end()
  const { cause } = linesOf(dir)[0] as { cause: { type: string; message: string; stack: string } }
  assert.equal(cause.type, 'TypeError')
  assert.equal(cause.message, 'what went wrong')
  assert.match(cause.stack, /log\.test/)
})

test('a log that cannot be written costs lines and one complaint, and goes on when it can', async (t) => {
  const dir = join(freshFolder(t), 'blocked')
  writeFileSync(dir, 'a file where the folder should be')
  const complaints: string[] = []
  let now = 0
  let complained = (): void => {}
  const firstComplaint = new Promise<void>((resolve) => (complained = resolve))
  const log = logIn(dir, {
    now: () => now,
    complain: (line) => {
      complaints.push(line)
      complained()
    },
  })
  log.info('lost')
  await firstComplaint
  for (let i = 0; i < 10; i += 1) log.info('lost, too')
  assert.equal(complaints.length, 1)
  assert.ok(complaints[0]!.includes(join(dir, 'chat.log')))
  assert.equal(log.linesLost(), 11)

  rmSync(dir)
  log.info('still too early')
  now += 10_000
  log.info('written')
  await log.end()
  assert.deepEqual(
    linesOf(dir).map(({ msg }) => msg),
    ['written'],
  )
  log.info('after the end')
  assert.equal(complaints.length, 1)
})
