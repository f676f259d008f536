import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { FakeClock } from '@flotilla/protocol/client/test/fake-clock.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { until } from '../fleet/until.ts'
import { FaultProxy, type FaultProxyOptions } from './fault-proxy.ts'

/** A server that keeps what it hears and a proxy before it. */
async function stage(
  t: TestContext,
  options: Partial<Pick<FaultProxyOptions, 'label' | 'clock' | 'random'>> = {},
) {
  const accepted: { socket: Socket; heard: string; hasEnded: boolean }[] = []
  let isOver = false
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (isOver) {
      socket.destroy() // it was under way when the test ended
      return
    }
    const one = { socket, heard: '', hasEnded: false }
    accepted.push(one)
    socket.on('error', () => {})
    socket.on('data', (bytes) => (one.heard += bytes.toString()))
    socket.on('end', () => (one.hasEnded = true))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = await portFor(t)
  const targetPort = (server.address() as AddressInfo).port
  const proxy = new FaultProxy({ port, targetPort, random: Math.random, ...options })
  const clients: Socket[] = []
  t.after(() => {
    isOver = true
    proxy.close()
    for (const client of clients) client.destroy()
    for (const { socket } of accepted) socket.destroy()
    server.close()
  })
  await proxy.targetStarts()
  /** Connects and says something; the answer comes with what the server has of this connection. */
  const dial = async (word: string) => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    clients.push(socket)
    const client = { socket, heard: '', error: undefined as string | undefined, hasEnded: false }
    socket.on('error', (cause: NodeJS.ErrnoException) => (client.error = cause.code))
    socket.on('data', (bytes) => (client.heard += bytes.toString()))
    socket.on('end', () => (client.hasEnded = true))
    socket.write(word)
    return client
  }
  const pair = async (word: string) => {
    const client = await dial(word)
    const remote = await until(`${word} has come through`, () => accepted.find(({ heard }) => heard === word))
    return { client, remote }
  }
  return { proxy, dial, pair, accepted }
}

/** One that is nobody else's while the test runs, also when nobody listens at it. */
async function portFor(t: TestContext): Promise<number> {
  const block = await PortBlock.hold()
  t.after(() => block.release())
  return block.next()
}

describe('the fault proxy', () => {
  test('lets bytes and ends through, both ways', async (t) => {
    const { pair } = await stage(t)
    const { client, remote } = await pair('hello')
    remote.socket.write('hi')
    await until('the answer', () => client.heard === 'hi')
    client.socket.end('bye')
    await until('the end', () => remote.heard === 'hellobye' && remote.hasEnded)
    assert.equal(client.hasEnded, false)
    remote.socket.end('yes?')
    await until('the other end', () => client.heard === 'hiyes?' && client.hasEnded)
  })

  test('held one way, it lets the other way through, and loses nothing of what it held', async (t) => {
    const { proxy, pair } = await stage(t)
    const { client, remote } = await pair('a')
    proxy.set({ mode: 'hold', ways: 'up' })
    client.socket.write('b')
    remote.socket.write('1')
    await until('what comes down', () => client.heard === '1')
    proxy.set({ mode: 'hold', ways: 'down' })
    await until('what was held up', () => remote.heard === 'ab')
    remote.socket.write('2')
    client.socket.write('c')
    await until('what goes up', () => remote.heard === 'abc')
    assert.equal(client.heard, '1')
    proxy.mend()
    await until('what was held down', () => client.heard === '12')
  })

  test('held, it does not tell of a process that died behind it until it is mended', async (t) => {
    const { proxy, pair } = await stage(t, { label: (first) => first })
    const { client, remote } = await pair('ann')
    proxy.set({ mode: 'hold', ways: 'both' }, 'ann')
    remote.socket.resetAndDestroy()
    await pair('bob') // by then ann's reset could have come, too
    assert.equal(client.socket.destroyed, false)
    proxy.mend('ann')
    await until('the reset', () => client.error === 'ECONNRESET')
  })

  test('delays, and keeps the order', async (t) => {
    const clock = new FakeClock()
    const jitters: number[] = []
    const random = () => jitters.shift() ?? 0
    const { proxy, pair } = await stage(t, { clock, random })
    const { client, remote } = await pair('x')
    proxy.set({ mode: 'delay', delayMs: 60, jitterMs: 60 })
    // The later one would be due the sooner.
    for (const [letter, jitter] of [['a', 0.5] as const, ['b', 0] as const]) {
      jitters.push(jitter)
      client.socket.write(letter)
      await until(`the proxy has ${letter}`, () => jitters.length === 0)
    }
    assert.deepEqual(clock.pending, [90])
    clock.advance(89)
    assert.deepEqual(clock.pending, [1])
    clock.advance(1)
    await until('all of it', () => remote.heard === 'xab')
    assert.deepEqual(clock.pending, [])
  })

  test('refusing, it resets what stands and nobody listens, until it is mended', async (t) => {
    const { proxy, pair, dial } = await stage(t)
    const { client } = await pair('a')
    proxy.set({ mode: 'refuse' })
    await until('the reset', () => client.error === 'ECONNRESET')
    const refused = await dial('b')
    await until('the refusal', () => refused.error === 'ECONNREFUSED')
    proxy.mend()
    await until('it listens again', () => pair('c'))
  })

  test('resets what stands once, and lets new connections through', async (t) => {
    const { proxy, pair } = await stage(t)
    const { client, remote } = await pair('a')
    proxy.reset()
    await until('both are gone', () => client.error === 'ECONNRESET' && remote.socket.destroyed)
    await pair('b')
  })

  test('cuts off the one it is told to, and nobody else', async (t) => {
    const { proxy, pair, dial } = await stage(t, { label: (first) => first.slice(0, 3) })
    const ann = await pair('ann')
    const bob = await pair('bob')
    proxy.set({ mode: 'hold', ways: 'both' }, 'ann')
    ann.client.socket.write('!')
    bob.client.socket.write('!')
    await until('bob comes through', () => bob.remote.heard === 'bob!')
    assert.equal(ann.remote.heard, 'ann')
    proxy.set({ mode: 'refuse' }, 'ann')
    await until('ann is reset', () => ann.client.error === 'ECONNRESET')
    const again = await dial('ann2')
    await until('ann is not let in', () => again.error === 'ECONNRESET')
    assert.equal(bob.client.error, undefined)
    proxy.mend('ann')
    await pair('ann3')
  })

  test('listens only while somebody listens behind it', async (t) => {
    const [port, targetPort] = [await portFor(t), await portFor(t)]
    const proxy = new FaultProxy({ port, targetPort, random: Math.random })
    t.after(() => proxy.close())
    const codeOf = () =>
      new Promise<string | undefined>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1' })
        socket.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code))
        socket.once('connect', () => {
          socket.destroy()
          resolve('connected')
        })
      })
    const listening = proxy.targetStarts()
    assert.equal(await codeOf(), 'ECONNREFUSED')
    const accepted: Socket[] = []
    const target = createServer((socket) => {
      accepted.push(socket)
      socket.on('error', () => {}).resume()
    })
    t.after(() => {
      for (const socket of accepted) socket.destroy()
      target.close()
    })
    target.listen(targetPort, '127.0.0.1')
    await listening
    await until('it listens', async () => (await codeOf()) === 'connected')
    proxy.targetIsGone()
    await until('it does not', async () => (await codeOf()) === 'ECONNREFUSED')
  })
})
