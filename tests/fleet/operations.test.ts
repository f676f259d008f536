// What docs/operations.md tells people to do, done as it says.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { atEnd, freshFolder, startFleet, until, type FleetProcess } from './harness.ts'
import { RawClient } from './raw-client.ts'
import { RoomsApi, storedRoom } from './rooms-api.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')

/** Runs the command of the page that begins like this, for another folder and file than it names. */
async function asDocumented(command: string, dataDir: string, backup: string): Promise<string> {
  const lines = PAGE.split('\n').filter((line) => line.startsWith(command))
  assert.equal(lines.length, 1, `one line of the page begins with ${command}`)
  const words = lines[0]!.replace('data/server-8080', dataDir).replace('backups/8080.db', backup).split(' ')
  const { stdout } = await promisify(execFile)(words[0]!, words.slice(1), { cwd: ROOT })
  return stdout
}

describe('docs/operations.md', () => {
  test('backup and restore: what was said since is lost and clients are told, but not what another server took over', async (t) => {
    const fleet = await startFleet({ t, servers: 1, serverArgs: ['--rate', '0'] })
    const api = await RoomsApi.open(fleet)
    const [kept, moved] = [await api.make('Kept'), await api.make('Moved')]
    const [server] = fleet.servers
    assert.ok(server)
    const ann = await client(t, server, 'ann')
    for (const room of [kept, moved]) await says(ann, room, 'one')
    const other = await fleet.addServer(['--rate', '0'])
    await fleet.complete()
    const backup = join(await freshFolder(t), 'safe.db')

    assert.match(
      await asDocumented('npm run backup -- --data data/server', server.dataDir, backup),
      /2 rooms, 2 entries/,
    )
    for (const room of [kept, moved]) await says(ann, room, 'two')
    const log = storedRoom(server, kept)?.log
    await assert.rejects(
      asDocumented('npm run restore -- --data data/server', server.dataDir, backup),
      /./,
      'not while it runs',
    )
    ann.close()
    await server.stop()
    const bob = await client(t, other, 'bob')
    await says(bob, moved, 'three') // which takes that room out of the file that is about to be set back
    await asDocumented('npm run restore -- --data data/server', server.dataDir, backup)
    await server.restart()
    await fleet.complete()

    const back = await client(t, server, 'ann')
    const joined = await back.join(kept, { since: 2, ...(log === undefined ? {} : { log }) })
    assert.notEqual(joined.log, log)
    assert.equal(joined.head, 1)
    assert.equal(await says(back, kept, 'two'), 2)
    assert.equal(await says(back, moved, 'four'), 4)
    assert.deepEqual(textsIn(server, kept), ['one', 'two'])
    assert.deepEqual(textsIn(other, moved), ['one', 'two', 'three', 'four'])
    const heard = () => bob.frames.some((frame) => frame.type === 'message' && frame.text === 'four')
    await until('the other server hears of it', heard)
    assert.equal(bob.closed, undefined)
    assert.equal(
      bob.frames.some(({ type }) => type === 'reset'),
      false,
    )
  })

  test('a damaged file without a backup: the server ends and says so, the others go on; moved away, its rooms begin again', async (t) => {
    const fleet = await startFleet({ t, servers: 1, serverArgs: ['--rate', '0'] })
    const api = await RoomsApi.open(fleet)
    const [lost, fine] = [await api.make('Lost'), await api.make('Fine')]
    const [server] = fleet.servers
    assert.ok(server)
    const ann = await client(t, server, 'ann')
    for (const text of ['one', 'two']) await says(ann, lost, text)
    const log = storedRoom(server, lost)?.log
    const other = await fleet.addServer(['--rate', '0'])
    await fleet.complete()
    const bob = await client(t, other, 'bob')
    assert.equal(await says(bob, fine, 'one'), 1)
    ann.close()
    await server.stop()
    assert.equal(existsSync(join(server.dataDir, 'chat.db-wal')), false)
    const file = openSync(join(server.dataDir, 'chat.db'), 'r+')
    writeSync(file, Buffer.alloc(4_096, 0x5a), 0, 4_096, 0)
    closeSync(file)
    await assert.rejects(server.restart(), /is damaged/)
    assert.notEqual((await server.exited).code, 0)

    assert.equal(await says(bob, fine, 'two'), 2)
    // Nobody makes something up in the place of what cannot be read.
    bob.say({ type: 'join', room: lost })
    assert.equal((await bob.next('error', ({ room }) => room === lost)).code, 'busy')

    assert.match(PAGE, /move `chat\.db`, `chat\.db-wal` and `chat\.db-shm` away together and start it/)
    const away = join(server.dataDir, 'away')
    mkdirSync(away)
    for (const name of ['chat.db', 'chat.db-wal', 'chat.db-shm']) {
      const path = join(server.dataDir, name)
      if (existsSync(path)) renameSync(path, join(away, name))
    }
    await server.restart()
    await fleet.complete()
    const back = await client(t, server, 'ann')
    const joined = await back.join(lost, { since: 2, ...(log === undefined ? {} : { log }) })
    assert.deepEqual([joined.log === log, joined.head], [false, 0])
    assert.equal(await says(back, lost, 'another one'), 1)
    assert.equal(await says(bob, fine, 'three'), 3)
    assert.equal(bob.closed, undefined)
  })
})

async function client(t: TestContext, server: FleetProcess, name: string): Promise<RawClient> {
  const opened = await RawClient.open(server.url, name)
  atEnd(t, () => opened.close())
  return opened
}

let sends = 0

/** Joins, if need be, and sends until it is acked; `busy` is asked again. @returns the seq */
async function says(by: RawClient, room: RoomId, text: string): Promise<number> {
  await by.join(room)
  return by.sendUntilAcked(room, `send-${(sends += 1)}`, text)
}

function textsIn(server: FleetProcess, room: RoomId): string[] | undefined {
  return storedRoom(server, room)?.entries.map(({ text }) => text)
}
