import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ControlClient, serveControl, type ProcessRow } from './control.ts'

const SECRET = 'a-secret-of-some-length'
const ROW: ProcessRow = {
  name: 'server 8080',
  kind: 'server',
  port: 8080,
  pid: 7,
  url: 'ws://x',
  status: 'ready',
}

async function control(t: TestContext) {
  const asked: string[] = []
  const served = await serveControl(
    {
      processes: () => [ROW],
      restart: (name) => asked.push(name) > 0 && name === ROW.name,
    },
    SECRET,
  )
  t.after(() => served.close())
  return { url: served.url, asked, client: new ControlClient(served.url, SECRET) }
}

describe('the control of a supervisor', () => {
  test('lists the processes and restarts one by its name', async (t) => {
    const { client, asked } = await control(t)
    assert.deepEqual(await client.processes(), [ROW])
    await client.restart('server 8080')
    assert.deepEqual(asked, ['server 8080'])
    await assert.rejects(client.restart('web app'), /409 not_up/)
  })

  test('does nothing without the secret of the fleet, and listens on loopback only', async (t) => {
    const { url, asked } = await control(t)
    assert.equal(new URL(url).hostname, '127.0.0.1')
    for (const headers of [{}, { authorization: `Bearer ${SECRET}x` }]) {
      for (const [method, path] of [
        ['GET', '/processes'],
        ['POST', '/processes/server%208080/restart'],
      ] as const) {
        assert.equal((await fetch(url + path, { method, headers })).status, 401)
      }
    }
    assert.deepEqual(asked, [])
  })
})
