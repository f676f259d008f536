import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { EndedBeforeReady } from './child.ts'
import { Supervised, type SupervisedSpec } from './supervised.ts'
import { until } from './until.ts'

const SMALL_SERVER = join(import.meta.dirname, 'test/small-server.ts')

describe('a supervised process', () => {
  test('is started again on the same port when it dies, and that is said', async (t) => {
    const { supervised, said } = await supervise(t)
    const { url } = await supervised.start()
    const pid = supervised.pid
    await assert.rejects(fetch(`${url}/exit`))
    await until('it is back', () => said.some((line) => line.endsWith('is back')))
    assert.equal(said[0], `small ${supervised.port} died (exit code 7), restarting in 0.25 s`)
    assert.notEqual(supervised.pid, pid)
    assert.equal((await fetch(url)).status, 200)
  })

  test('is killed and started again when it hangs', async (t) => {
    const { supervised, said } = await supervise(t, { limits: { failedProbes: 1, silentMs: 100 } })
    const { url } = await supervised.start()
    const hanging = new AbortController()
    t.after(() => hanging.abort())
    fetch(`${url}/block`, { signal: hanging.signal }).catch(() => {})
    await until('it is back', () => said.some((line) => line.endsWith('is back')))
    assert.match(said[0] ?? '', /hangs/)
    assert.match(said[1] ?? '', /died \(SIGKILL\)/)
    // With so little patience a busy machine makes it hang again.
    await until('it answers', async () => (await fetch(url)).status === 200)
  })

  test('that never gets ready at its first start is not started again', async (t) => {
    const { supervised, said } = await supervise(t, {
      port: 0,
      args: (port) => [SMALL_SERVER, String(port), 'fail'],
    })
    await assert.rejects(supervised.start(), EndedBeforeReady)
    assert.deepEqual(said, ['small: cannot start: the test says so'])
  })

  test('that fails again and again says why only once', async (t) => {
    let mode = ''
    const { supervised, said } = await supervise(t, {
      args: (port) => [SMALL_SERVER, String(port), mode],
      limits: { firstDelayMs: 1, maxDelayMs: 1 },
    })
    const { url } = await supervised.start()
    mode = 'fail'
    await assert.rejects(fetch(`${url}/exit`))
    await until('it failed five times', () => said.filter((line) => line.includes('died')).length > 5)
    assert.equal(said.filter((line) => line.includes('cannot start')).length, 1)
    mode = ''
    await until('it is back', () => said.some((line) => line.endsWith('is back')))
  })

  test('restarts when asked, on the same port and at once, and one that then fails is started again like any other', async (t) => {
    let mode = ''
    const { supervised, said } = await supervise(t, { args: (port) => [SMALL_SERVER, String(port), mode] })
    const { url } = await supervised.start()
    const { name, pid } = supervised
    const restarted = supervised.restart()
    assert.equal(supervised.isUp, false)
    await assert.rejects(supervised.restart(), /is not up/)
    await restarted
    assert.notEqual(supervised.pid, pid)
    assert.equal((await fetch(url)).status, 200)
    assert.deepEqual(said, [`${name} is restarted, as asked`, `${name} is back`])
    mode = 'fail'
    await supervised.restart()
    assert.equal(supervised.isUp, false)
    mode = ''
    await until('it is back', () => said.filter((line) => line.endsWith('is back')).length === 2)
    assert.equal(supervised.isUp, true)
  })

  test('stays down once stopped', async (t) => {
    const { supervised, said } = await supervise(t)
    const { url } = await supervised.start()
    await supervised.stop(5_000)
    await assert.rejects(fetch(url))
    assert.deepEqual(said, [])
  })
})

async function supervise(t: TestContext, spec: Partial<SupervisedSpec> = {}) {
  const said: string[] = []
  const ports = await PortBlock.hold()
  t.after(() => ports.release())
  const supervised = new Supervised(
    {
      kind: 'small',
      port: await ports.next(),
      args: (port) => [SMALL_SERVER, String(port)],
      healthUrl: (url) => `${url}/healthz`,
      ...spec,
    },
    (line) => said.push(line),
  )
  t.after(() => supervised.stop(1_000))
  return { supervised, said }
}
