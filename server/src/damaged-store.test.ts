import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import { Fleet } from './test/kit.ts'
import { until } from './test/until.ts'

async function started(t: TestContext, servers: number): Promise<Fleet> {
  const fleet = await Fleet.start({ servers })
  t.after(() => fleet.close())
  return fleet
}

/** Resolves when the balancer has heard of what was committed until now. */
async function reported(fleet: Fleet, id: string): Promise<void> {
  const since = performance.now()
  await until('a report', async () => {
    const rows = await fleet.call<ServerRow[]>('GET', '/servers')
    const heardMsAgo = rows.find((row) => row.id === id)?.ageMs ?? Infinity
    return heardMsAgo < performance.now() - since - 50
  })
}

test('a server whose folder was set back goes on in other logs, and is no home of what moved away since', async (t) => {
  const fleet = await started(t, 2)
  const [server] = fleet.servers
  assert.ok(server !== undefined)
  const [stays, moves] = [await fleet.room(0), await fleet.room(0)]
  let ann = await fleet.member(stays, 0, 'ann')
  const { log } = await ann.join(stays)
  await ann.send(stays, '1', 'one')
  await ann.join(moves)
  await ann.send(moves, 'm1', 'one')
  await fleet.stop(server)
  const file = join(server.dataDir, 'chat.db')
  cpSync(file, join(fleet.root, 'old.db'))

  const second = await fleet.open({ port: server.port })
  await fleet.untilUp()
  ann = await fleet.member(stays, second, 'ann')
  await ann.send(stays, '2', 'two')
  await ann.send(stays, '3', 'three')
  await reported(fleet, second.id)
  await fleet.stop(second)
  // The other server takes one of the rooms over, and more is said there.
  const bob = await fleet.member(moves, 1, 'bob')
  assert.equal((await bob.send(moves, 'm2', 'two')).seq, 2)

  cpSync(join(fleet.root, 'old.db'), file)
  rmSync(join(server.dataDir, 'chat.mark')) // set back with the rest of the folder: only the balancer knows better
  const third = await fleet.open({ port: server.port })
  ann = await fleet.client(third, 'ann')
  const joined = await ann.join(stays, { since: 3, log })
  assert.notEqual(joined.log, log)
  assert.equal(joined.head, 1)
  const { seq } = await ann.send(stays, '2', 'two')
  assert.equal(seq, 2)
  await ann.join(moves)
  assert.equal((await ann.send(moves, 'm3', 'three')).seq, 3)
  await bob.until('the entry that came by the other server', (client) => client.seqs(moves).includes(3))
})

test('a server that meets damage ends, and nobody is shown it', async (t) => {
  const fleet = await started(t, 1)
  const [server] = fleet.servers
  assert.ok(server !== undefined)
  const room = await fleet.room(0)
  const ann = await fleet.member(room, 0, 'ann')
  await ann.send(room, '1', 'a text that will be damaged')
  const { log } = await ann.join(room)
  await fleet.stop(server)
  const file = join(server.dataDir, 'chat.db')
  const bytes = readFileSync(file)
  bytes[bytes.indexOf('a text that will be damaged')]! ^= 4
  writeFileSync(file, bytes)

  const second = await fleet.open({ port: server.port })
  const bob = await fleet.client(second, 'bob')
  void bob.join(room).catch(() => {}) // which reads the entries before it; nobody answers when the server is lost
  assert.match(String(await second.lost), /not what was written/)
  assert.deepEqual(bob.entries(room), [])
  bob.terminate()
  await fleet.stop(second)

  const third = await fleet.open({ port: server.port })
  const joined = await (await fleet.client(third, 'eve')).join(room)
  assert.notEqual(joined.log, log)
  assert.equal(joined.head, 1)
})
