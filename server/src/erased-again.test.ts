import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoggedIn, Placed, ServerRow } from '@flotilla/protocol/control.ts'
import { Fleet } from './test/kit.ts'
import { until } from './test/until.ts'

const WORDS = 'what nobody may find again'
const ACCOUNT = { username: 'ann', password: 'correct horse battery' }

for (const [how, isWhole] of [
  ['with its mark, as only the balancer knows', true],
  ['alone, as it knows itself', false],
] as const)
  test(`a former home whose file is set back, ${how}, erases once more what was deleted since`, async (t) => {
    const fleet = await Fleet.start({ servers: 2 })
    t.after(() => fleet.close())
    const [server] = fleet.servers
    assert.ok(server !== undefined)
    const { dataDir, port, id } = server
    const old = join(fleet.root, 'old')
    const files = () => readdirSync(dataDir).filter((name) => name.startsWith('chat.db'))
    const isFound = () => files().some((name) => readFileSync(join(dataDir, name)).includes(WORDS))

    await fleet.call('POST', '/api/signup', ACCOUNT)
    const { token } = await fleet.call<LoggedIn>('POST', '/api/login', ACCOUNT)
    const room = await roomAt(fleet, id, token)
    const before = await fleet.client(0, { token })
    await before.join(room)
    await before.send(room, '1', WORDS)
    await fleet.stop(server)
    const bob = await fleet.member(room, 1)
    await bob.send(room, '2', 'so the other server has it')
    for (const name of files()) cpSync(join(dataDir, name), join(old, name))

    const second = await fleet.open({ port })
    await fleet.untilUp()
    const other = await fleet.room(0)
    await (await fleet.member(other, second)).send(other, '1', 'a commit more')
    await fleet.call('DELETE', `/api/rooms/${room}`, undefined, token)
    await until('the room is erased', () => !isFound())
    await reported(fleet, id)
    await fleet.stop(second)

    for (const name of files()) rmSync(join(dataDir, name))
    cpSync(old, dataDir, { recursive: true })
    if (isWhole) rmSync(join(dataDir, 'chat.mark'))
    assert.equal(isFound(), true)
    await fleet.open({ port })
    await until('the words are gone again', () => !isFound())
  })

/** A room of who bears the token, whose home is this server. */
async function roomAt(fleet: Fleet, server: string, token: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { roomId } = await fleet.call<{ roomId: string }>('POST', '/api/rooms', { name: 'hall' }, token)
    const body = { room: roomId, server }
    const placed = await fleet.call<Placed>('POST', '/internal/place', body, fleet.balancer.fleetSecret)
    if (placed.home.id === server) return roomId
  }
  throw new Error('no room is placed there')
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
