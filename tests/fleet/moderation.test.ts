// What was decided about rooms and people stays decided: on every server, whoever dies, and whatever file is lost.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { Account } from './account.ts'
import { startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import type { RawClient } from './raw-client.ts'

const HOUR_MS = 3_600_000

describe('what moderators decided', () => {
  test('holds on a server that is not the home, on the next home when that was killed, after a restart of everything, and without the directory', async (t) => {
    const fleet = await startFleet({ t, servers: 1, serverArgs: ['--rate', '0'] })
    const scene = await Scene.setUp(t, fleet)
    const [one] = fleet.servers
    assert.ok(one)
    const two = await fleet.addServer()
    await fleet.complete()
    assert.deepEqual(await scene.heldAt(two), scene.asDecided, 'at a server that is the home of nothing')
    assert.deepEqual(await scene.homes(), [one.id])
    assert.deepEqual(await scene.heldAt(one), scene.asDecided, 'at the home')

    one.kill('SIGKILL')
    await one.exited
    assert.deepEqual(await scene.heldAt(two), scene.asDecided, 'at the next home')
    assert.deepEqual(await scene.homes(), [two.id])
    await one.restart()
    await fleet.complete()
    assert.deepEqual(await scene.heldAt(one), scene.asDecided, 'at the home that was')

    await Promise.all([fleet.loadbalancer, one, two].map((part) => part.restart()))
    await fleet.complete()
    for (const server of [one, two])
      assert.deepEqual(await scene.heldAt(server), scene.asDecided, `restarted: ${server.name}`)

    await loseDirectory(fleet)
    for (const server of [one, two])
      assert.deepEqual(await scene.heldAt(server), scene.asDecided, `without the directory: ${server.name}`)
  })
})

describe('what is deleted', () => {
  test('a room is in no file of any server, those included that were down; its id stays dead', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const ann = await Account.signUp(t, fleet, 'ann')
    const ben = await Account.signUp(t, fleet, 'ben')
    const room = await ann.makeRoom('private', 'Zanzibar')
    await ann.does(`PATCH /api/rooms/${room}`, { topic: 'Quagmire' })
    await ann.does(`POST /api/rooms/${room}/invite`, { username: 'ben' })
    await ben.does(`POST /api/rooms/${room}/join`, {})
    const [one] = fleet.servers
    assert.ok(one)
    const said = 'Xylophone'
    const words = [said, 'Quagmire', 'Zanzibar']
    await says(await ann.enter(one), room, `${said} at the first home`)
    const two = await fleet.addServer()
    await fleet.complete()
    await says(await ben.enter(two), room, `${said} from elsewhere`)
    one.kill('SIGKILL')
    await one.exited
    await says(await ann.enter(two), room, `${said} at the next home`)
    for (const server of [one, two]) assert.ok(holds(server, said), server.name)

    assert.deepEqual(await ann.does(`DELETE /api/rooms/${room}`), { pending: 1 })
    for (const word of words) assert.ok(!holds(two, word), word)
    assert.ok(holds(one, said))
    await one.restart()
    await until('the one that was down has erased it', () => !holds(one, said))
    const isDead = async () => {
      await fleet.complete()
      const parts: FleetProcess[] = [one, two, fleet.loadbalancer]
      for (const word of words)
        for (const part of parts) assert.ok(!holds(part, word), `${word}: ${part.name}`)
      for (const server of [one, two]) {
        const socket = await ann.enter(server)
        assert.equal(await codeOf(socket, { type: 'join', room }), 'no_such_room')
      }
      for (const line of ['GET', 'POST', 'DELETE'])
        assert.equal((await ann.asks(`${line} /api/rooms/${room}`)).code, 'no_such_room')
      assert.equal((await ben.asks(`POST /api/rooms/${room}/join`, {})).code, 'no_such_room')
    }
    await isDead()
    await Promise.all([fleet.loadbalancer, one, two].map((part) => part.restart()))
    await isDead()
    await loseDirectory(fleet)
    await isDead()
  })

  test('an account has no name any more in what it said and in what was done to it, on any server', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const ann = await Account.signUp(t, fleet, 'ann')
    const ben = await Account.signUp(t, fleet, 'Benvenuto')
    const rooms: RoomId[] = ['general']
    for (let homes = new Set<unknown>(); homes.size < 2;) {
      const room = await ann.makeRoom(rooms.length === 1 ? 'private' : 'public')
      homes.add((await ann.does(`POST /api/rooms/${room}`))['home'])
      rooms.push(room)
    }
    const [one, two] = fleet.servers
    assert.ok(one && two)
    const benHears = await ben.enter(one)
    for (const room of rooms.slice(1)) {
      await ann.does(`POST /api/rooms/${room}/invite`, { username: ben.name })
      await ben.does(`POST /api/rooms/${room}/join`, {})
      await ann.does(`POST /api/rooms/${room}/role`, { user: ben.id, role: 'moderator' })
      await ann.does(`POST /api/rooms/${room}/mute`, { user: ben.id, minutes: 1 })
      await ann.does(`POST /api/rooms/${room}/unmute`, { user: ben.id })
    }
    for (const room of rooms) await says(benHears, room, 'words that stay')
    const annHears = await Promise.all(fleet.servers.map((server) => ann.enter(server)))
    for (const socket of annHears) for (const room of rooms) await socket.join(room)

    await ben.does('DELETE /api/me', { password: Account.PASSWORD })
    assert.equal(await benHears.closeCode(), 4403)
    for (const server of fleet.servers) assert.equal(await ben.refusedBy(server), 401)
    for (const room of rooms) {
      for (const [at, socket] of annHears.entries()) {
        const read = async () => {
          const answer = await socket.asks({ type: 'history', room, limit: 50 })
          assert.equal(answer.type, 'history')
          return answer.type === 'history' ? answer.entries : []
        }
        await until(
          `the name is gone from ${room} at server ${at}`,
          async () => !JSON.stringify(await read()).includes(ben.name),
        )
        const said = (await read()).find(({ type }) => type === 'message')
        assert.ok(said?.type === 'message')
        assert.deepEqual([said.user, said.text], [{ id: ben.id, name: 'deleted user' }, 'words that stay'])
      }
    }
    const [, room] = rooms
    for (const call of ['members', 'audit', 'export'])
      assert.ok(!(await ann.asks(`GET /api/rooms/${room}/${call}`)).text.includes(ben.name), call)
  })
})

