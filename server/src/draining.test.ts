import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import { Client, knock } from './test/client.ts'
import { Fleet } from './test/kit.ts'
import { until } from './test/until.ts'
import { WarpClock } from './test/warp-clock.ts'

const DRAIN_MS = 30_000

describe('a drain over real sockets', () => {
  let fleet: Fleet
  /** Of the one that drains, and of the one that stays. */
  const [leaving, staying] = [new WarpClock(), new WarpClock()]
  before(async () => (fleet = await Fleet.start({ clock: staying })))
  after(() => fleet.close())

  test('[L5] [L1] [C2] clients are told to move, nobody new is let in, and who stays is closed with 1012', async () => {
    const server = await fleet.add({ flags: ['--drain-ms', `${DRAIN_MS}`], clock: leaving })
    const room = await fleet.room(0)
    const [mover, stayer] = [await fleet.member(room, server, 'mover'), await fleet.member(room, server)]
    const watcher = await fleet.member(room, 0)
    const drained = server.drain().then(() => fleet.gone(server))
    for (const client of [mover, stayer]) {
      const { inMs, reason } = await client.frame('move')
      assert.ok(inMs >= 0 && inMs <= DRAIN_MS, `${inMs}`)
      assert.equal(reason, 'drain')
    }
    const refused = await knock(server.url, { username: 'late' })
    assert.ok(!(refused instanceof Client))
    assert.deepEqual([refused.status, refused.code], [503, 'draining'])
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/readyz`)).status, 503)
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status, 200)
    await until('the balancer knows', async () => {
      const rows = await fleet.call<ServerRow[]>('GET', '/servers')
      return rows.find(({ id }) => id === server.id)?.state === 'draining'
    })
    // Make before break: on the other server first, and only then away from this one.
    const moved = await fleet.member(room, 0, 'mover')
    await mover.send(room, 'still', 'served until he goes')
    mover.socket.close(1000)
    assert.equal(await mover.close(), 1000)
    await stayer.send(room, 'still here', 'x')
    staying.hold() // it keeps who was there for some time, and that is not over, however long this takes
    await leaving.pass(DRAIN_MS)
    assert.equal(await stayer.close(), 1012)
    await drained
    await moved.send(room, 'moved', 'x')
    await staying.pass(200, 20)
    await watcher.upTo(room, 3)
    assert.deepEqual(
      watcher.of('presence').flatMap(({ leave }) => leave),
      [],
    )
    staying.release()
  })

  test('[L5] it ends as soon as everybody has moved, long before the deadline', async () => {
    const server = await fleet.add({ flags: ['--drain-ms', '600000'] })
    const clients = await Promise.all([1, 2, 3].map(() => fleet.client(server)))
    const drained = server.drain().then(() => fleet.gone(server))
    for (const client of clients) {
      await client.frame('move')
      client.socket.close(1000)
    }
    await drained
  })

  test('a server without clients drains at once, and a second call ends with the first', async () => {
    const server = await fleet.add()
    await Promise.all([server.drain(), server.drain(), server.stop()])
    fleet.gone(server)
  })
})
