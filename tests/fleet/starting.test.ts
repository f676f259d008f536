import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { launch, type Child } from '../../scripts/fleet/child.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { LOADBALANCER_MAIN, SERVER_MAIN } from '../../scripts/fleet/local-fleet.ts'
import { atEnd, freshFolder, startFleet, until } from './harness.ts'
import { RawClient } from './raw-client.ts'

const BOTH = [
  ['balancer', LOADBALANCER_MAIN],
  ['server', SERVER_MAIN],
] as const

describe('a process that is started wrongly', () => {
  for (const [name, main] of BOTH) {
    test(`the ${name} ends with one line and code 2 on a wrong flag`, async (t) => {
      for (const [args, fault] of [
        [['--bogus'], /--bogus/],
        [['--port', '70000'], /--port .*70000/],
        [['--log-level', 'loud'], /--log-level .*loud/],
        [['--port', 'x', '--origins', 'evil'], /--port .*--origins/],
      ] as const) {
        const child = start(t, name, [main, '--data', await freshFolder(t), ...args])
        assert.deepEqual(await child.exited, { code: 2, signal: null })
        assert.equal(child.output.length, 1, child.output.join('\n'))
        assert.match(child.output[0] ?? '', fault)
      }
    })

    const skip = existsSync('/proc/self') ? false : 'there is no /proc here'
    test(`the ${name} ends with one line if its folder can never be made`, { skip }, async (t) => {
      const child = start(t, name, [main, '--port', '0', '--data', '/proc/nope'])
      assert.deepEqual(await child.exited, { code: 1, signal: null })
      assert.equal(child.output.length, 1, child.output.join('\n'))
      assert.match(child.output[0] ?? '', /\/proc\/nope/)
    })

    test(`the ${name} ends with one line if its folder cannot be written`, async (t) => {
      const folder = await freshFolder(t)
      await writeFile(join(folder, 'a-file'), '')
      const child = start(t, name, [main, '--port', '0', '--data', join(folder, 'a-file', 'data')])
      const exit = await child.exited
      assert.ok(exit.code === 1 || exit.code === 2, `ended with ${JSON.stringify(exit)}`)
      assert.equal(child.output.length, 1, child.output.join('\n'))
      assert.match(child.output[0] ?? '', /a-file/)
    })

    test(`the ${name} ends with one line if its port is taken`, async (t) => {
      const fleet = await startFleet({ t, servers: 1 })
      const port = name === 'server' ? fleet.servers[0]?.port : fleet.loadbalancer.port
      const child = start(t, name, [main, '--port', String(port), '--data', await freshFolder(t)])
      assert.equal((await child.exited).code, 1)
      assert.equal(child.output.length, 1, child.output.join('\n'))
      assert.match(child.output[0] ?? '', new RegExp(`\\b${port}\\b`))
    })
  }

  test('a second server on the same data folder is refused in one line, and the first goes on', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const [first] = fleet.servers
    assert.ok(first)
    const args = ['--port', '0', '--data', first.dataDir, '--loadbalancer', fleet.loadbalancer.url]
    const second = start(t, 'server', [SERVER_MAIN, ...args], { FLEET_SECRET: fleet.secret })
    assert.equal((await second.exited).code, 1)
    assert.equal(second.output.length, 1, second.output.join('\n'))
    assert.ok(second.output[0]?.includes(first.dataDir), second.output.join('\n'))
    const client = await RawClient.open(first.url, 'ada')
    client.close()
  })
})

describe('a server without a balancer', () => {
  test('is ready, answers /healthz, lets people chat, and is registered once the balancer is up', async (t) => {
    const folder = await freshFolder(t)
    const env = { FLEET_SECRET: 'a-secret-for-this-test-alone' }
    const ports = await PortBlock.hold()
    atEnd(t, () => ports.release())
    const port = String(await ports.next())
    const loadbalancer = `http://127.0.0.1:${port}`
    const args = ['--port', '0', '--data', folder, '--loadbalancer', loadbalancer]
    const server = start(t, 'server', [SERVER_MAIN, ...args], env)
    const { url, id } = await server.ready
    const health = await fetch(url.replace(/^ws/, 'http').replace(/ws$/, 'healthz'))
    assert.equal(health.status, 200)

    start(t, 'balancer', [LOADBALANCER_MAIN, '--port', port, '--data', folder], env)
    await until('it is listed', async () => {
      const rows = (await (await fetch(`${loadbalancer}/servers`)).json()) as { id: string; state: string }[]
      return rows.some((row) => row.id === id && row.state === 'up')
    })
    const client = await RawClient.open(url, 'ada')
    await client.join('general')
    await client.sendUntilAcked('general', '1', 'hello')
    client.close()
  })
})

function start(t: TestContext, name: string, args: readonly string[], env?: Record<string, string>): Child {
  const child = launch({ name, args, ...(env ? { env } : {}) })
  atEnd(t, () => child.stop())
  return child
}