/** Rooms in which something was decided, and those it is about. */
class Scene {
  /** What everybody finds, wherever he asks. */
  readonly asDecided = {
    'a member speaks': 'ack',
    'who is muted enters': 'joined',
    'who is muted speaks': 'forbidden',
    'who is banned enters': 'forbidden',
    'who is banned becomes a member': 'forbidden',
    'who was removed enters': 'no_such_room',
    'who was removed looks': 'no_such_room',
    'a stranger enters': 'no_such_room',
    'a guest enters': 'no_such_room',
    'a stranger lists it': false,
    'a stranger changes it': 'no_such_room',
    'who speaks too soon': 'rate_limited',
    'the owner speaks in an archived room': 'forbidden',
    'a stranger enters an archived room': 'no_such_room',
    'who was blocked speaks': 'forbidden',
    'who blocked speaks': 'forbidden',
    'a stranger enters a room of two': 'no_such_room',
    'a member deletes what another said': 'forbidden',
    'a moderator mutes': 'done',
  }
  readonly #people: People
  readonly #rooms: Places
  /** What the owner said in the square. */
  readonly #seq: number
  #looks = 0

  private constructor(people: People, rooms: Places, seq: number) {
    this.#people = people
    this.#rooms = rooms
    this.#seq = seq
  }

  static async setUp(t: TestContext, fleet: LocalFleet): Promise<Scene> {
    const names = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay'] as const
    const [ann, ben, cat, dan, eve, fay] = (await Promise.all(
      names.map((name) => Account.signUp(t, fleet, name)),
    )) as [Account, Account, Account, Account, Account, Account]
    const guest = await Account.asGuest(t, fleet, 'passer-by')
    const [server] = fleet.servers
    assert.ok(server)
    const square = await ann.makeRoom('public', 'Square')
    for (const one of [ben, cat, dan, eve]) await one.does(`POST /api/rooms/${square}/join`, {})
    const hears = await ann.enter(server)
    const seq = await says(hears, square, 'mind your manners')
    await ann.does(`POST /api/rooms/${square}/ban`, { user: cat.id, reason: 'rude' })
    await ann.does(`POST /api/rooms/${square}/mute`, { user: dan.id, minutes: 600 })
    await ann.does(`POST /api/rooms/${square}/role`, { user: eve.id, role: 'moderator' })
    const plans = await ann.makeRoom('private')
    await ann.does(`POST /api/rooms/${plans}/invite`, { username: 'eve' })
    await eve.does(`POST /api/rooms/${plans}/join`, {})
    await ann.does(`POST /api/rooms/${plans}/remove`, { user: eve.id })
    const slow = await ann.makeRoom('public', 'Library')
    await ann.does(`PATCH /api/rooms/${slow}`, { slowMs: HOUR_MS })
    const attic = await ann.makeRoom('private', 'Attic')
    await says(hears, attic, 'the end')
    await ann.does(`PATCH /api/rooms/${attic}`, { archived: true })
    const between = (await ann.does('POST /api/direct', { username: 'ben' }))['roomId'] as RoomId
    await says(hears, between, 'hello Ben')
    await ben.does(`PUT /api/blocks/${ann.id}`)
    hears.close()
    return new Scene({ ann, ben, cat, dan, eve, fay, guest }, { square, plans, slow, attic, between }, seq)
  }

