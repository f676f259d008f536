import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { FakeClock } from '../test/fake-clock.ts'
import { SparingLog } from './sparing-log.ts'

test('of lines that a stranger can cause some of each kind are written, and how many were left out', async () => {
  const clock = new FakeClock()
  const lines: { level: number; msg: string; n?: number; message?: string; leftOut?: number }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number])
  const log = new SparingLog(pino({ level: 'info' }, { write }), clock)
  const of = (msg: string) => lines.filter((line) => line.msg === msg)

  for (let n = 0; n < 1_000; n += 1) log.info({ n }, 'turned away')
  assert.deepEqual(
    of('turned away').map(({ n }) => n),
    Array.from({ length: 100 }, (_, n) => n),
  )
  log.info({}, 'closing a client')
  assert.equal(of('closing a client').length, 1, 'the other kinds are not fewer for it')

  log.tellRest()
  assert.deepEqual(of('more of these than are logged'), [], 'once a second')
  await clock.pass(1_000)
  log.tellRest()
  log.tellRest()
  const told = of('more of these than are logged')
  assert.deepEqual(
    told.map(({ message, leftOut }) => [message, leftOut]),
    [['turned away', 900]],
  )

  for (let n = 0; n < 100; n += 1) log.info({ n }, 'turned away')
  assert.equal(of('turned away').length, 110, 'ten more in a second')
  await clock.pass(60_000)
  for (let n = 0; n < 1_000; n += 1) log.info({ n }, 'turned away')
  assert.equal(of('turned away').length, 210, 'and never more at once than at first')
})
