import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChatClient } from './client.ts'
import { FakeClock } from './test/fake-clock.ts'
import { Balancer, Peer } from './test/peer.ts'
import { admit, connectionIs, follow, smallRandom, stage } from './test/stage.ts'

describe('a client that looks for a server', { timeout: 120_000 }, () => {
  test('[R1] takes an alternative while the balancer is down', async (t) => {
    const { peer, balancer, client } = await stage(t)
    const other = await Peer.open()
    t.after(() => other.close())
    peer.welcome = { alternatives: [other.url] }
    client.start()
    const line = await peer.connection(0)
    await connectionIs(client, 'live')
    await balancer.close()
    line.cut()
    await other.connection(0)
    await connectionIs(client, 'live')
    assert.equal(client.connection.status === 'live' && client.connection.url, other.url)
  })

  test('[R1] asks the next balancer when one is down', async (t) => {
    const gone = await Balancer.open('')
    const goneBase = gone.base
    await gone.close()
    const { peer, balancer } = await stage(t)
    const client = new ChatClient({
      loadbalancers: [goneBase, balancer.base],
      identity: { username: 'bert' },
      random: smallRandom(),
    })
    t.after(() => client.close())
    client.start()
    assert.equal((await peer.connection(0)).url, '/ws?username=bert')
  })

  test('[R2] waits as long as a balancer without servers says; retry skips that', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    balancer.answer = { status: 503, headers: { 'retry-after': '7' }, body: { code: 'no_server' } }
    client.start()
    await connectionIs(client, 'waiting')
    assert.equal(client.connection.status === 'waiting' && Math.round(client.connection.delayMs), 7_000)
    balancer.choose(peer.url)
    client.retryNow()
    await connectionIs(client, 'live')
  })

  test('[R18] in line for a place it says where, shows the same ticket each time, and is in when its turn has come', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    const inLine = (place: unknown) => ({
      status: 503,
      headers: { 'retry-after': '2' },
      body: { code: 'no_server', place },
    })
    balancer.answer = inLine(12)
    client.start()
    const answered = async (times: number) => {
      while (balancer.asked < times || client.connection.status !== 'waiting') {
        await new Promise<void>((resolve) => {
          const stop = client.subscribe(() => {
            stop()
            resolve()
          })
        })
      }
    }
    await answered(1)
    const placeOf = ({ connection }: ChatClient) => ('place' in connection ? connection.place : undefined)
    assert.equal(placeOf(client), 12)
    balancer.answer = inLine(3)
    client.retryNow()
    assert.equal(placeOf(client), 12, 'while it asks, it is still there')
    await answered(2)
    assert.equal(placeOf(client), 3)
    for (const [n, nonsense] of ['3', 0, -1, 1.5, null].entries()) {
      balancer.answer = inLine(nonsense)
      client.retryNow()
      await answered(3 + n)
      assert.equal(placeOf(client), undefined, String(nonsense))
    }
    balancer.choose(peer.url)
    client.retryNow()
    await connectionIs(client, 'live')
    const [first, ...later] = balancer.paths
    assert.equal(first, '/get')
    assert.equal(new Set(later).size, 1)
    assert.match(later[0] ?? '', /^\/get\?ticket=[\w-]{8,64}$/)
  })

  test('[R2] waits longer and longer; only 30 s of stable connection start the count anew', async (t) => {
    const clock = new FakeClock()
    const { peer, client } = await stage(t, { clock, random: () => 0.9999 })
    peer.welcome = { heartbeatMs: 60_000 } // silence is not the matter here
    const delays: number[] = []
    client.start()
    for (let n = 0; n < 4; n++) {
      const line = await peer.connection(n)
      await connectionIs(client, 'live')
      if (n === 3) clock.advance(30_000)
      line.cut()
      await connectionIs(client, 'waiting')
      delays.push(client.connection.status === 'waiting' ? Math.round(client.connection.delayMs) : 0)
      client.retryNow()
    }
    assert.deepEqual(delays, [500, 1_000, 2_000, 500])
  })

  test('[C8] [R16] one that is put off comes again to that server at its slot, and resumes there', async (t) => {
    const clock = new FakeClock()
    const { peer, balancer, client } = await stage(t, { clock })
    const room = client.room('general')
    const seen = follow(room)
    peer.welcome = undefined
    peer.onConnection = ({ socket }) => {
      socket.send(JSON.stringify({ type: 'error', code: 'busy', message: '', retryMs: 4_000 }))
      socket.close(1013)
    }
    client.start()
    await connectionIs(client, 'waiting')
    await (await peer.connection(0)).closed()
    assert.deepEqual(clock.pending.length, 1)
    assert.partialDeepStrictEqual(client.connection, { status: 'waiting', attempt: 0 })
    const asked = balancer.asked
    peer.welcome = {}
    peer.onConnection = () => undefined
    clock.advance(3_999)
    assert.equal(peer.connections.length, 1, 'not before its slot')
    clock.advance(51)
    await admit(await peer.connection(1), 0)
    await seen.until(() => room.state.status === 'live')
    assert.equal(balancer.asked, asked, 'the slot was dealt there, nowhere else')
  })
})
