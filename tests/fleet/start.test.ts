import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { ANY_PORT, isAlive, start } from './fleet-command.ts'
import { until } from './harness.ts'
import { RawClient } from './raw-client.ts'

describe('npm start', () => {
  test('brings up balancer, servers and web app, and takes all down on Ctrl-C', async (t) => {
    const fleet = await start(t, [...ANY_PORT, '--servers', '2'])
    const rows = await fleet.table()
    assert.deepEqual(rows.map(({ kind }) => kind).sort(), ['balancer', 'server', 'server', 'web app'])
    const web = rows.find(({ kind }) => kind === 'web app')
    const page = await fetch(web?.url ?? '')
    assert.equal(page.status, 200)
    assert.match(await page.text(), /<div id="root">/)
    const viaWeb = await fetch(`${web?.url}/get`)
    const chosen = (await viaWeb.json()) as { url: string }
    const client = await RawClient.open(chosen.url, 'ada', { origin: web?.url ?? '' })
    client.close()

    const balancer = rows.find(({ kind }) => kind === 'balancer')
    const status = await start(t, ['status', '--loadbalancer', balancer?.url ?? ''])
    assert.deepEqual(await once(status.process, 'close'), [0, null])
    assert.equal(status.lines.filter((line) => / up +ws:/.test(line)).length, 2, status.lines.join('\n'))

    fleet.process.kill('SIGINT')
    fleet.process.kill('SIGINT') // npm hands the terminal's on
    assert.deepEqual(await once(fleet.process, 'close'), [0, null])
    for (const { pid } of rows) assert.equal(isAlive(pid), false)
  })

  test('starts a server again that dies or hangs, and says so', async (t) => {
    const fleet = await start(t, [...ANY_PORT, '--servers', '2', '--web', 'off'])
    const [first, second] = (await fleet.table()).filter(({ kind }) => kind === 'server')
    assert.ok(first && second)

    process.kill(first.pid, 'SIGKILL')
    await fleet.says(`${first.name} died (SIGKILL), restarting in 0.25 s`)
    await fleet.says(`${first.name} is back`)
    const client = await RawClient.open(first.url, 'ada')
    client.close()

    process.kill(second.pid, 'SIGSTOP')
    await fleet.says(`${second.name} hangs: no answer for 5 s, killing it`)
    await fleet.says(`${second.name} is back`)
    assert.equal(isAlive(second.pid), false)

    fleet.process.kill('SIGTERM')
    assert.deepEqual(await once(fleet.process, 'close'), [0, null])
  })

  test('leaves nothing running when it is itself killed with -9', async (t) => {
    const fleet = await start(t, [...ANY_PORT, '--servers', '1', '--web', 'off'])
    const rows = await fleet.table()
    fleet.process.kill('SIGKILL')
    await until('all are gone', () => !rows.some(({ pid }) => isAlive(pid)))
  })

  test('names each taken port with the remedy, and starts nothing', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    t.after(() => holder.close())
    const { port } = holder.address() as AddressInfo
    const any = ['--loadbalancer-port', '0', '--server-port', '0']
    const fleet = await start(t, [...any, '--web-port', String(port)])
    assert.deepEqual(await once(fleet.process, 'close'), [1, null])
    assert.equal(fleet.lines.length, 1)
    assert.match(fleet.lines[0] ?? '', new RegExp(`Port ${port} \\(web app\\) is taken.*--web-port`))
  })

  test('ends with one line and code 2 on a wrong flag or command', async (t) => {
    for (const args of [['--bogus'], ['dance'], ['--servers', '0'], ['--server-port', '9000']]) {
      const fleet = await start(t, args)
      assert.deepEqual(await once(fleet.process, 'close'), [2, null])
      assert.equal(fleet.lines.length, 1, fleet.lines.join('\n'))
    }
  })

  test('shows why a server cannot start, and takes the rest down', async (t) => {
    const fleet = await start(t, [...ANY_PORT, '--web', 'off', '--servers', '1'], ['--', '--bogus'])
    assert.deepEqual(await once(fleet.process, 'close'), [1, null])
    assert.match(fleet.lines.join('\n'), /--bogus/)
    assert.match(fleet.lines.join('\n'), /server \d+ ended before it was ready \(exit code 2\)/)
  })
})
