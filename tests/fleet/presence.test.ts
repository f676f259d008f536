import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { atEnd, startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import { Person } from './person.ts'
import { RawClient } from './raw-client.ts'
import { RoomsApi } from './rooms-api.ts'

const PEOPLE = 6
/** A server that is gone keeps its people for 5 s, and one that stands still is gone after 3 s of silence. */
const BACK_FROM = { killed: 4_000, 'stands still': 7_000 }

describe('who is in a room', () => {
  test('is exact through a kill, a pause, a drain of every server and a restart of the balancer: nobody flickers, ghosts go', async (t) => {
    const fleet = await startFleet({ t, servers: 3, serverArgs: ['--rate', '0', '--drain-ms', '600000'] })
    const api = await RoomsApi.open(fleet)
    const people: Person[] = []
    for (let i = 0; i < PEOPLE; i += 1) people.push(await Person.enter(t, `p${i}`, fleet.loadbalancer.url))
    const names = people.map(({ name }) => name)
    const isSettled = (...others: string[]) =>
      until(`everybody sees ${[...names, ...others].join()}`, () =>
        people.every(({ room: { state } }) => {
          const seen = state.members.map(({ name }) => name).sort()
          return state.count === seen.length && seen.join() === [...names, ...others].sort().join()
        }),
      )
    await isSettled()
    const watched = watch(people, names)
    const on = (server: FleetProcess) => people.filter((person) => person.server === server.id)

    // Killed with -9: those who have a client come back elsewhere, the one without is a ghost until the grace is over.
    const home = serverOf(fleet, await api.homeOf('general'))
    assert.ok(on(home).length > 0)
    await enters(t, home, 'ghost')
    await isSettled('ghost')
    const observers = await Promise.all(
      fleet.servers
        .filter((server) => server !== home)
        .map((server, i) => enters(t, server, `observer-${i}`)),
    )
    await isSettled('ghost', 'observer-0', 'observer-1')
    watched.fails('killed', home)
    home.kill('SIGKILL')
    await home.exited
    await isSettled('observer-0', 'observer-1')
    for (const observer of observers) {
      const others = left(observer).filter((name) => !watched.isLate(name))
      assert.deepEqual(others, ['ghost'])
    }
    await home.restart()
    await fleet.complete()

    // Stands still: those on it notice since they speak, and are elsewhere before the grace is over; back again it tells of nobody's end.
    const still = serverOf(fleet, people[0]?.server)
    const moving = on(still)
    const stays = await enters(t, still, 'stays')
    await isSettled('observer-0', 'observer-1', 'stays')
    watched.fails('stands still', still)
    still.kill('SIGSTOP')
    atEnd(t, () => still.kill('SIGCONT'))
    for (const person of moving) person.say('is anybody there?')
    await until('they are elsewhere', () => on(still).length === 0 && people.every(({ server }) => server))
    still.kill('SIGCONT')
    watched.phase = 'goes on'
    stays.say({ type: 'leave', room: 'general' })
    await stays.next('left')
    await isSettled('observer-0', 'observer-1')
    for (const client of [...observers, stays]) client.close() // they follow no `move`
    await isSettled()

    // Drained and started again, one after the other.
    for (const server of fleet.servers) {
      watched.phase = `drained, ${server.id === (await api.homeOf('general')) ? 'home' : 'edge'}`
      server.kill('SIGTERM')
      assert.equal((await server.exited).code, 0)
      await isSettled()
      await server.restart()
      await fleet.complete()
    }
    watched.phase = 'balancer'
    fleet.loadbalancer.kill('SIGKILL')
    await fleet.loadbalancer.exited
    await fleet.loadbalancer.restart()
    await fleet.complete()
    const newcomer = await Person.enter(t, 'newcomer', fleet.loadbalancer.url)
    await isSettled('newcomer')
    newcomer.client.close()
    await isSettled()
    assert.deepEqual(watched.flickers, [])
    for (const { cuts, name } of people) assert.ok(cuts.length <= 1, `${name}: ${cuts.join()}`)
  })

  test('counts two tabs of one person once, and keeps him while one is open, on whichever servers they are', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [a, b] = fleet.servers
    assert.ok(a && b)
    for (const [first, second] of [
      [a, b],
      [b, b],
    ] as const) {
      const observer = await enters(t, a, 'observer')
      const tabs = [await enters(t, first, 'twin'), await enters(t, second, 'twin')]
      await observer.next('presence', ({ join }) => join.some(({ name }) => name === 'twin'))
      // Whoever comes and goes behind the first tab is heard of behind it.
      const marker = await enters(t, first, 'marker')
      await observer.next('presence', ({ join }) => join.some(({ name }) => name === 'marker'))
      tabs[0]?.close()
      marker.close()
      const after = await observer.next('presence', ({ leave }) =>
        leave.some(({ name }) => name === 'marker'),
      )
      assert.equal(after.count, 2)
      assert.deepEqual(left(observer), ['marker'])
      tabs[1]?.close()
      const last = await observer.next('presence', ({ leave }) => leave.some(({ name }) => name === 'twin'))
      assert.equal(last.count, 1)
      observer.close()
    }
  })
})

/**
 * Who was called gone to somebody who had been shown everybody on that connection; filled as it happens. People of a server that
 * fails who come back too late, as on a machine that is slow, are called gone as they should be.
 */
function watch(people: readonly Person[], names: readonly string[]) {
  const away = new Map<string, { since: number; backAt?: number }>()
  let mostMs = 0
  const watched = {
    phase: '',
    flickers: [] as string[],
    /** From now on those on `server` are away. */
    fails(phase: keyof typeof BACK_FROM, { id }: FleetProcess) {
      watched.phase = phase
      mostMs = BACK_FROM[phase]
      away.clear()
      const since = performance.now()
      for (const { name, server, client } of people) {
        if (server !== id) continue
        const one: { since: number; backAt?: number } = { since }
        away.set(name, one)
        const stop = client.subscribe(() => {
          const { connection } = client
          if (connection.status !== 'live' || connection.server === id) return
          one.backAt = performance.now()
          stop()
        })
      }
    },
    isLate(name: string): boolean {
      const one = away.get(name)
      return one !== undefined && (one.backAt ?? performance.now()) - one.since > mostMs
    },
  }
  for (const person of people) {
    const { room, name: watcher } = person
    let shownAllBy = person.server
    room.listen({
      change: () => {
        if (room.state.status !== 'live') return
        const seen = new Set(room.state.members.map(({ name }) => name))
        const missing = names.filter((name) => !seen.has(name))
        if (missing.length === 0) shownAllBy = person.server
        if (missing.length === 0 || shownAllBy !== person.server) return
        const unexpected = missing.filter((name) => !watched.isLate(name))
        if (unexpected.length > 0)
          watched.flickers.push(`${watched.phase}: ${watcher} misses ${unexpected.join()}`)
      },
    })
  }
  return watched
}

async function enters(t: TestContext, server: FleetProcess, name: string): Promise<RawClient> {
  const client = await RawClient.open(server.url, name)
  atEnd(t, () => client.close())
  await client.join('general')
  return client
}

/** Who was called gone, as the client was told. */
function left({ frames }: RawClient): string[] {
  return frames.flatMap((frame) => (frame.type === 'presence' ? frame.leave.map(({ name }) => name) : []))
}

function serverOf(fleet: LocalFleet, id: string | undefined): FleetProcess {
  const found = fleet.servers.find((server) => server.id === id)
  assert.ok(found)
  return found
}
