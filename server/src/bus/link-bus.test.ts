import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { systemClock, type Clock } from '../clock.ts'
import { describeBus, Heard } from './bus.contract.ts'
import { LinkBus } from './link-bus.ts'

const SECRET = 'a-secret-of-the-fleet'

async function node(t: TestContext, id: string, inc = `${id}-1`, clock: Clock = systemClock) {
  const http = createServer()
  const counters = { sent: 0, received: 0, dropped: 0 }
  const bus = new LinkBus({
    self: { id, inc },
    secret: SECRET,
    clock,
    log: pino({ level: 'silent' }),
    counters,
  })
  http.on('upgrade', (request, socket, head: Buffer) => bus.upgrade(request, socket, head))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const stop = async () => {
    await bus.close()
    http.close()
    http.closeAllConnections()
  }
  t.after(stop)
  return { bus, port, counters, stop, address: { id, host: '127.0.0.1', port } }
}

describeBus('LinkBus', async (t) => {
  const a = await node(t, 'a')
  const b = await node(t, 'b')
  a.bus.know(b.address)
  b.bus.know(a.address)
  return { a: a.bus, b: b.bus, kill: (bus) => (bus === a.bus ? a.stop() : b.stop()) }
})

describe('a link', () => {
  test('[B5] is refused to whoever has not the secret', async (t) => {
    const a = await node(t, 'a')
    const heard = new Heard()
    a.bus.listen(heard)
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${SECRET}`]) {
      const ws = new WebSocket(`ws://127.0.0.1:${a.port}/link`, {
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          'x-flotilla-server': 'x',
          'x-flotilla-inc': 'y',
        },
      })
      const status = await new Promise((resolve) => {
        ws.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
        ws.on('open', () => resolve('open'))
        ws.on('error', () => {})
      })
      assert.equal(status, 401)
    }
    assert.deepEqual(heard.events, [])
  })

  test('[B3] to another run of the same server is down, then up', async (t) => {
    const a = await node(t, 'a')
    const heard = new Heard()
    a.bus.listen(heard)
    const first = await node(t, 'b', 'run-1')
    first.bus.know(a.address)
    first.bus.reach('a')
    await heard.until(({ events }) => events.length === 1)
    const second = await node(t, 'b', 'run-2')
    second.bus.know(a.address)
    second.bus.reach('a')
    await heard.until(({ events }) => events.length === 3)
    assert.deepEqual(heard.events, ['up b', 'down b', 'up b'])
  })

  test('[B2] to a server that is another one than expected is not used', async (t) => {
    const a = await node(t, 'a')
    const other = await node(t, 'other')
    const heard = new Heard()
    const atOther = new Heard()
    a.bus.listen(heard)
    other.bus.listen(atOther)
    a.bus.know({ ...other.address, id: 'b' })
    a.bus.send('b', { t: 'unfollow', room: 'r' })
    await atOther.until(({ events }) => events.includes('down a'))
    assert.deepEqual(heard.events, [])
    assert.deepEqual(atOther.messages, [])
  })

  test('[B3] to a peer that was heard in time is not given up by a server that itself stood still, but to a silent one it is', async (t) => {
    let now = 0
    let due: (() => void)[] = []
    const clock: Clock = {
      now: () => now,
      after(_ms, run) {
        due.push(run)
        return () => (due = due.filter((one) => one !== run))
      },
      soon: (run) => systemClock.soon(run),
    }
    /** All that waits for its time comes after so long. */
    const pass = (ms: number) => {
      now += ms
      for (const run of due.splice(0)) run()
    }
    const [a, b] = [await node(t, 'a', 'a-1', clock), await node(t, 'b')]
    const [atA, atB] = [new Heard(), new Heard()]
    a.bus.listen(atA)
    b.bus.listen(atB)
    a.bus.know(b.address)
    a.bus.reach('b')
    await atA.until(({ events }) => events.includes('up b'))
    pass(60_000)
    assert.deepEqual(atA.events, ['up b'])
    for (let beats = 0; beats < 3; beats += 1) pass(1_000)
    assert.deepEqual(atA.events, ['up b', 'down b'])
  })

  test('[B4] holds a bounded number of bytes for a peer that does not answer', async (t) => {
    const silent = createServer() // takes connections and never upgrades
    silent.on('upgrade', () => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const a = await node(t, 'a')
    a.bus.listen(new Heard())
    a.bus.know({ id: 'b', host: '127.0.0.1', port: (silent.address() as AddressInfo).port })
    const lines = Buffer.alloc(1024 * 1024)
    for (let i = 0; i < 20; i += 1) {
      a.bus.send('b', { t: 'entries', room: 'r', epoch: 1, log: 'l', from: i, to: i }, lines)
    }
    assert.ok(a.bus.unsentBytes('b') <= 8 * 1024 * 1024)
    assert.ok(a.counters.dropped >= 12)
  })

  test('[B4] says when a peer takes more again, also where the system took all of it at once', async (t) => {
    const [a, b] = [await node(t, 'a'), await node(t, 'b')]
    const [atA, atB] = [new Heard(), new Heard()]
    a.bus.listen(atA)
    b.bus.listen(atB)
    a.bus.know(b.address)
    a.bus.reach('b')
    await atA.until(({ events }) => events.includes('up b'))
    const lines = Buffer.alloc(70 * 1024)
    a.bus.send('b', { t: 'entries', room: 'r', epoch: 1, log: 'l', from: 1, to: 1 }, lines)
    assert.ok(a.bus.unsentBytes('b') >= 64 * 1024)
    await atA.until(({ events }) => events.includes('drained b'))
    assert.ok(a.bus.unsentBytes('b') < 16 * 1024)
  })
})