  /** What is found by those who come to this server. */
  async heldAt(server: FleetProcess): Promise<Scene['asDecided']> {
    const { ann, ben, cat, dan, eve, fay, guest } = this.#people
    const { square, plans, slow, attic, between } = this.#rooms
    const id = `look ${(this.#looks += 1)}`
    const asks = async (who: Account, ...frames: object[]) => {
      const client = await who.enter(server)
      let code = ''
      for (const frame of frames) code = await codeOf(client, frame)
      client.close()
      return code
    }
    const enters = (who: Account, room: RoomId) => asks(who, { type: 'join', room })
    const speaks = (who: Account, room: RoomId) =>
      asks(who, { type: 'join', room }, { type: 'send', room, id, text: 'well' })
    const calls = async (who: Account, line: string, body?: object) =>
      (await who.asks(line, body)).code ?? 'done'
    const list = (await fay.asks('GET /api/rooms')).body as unknown as { roomId: string }[]
    const hasListed = list.some(({ roomId }) => [plans, attic, between].includes(roomId))
    return {
      'a member speaks': await speaks(ben, square),
      'who is muted enters': await enters(dan, square),
      'who is muted speaks': await speaks(dan, square),
      'who is banned enters': await enters(cat, square),
      'who is banned becomes a member': await calls(cat, `POST /api/rooms/${square}/join`, {}),
      'who was removed enters': await enters(eve, plans),
      'who was removed looks': await calls(eve, `GET /api/rooms/${plans}/members`),
      'a stranger enters': await enters(fay, plans),
      'a guest enters': await enters(guest, plans),
      'a stranger lists it': hasListed,
      'a stranger changes it': await calls(fay, `PATCH /api/rooms/${plans}`, { topic: 'mine' }),
      'who speaks too soon': await asks(
        ben,
        { type: 'join', room: slow },
        { type: 'send', room: slow, id: `${id} 1`, text: 'one' },
        { type: 'send', room: slow, id: `${id} 2`, text: 'two' },
      ),
      'the owner speaks in an archived room': await speaks(ann, attic),
      'a stranger enters an archived room': await enters(fay, attic),
      'who was blocked speaks': await speaks(ann, between),
      'who blocked speaks': await speaks(ben, between),
      'a stranger enters a room of two': await enters(fay, between),
      'a member deletes what another said': await asks(
        ben,
        { type: 'join', room: square },
        { type: 'delete', room: square, id: `${id} d`, target: this.#seq },
      ),
      'a moderator mutes': await calls(eve, `POST /api/rooms/${square}/mute`, { user: dan.id, minutes: 600 }),
    }
  }

  /** The homes of all these rooms, each once. */
  async homes(): Promise<unknown[]> {
    const { ann } = this.#people
    const placed = await Promise.all(
      Object.values(this.#rooms).map((room) => ann.does(`POST /api/rooms/${room}`)),
    )
    return [...new Set(placed.map(({ home }) => home))]
  }
}

type People = Record<'ann' | 'ben' | 'cat' | 'dan' | 'eve' | 'fay' | 'guest', Account>
type Places = Record<'square' | 'plans' | 'slow' | 'attic' | 'between', RoomId>

/** Loses what the balancer knows of rooms. */
async function loseDirectory(fleet: LocalFleet): Promise<void> {
  const { loadbalancer } = fleet
  await loadbalancer.stop()
  const files = readdirSync(loadbalancer.dataDir).filter((name) => name.startsWith('directory.db'))
  assert.ok(files.length > 0)
  for (const name of files) rmSync(join(loadbalancer.dataDir, name))
  await loadbalancer.restart()
  await fleet.complete()
}

/** Whether a word stands anywhere in the files of a process. */
function holds({ dataDir }: FleetProcess, word: string): boolean {
  const files = readdirSync(dataDir, { withFileTypes: true, recursive: true }).filter((file) => file.isFile())
  return files.some(({ parentPath, name }) => {
    try {
      return readFileSync(join(parentPath, name)).includes(word)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false // SQLite removed it meanwhile
      throw error
    }
  })
}

async function says(client: RawClient, room: RoomId, text: string): Promise<number> {
  await client.join(room)
  return client.sendUntilAcked(room, text.replaceAll(' ', '-'), text)
}

/** What a request came to: its code if it was refused, else the type of the answer. */
async function codeOf(client: RawClient, frame: object): Promise<string> {
  const answer = await client.asks(frame)
  return answer.type === 'error' ? answer.code : answer.type
}
