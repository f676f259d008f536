import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { atEnd, startFleet, until } from './harness.ts'
import { Person } from './person.ts'
import { RawClient } from './raw-client.ts'
import { RoomsApi, storedRoom } from './rooms-api.ts'
import { assertNothingLost } from './talk.ts'

/** So long after its start a balancer judges those it has not heard of. */
const LEARN_MS = 8_000
/** A machine that itself stands still leaves no time for what has to happen before that; hardly so often in a row. */
const TRIES = 10

describe('a balancer that is killed and started again', () => {
  test('knows every server again soon, and nobody who chats notices', async (t) => {
    const fleet = await startFleet({ t, servers: 3, serverArgs: ['--rate', '0'] })
    const people = await Person.oneOnEachServer(t, fleet)
    const talk = async (text: string) => {
      for (const person of people) person.say(`${text} by ${person.name}`)
      await Promise.all(
        people.flatMap((listener) => people.map(({ name }) => listener.hears(`${text} by ${name}`))),
      )
    }
    await talk('before')
    fleet.loadbalancer.kill('SIGKILL')
    await fleet.loadbalancer.exited
    await talk('without a balancer')
    await fleet.loadbalancer.restart()
    const readyAt = performance.now()
    await fleet.complete()
    t.diagnostic(
      `registry complete ${Math.round(performance.now() - readyAt)} ms after the balancer was ready`,
    )
    await talk('after')

    for (const person of people) {
      assert.deepEqual(person.statuses, [], `${person.name} kept the connection`)
      assert.deepEqual(person.refused, [])
    }
    await Person.enter(t, 'newcomer', fleet.loadbalancer.url)
  })

  test('is not needed to resume elsewhere, by `alternatives`, when a server dies; the rooms of the dead wait for it, no others', async (t) => {
    const fleet = await startFleet({ t, servers: 3, serverArgs: ['--rate', '0'] })
    const api = await RoomsApi.open(fleet)
    const people = await Person.oneOnEachServer(t, fleet)
    for (const person of people) person.say('before')
    await until('all is acked', () => people.every(({ acks }) => acks.size === 1))
    const home = await api.homeOf('general')
    const doomed = fleet.servers.find(({ id }) => id !== home)
    const [moving] = people.filter(({ server }) => server === doomed?.id)
    assert.ok(doomed && moving)

    fleet.loadbalancer.kill('SIGKILL')
    await fleet.loadbalancer.exited
    doomed.kill('SIGKILL')
    await doomed.exited
    for (const person of people) person.say('without balancer and server')
    await until('he is elsewhere', () => moving.server !== undefined && moving.server !== doomed.id)
    await assertNothingLost(people)

    // Now the home dies, too: nobody else may decide where its rooms go. What is typed waits.
    const last = fleet.servers.find(({ id }) => id !== home && id !== doomed.id)
    const dead = fleet.servers.find(({ id }) => id === home)
    assert.ok(last && dead)
    dead.kill('SIGKILL')
    await dead.exited
    for (const person of people) person.say('without a home')
    await until('all are on the last server', () => people.every(({ server }) => server === last.id), {
      timeoutMs: 60_000,
    })
    assert.equal(storedRoom(last, 'general'), undefined)
    await fleet.loadbalancer.restart()
    await assertNothingLost(people)
    assert.equal(await api.homeOf('general'), last.id)
    assert.ok((storedRoom(last, 'general')?.epoch ?? 0) > 1)
  })

  test('learns before it judges: servers that come back after it keep their rooms, however many ask for them meanwhile', async (t) => {
    for (let tries = 1; !(await isLearning(t)); tries += 1)
      assert.ok(tries < TRIES, 'it always came too late')
  })

  /** @returns whether all this was while the balancer learnt; if not, it was another test */
  async function isLearning(t: TestContext): Promise<boolean> {
    const fleet = await startFleet({ t, servers: 1, serverArgs: ['--rate', '0'] })
    const api = await RoomsApi.open(fleet)
    const [late] = fleet.servers
    assert.ok(late)
    const rooms: RoomId[] = []
    for (let i = 0; i < 20; i += 1) rooms.push(await api.make(`Room ${i}`))
    const first = await RawClient.open(late.url, 'first')
    for (const room of rooms) {
      await first.join(room)
      await first.sendUntilAcked(room, '1', 'x')
    }
    first.close()
    const epochs = rooms.map((room) => storedRoom(late, room)?.epoch)
    const edge = await fleet.addServer(['--rate', '0'])
    await fleet.complete()
    const asking = await RawClient.open(edge.url, 'asking')
    atEnd(t, () => asking.close())

    // The balancer dies with the home of all rooms, which is only late: it stands still, and then it goes on.
    fleet.loadbalancer.kill('SIGKILL')
    late.kill('SIGSTOP')
    atEnd(t, () => late.kill('SIGCONT'))
    await fleet.loadbalancer.exited
    const startedAt = performance.now()
    const isOver = () => performance.now() - startedAt > LEARN_MS
    await fleet.loadbalancer.restart()
    const askAll = () => asking.say(...rooms.map((room) => ({ type: 'join', room })))
    askAll()
    // Longer than what makes a server late, shorter than what the balancer takes to learn.
    await until('it is late for the balancer', async () => {
      const isLate = (await fleet.registry()).some(
        ({ id, state, ageMs }) => id === late.id && state === 'late' && ageMs > 4_000,
      )
      return isLate || isOver()
    })
    const homes: string[] = []
    for (const room of rooms) homes.push(await api.homeOf(room))
    late.kill('SIGCONT')
    await until('it is heard again', async () =>
      (await fleet.registry()).some(({ id, state }) => id === late.id && state === 'up'),
    )
    if (isOver()) {
      await fleet.stop()
      return false
    }
    for (const home of homes) assert.equal(home, late.id)
    await until(
      'all are joined',
      () => {
        const joined = new Set(
          asking.frames.flatMap((frame) => (frame.type === 'joined' ? [frame.room] : [])),
        )
        if (joined.size < rooms.length) askAll()
        return joined.size === rooms.length
      },
      { everyMs: 500 },
    )
    for (const [i, room] of rooms.entries()) {
      assert.equal(await api.homeOf(room), late.id)
      assert.deepEqual([storedRoom(late, room)?.epoch, storedRoom(late, room)?.movedTo], [epochs[i], null])
      assert.equal(storedRoom(edge, room), undefined)
    }
    return true
  }
})
