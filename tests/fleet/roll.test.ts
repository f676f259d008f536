import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ANY_PORT, isAlive, start } from './fleet-command.ts'
import { freshFolder, until } from './harness.ts'
import { Person } from './person.ts'
import { assertNothingLost, describeAcks, keepTalking } from './talk.ts'

describe('npm run fleet -- roll', () => {
  test('restarts servers and balancer under load, and nothing is lost, doubled or put out of order', async (t) => {
    const data = await freshFolder(t)
    const fleet = await start(
      t,
      [...ANY_PORT, '--servers', '3', '--web', 'off', '--data', data],
      ['--', '--rate', '0', '--drain-ms', '600000'],
    )
    const before = await fleet.table()
    const balancer = before.find(({ kind }) => kind === 'balancer')
    assert.ok(balancer)
    // Others than the roll's own, who write far more often.
    const people = await Promise.all(
      Array.from({ length: 6 }, (_, i) => Person.enter(t, `person-${i}`, balancer.url)),
    )
    const stop = keepTalking(t, people, 60)
    const roll = await start(t, ['roll', '--data', data])
    const [code] = (await once(roll.process, 'close')) as [number | null]
    stop()
    const output = roll.lines.join('\n')
    assert.equal(code, 0, output)
    const [, sent = '', acked = ''] = /(\d+) sent, (\d+) acked/.exec(output) ?? []
    assert.ok(Number(sent) > 0 && sent === acked, output)
    assert.match(output, /lost 0, doubled 0, reordered 0, longest gap \d+ ms/)
    for (const { name, pid } of before) {
      assert.match(output, new RegExp(`^${name} restarted in `, 'm'))
      assert.equal(isAlive(pid), false, name)
    }
    await assertNothingLost(people)
    assert.deepEqual(
      people.flatMap(({ cuts }) => cuts),
      [],
    )
    t.diagnostic(`${roll.lines.at(-1)}; six others: ${describeAcks(people)}`)

    fleet.process.kill('SIGTERM')
    assert.deepEqual(await once(fleet.process, 'close'), [0, null])
    assert.equal(existsSync(join(data, 'fleet.json')), false)
  })

  test('stops, and says so, when the fleet goes down meanwhile', async (t) => {
    const data = await freshFolder(t)
    const fleet = await start(t, [...ANY_PORT, '--servers', '2', '--web', 'off', '--data', data])
    const rows = await fleet.table()
    const roll = await start(t, ['roll', '--data', data])
    await until('the first is restarted', () => roll.lines.some((line) => line.includes(' restarted in ')))
    fleet.process.kill('SIGKILL')
    assert.deepEqual(await once(roll.process, 'close'), [1, null])
    assert.match(roll.lines.join('\n'), /The roll stops here: /)
    await until('all are gone', () => !rows.some(({ pid }) => isAlive(pid)))
  })

  test('prints what was lost and ends with 1, where servers ack what they have not stored', async (t) => {
    const data = await freshFolder(t)
    const hook = pathToFileURL(join(import.meta.dirname, '../simulator/plant-hook.ts')).href
    const env = {
      NODE_OPTIONS: `--import ${hook}`,
      FLOTILLA_PLANT: 'acks one send in four and stores nothing of it',
    }
    const flags = [...ANY_PORT, '--servers', '2', '--web', 'off', '--data', data]
    const fleet = await start(t, flags, ['--', '--rate', '0'], env)
    await fleet.table()
    const roll = await start(t, ['roll', '--data', data])
    assert.deepEqual(await once(roll.process, 'close'), [1, null])
    const output = roll.lines.join('\n')
    const [, lost = '0'] = /lost (\d+), doubled \d+, reordered \d+, longest gap \d+ ms/.exec(output) ?? []
    assert.ok(Number(lost) > 0, output)
  })

  test('says in one line that no fleet runs there', async (t) => {
    const roll = await start(t, ['roll', '--data', await freshFolder(t)])
    assert.deepEqual(await once(roll.process, 'close'), [1, null])
    assert.equal(roll.lines.length, 1)
    assert.match(roll.lines[0] ?? '', /^No fleet runs on /)
  })
})
