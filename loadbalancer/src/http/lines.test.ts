import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import express from 'express'
import pino from 'pino'
import { until } from '../../test/fleet.ts'
import { Metrics } from '../metrics.ts'
import { Cors } from './cors.ts'
import { mount } from './mount.ts'
import { route } from './route.ts'

/** Sends these lines to whoever asks for `/lines`. */
async function start(t: TestContext, lines: () => AsyncIterable<string>, stillMs: number) {
  const metrics = new Metrics(() => ({ up: 0, late: 0, draining: 0, down: 0 }))
  const seen = { ended: 0 }
  const app = express()
  const given = route({
    ...{ method: 'get', path: '/lines', summary: '', door: 'anyone', cors: false, problems: [] },
    answers: { status: 200, type: 'text/plain' },
    perform: () => ({ status: 200, type: 'text/plain', lines: lines(), ended: () => (seen.ended += 1) }),
  })
  const log = pino({ level: 'silent' })
  const whoBears = () => Promise.resolve(undefined)
  mount(app, [given], { fleetSecret: '', whoBears, cors: new Cors([]), metrics, log, stillMs })
  const server = createServer(app)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const cut = async () =>
    Number(/^flotilla_balancer_still_readers_total (\d+)$/m.exec(await metrics.text())?.[1])
  return { port, seen, cut }
}

/** Asks, and takes nothing of the answer. */
function askOnly(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  socket.write('GET /lines HTTP/1.1\r\nhost: x\r\n\r\n')
  t.after(() => socket.destroy())
  return socket
}

describe('lines that are made while they are read', () => {
  test('come whole to who reads them, however long one is', async (t) => {
    const long = `${'ä'.repeat(100_000)}\n`
    async function* lines() {
      for (const line of ['one\n', long, 'three\n']) yield line
    }
    const { port, seen, cut } = await start(t, lines, 60_000)
    const text = await (await fetch(`http://127.0.0.1:${port}/lines`)).text()
    assert.ok(text === `one\n${long}three\n`)
    await until(() => seen.ended === 1)
    assert.equal(await cut(), 0)
  })

  test('who takes nothing of them is cut off, and counted; nothing more is made for him', async (t) => {
    let isOver = false
    async function* endless() {
      try {
        for (;;) yield 'x'.repeat(1_000)
      } finally {
        isOver = true
      }
    }
    const { port, seen, cut } = await start(t, endless, 20)
    askOnly(t, port)
    await until(() => seen.ended === 1)
    assert.deepEqual([isOver, await cut()], [true, 1])
  })

  test('who goes away has ended it himself', async (t) => {
    async function* endless() {
      for (;;) yield 'x'.repeat(1_000)
    }
    const { port, seen, cut } = await start(t, endless, 60_000)
    const socket = askOnly(t, port)
    socket.once('connect', () => socket.destroy())
    await until(() => seen.ended === 1)
    assert.equal(await cut(), 0)
  })
})
