import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Update } from '@flotilla/protocol/control.ts'
import fc from 'fast-check'
import { seeded } from '../../test/fleet.ts'
import {
  ASSIGNMENT_MS,
  DOWN_MS,
  FORGET_MS,
  LATE_MS,
  LEARN_MS,
  MAX_ALTERNATIVES,
  Registry,
  type KnownServer,
} from './registry.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

/** Long after the start: silence is judged. */
const T0 = 1_000_000

const known = (id: string, given: Partial<KnownServer> = {}): KnownServer => {
  const port = 8_000 + id.charCodeAt(0)
  return { id, url: `ws://h:${port}/ws`, host: 'h', port, capacity: 100, inc: `${id}-1`, ...given }
}
const report = (id: string, n: number, given: Partial<Update> = {}): Update => ({
  ...{ id, inc: `${id}-1`, n, clients: 0, rooms: 0, draining: false, loopDelayMs: 0, commitNo: 0 },
  ...given,
})

/** A registry that has run for long, with these servers registered at T0. */
function registryOf(...ids: string[]): Registry {
  const registry = new Registry(0, seeded(1))
  for (let at = 0; at <= T0; at += 1_000) registry.tick(at)
  for (const id of ids) assert.equal(registry.register(known(id), T0), 'registered')
  return registry
}
/** Lets time pass as the process does. @returns who was to be probed meanwhile */
function pass(registry: Registry, from: number, to: number): string[] {
  const probed: string[] = []
  for (let at = from; at <= to; at += 250) probed.push(...registry.tick(at).map(({ id }) => id))
  return probed
}
const stateOf = (registry: Registry, id: string, now = T0) =>
  registry.rows(now).find((row) => row.id === id)?.state
const chosen = (registry: Registry, now: number) => registry.choose(now)?.server.id
const reported = (registry: Registry, update: Update, now: number) => {
  const outcome = registry.update(update, now)
  return typeof outcome === 'string' ? outcome : outcome.isNew ? 'taken' : 'old'
}
const commands = (registry: Registry, update: Update, now: number) => {
  const outcome = registry.update(update, now)
  assert.ok(typeof outcome !== 'string')
  return outcome.commands
}

describe('runs of a server', () => {
  test('a new run replaces the old one, whose late reports and registrations are refused', () => {
    const registry = registryOf('a')
    assert.equal(reported(registry, report('a', 5, { clients: 9 }), T0), 'taken')
    registry.register(known('a', { inc: 'a-2' }), T0 + 10)
    assert.equal(reported(registry, report('a', 6), T0 + 20), 'stale_incarnation')
    assert.equal(registry.register(known('a'), T0 + 20), 'stale_incarnation')
    assert.ok(registry.isStale('a', 'a-1'))
    assert.equal(reported(registry, report('a', 1, { inc: 'a-2', clients: 3 }), T0 + 30), 'taken')
    assert.equal(registry.rows(T0 + 30)[0]?.clients, 3)
    assert.equal(registry.rows(T0 + 30)[0]?.inc, 'a-2')
  })

  test('a server, or a run of it, that is not registered is told so', () => {
    const registry = registryOf('a')
    assert.equal(reported(registry, report('x', 1), T0), 'unknown_server')
    assert.equal(reported(registry, report('a', 1, { inc: 'never-seen' }), T0), 'unknown_server')
  })

  test('an old report changes nothing, however reports are reordered or repeated', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1 }), (order) => {
        const registry = registryOf('a')
        for (const n of order) registry.update(report('a', n, { clients: n }), T0)
        assert.equal(registry.rows(T0)[0]?.clients, Math.max(...order))
      }),
    )
  })

  test('a second registration of the same run keeps its count of reports', () => {
    const registry = registryOf('a')
    registry.update(report('a', 5, { clients: 4 }), T0)
    registry.register(known('a'), T0 + 10)
    assert.equal(reported(registry, report('a', 5), T0 + 20), 'old')
    assert.equal(registry.rows(T0)[0]?.clients, 4)
  })

  test('another id at the same address replaces who was there', () => {
    const registry = registryOf('a')
    registry.register(known('b', { port: known('a').port }), T0)
    assert.deepEqual(
      registry.rows(T0).map(({ id }) => id),
      ['b'],
    )
    assert.deepEqual(registry.takeChanges(T0).gone, ['a'])
  })
})

describe('health', () => {
  test('silent for three seconds: late, probed, not chosen; silent for six: down; a report brings it back', () => {
    const registry = registryOf('a', 'b')
    for (let at = T0; at <= T0 + DOWN_MS; at += 1_000) registry.update(report('b', at), at)
    assert.deepEqual(pass(registry, T0, T0 + LATE_MS - 1), [])
    assert.equal(stateOf(registry, 'a'), 'up')
    assert.deepEqual(
      registry.tick(T0 + LATE_MS).map(({ id }) => id),
      ['a'],
    )
    assert.equal(stateOf(registry, 'a'), 'late')
    for (let at = 0; at < 20; at += 1) assert.equal(chosen(registry, T0 + LATE_MS), 'b')
    registry.probed('a', 'a-1', 'ok')
    pass(registry, T0 + LATE_MS + 250, T0 + DOWN_MS - 1)
    assert.equal(stateOf(registry, 'a'), 'late')
    registry.tick(T0 + DOWN_MS)
    assert.equal(stateOf(registry, 'a'), 'down')
    assert.equal(reported(registry, report('a', 1), T0 + DOWN_MS + 1), 'taken')
    assert.equal(stateOf(registry, 'a'), 'up')
  })

  test('a late server is probed once a second', () => {
    const registry = registryOf('a')
    assert.equal(pass(registry, T0, T0 + LATE_MS + 1_999).length, 2)
  })

  test('a refused connection, or somebody else at the address, means down at once', () => {
    for (const outcome of ['refused', 'other'] as const) {
      const registry = registryOf('a')
      registry.probed('a', 'a-1', outcome)
      assert.equal(stateOf(registry, 'a'), 'down')
    }
  })

  test('a probe that was not answered proves nothing yet, and one of an earlier run nothing at all', () => {
    const registry = registryOf('a')
    registry.probed('a', 'a-1', 'failed')
    assert.equal(stateOf(registry, 'a'), 'up')
    registry.probed('a', 'a-0', 'refused')
    assert.equal(stateOf(registry, 'a'), 'up')
  })

  test('after its own start the balancer learns before it judges', () => {
    const registry = new Registry(T0, seeded(1), [known('a'), known('b')])
    assert.deepEqual(
      registry.tick(T0).map(({ id }) => id),
      ['a', 'b'],
      'both are probed at once',
    )
    assert.equal(stateOf(registry, 'a'), 'late')
    registry.probed('b', 'b-1', 'refused')
    pass(registry, T0 + 250, T0 + LEARN_MS - 1)
    assert.equal(stateOf(registry, 'a'), 'late', 'silence is not judged yet')
    assert.equal(stateOf(registry, 'b'), 'down', 'a refused connection is')
    assert.equal(chosen(registry, T0 + 1_000), 'a', 'clients are still sent to what may live')
    assert.equal(reported(registry, report('a', 7), T0 + 1_000), 'unknown_server', 'it has to register')
    registry.tick(T0 + LEARN_MS)
    assert.equal(stateOf(registry, 'a'), 'down')
  })

  test('after standing still itself, the balancer hears the others out first', () => {
    const registry = registryOf('a')
    const awake = T0 + 60_000
    registry.tick(awake)
    assert.equal(stateOf(registry, 'a'), 'up')
    pass(registry, awake + 250, awake + LATE_MS)
    assert.equal(stateOf(registry, 'a'), 'down', 'nothing was heard in the time it had')
  })

  test('one that is down for an hour is forgotten', () => {
    const registry = registryOf('a')
    pass(registry, T0, T0 + FORGET_MS)
    assert.deepEqual(registry.rows(T0 + FORGET_MS), [])
  })
})

describe('when most look ill', () => {
  const silence = (...probes: ('ok' | 'failed' | 'refused')[]) => {
    const registry = registryOf('a', 'b', 'c')
    pass(registry, T0, T0 + LATE_MS)
    ;['b', 'c'].forEach((id, at) => registry.probed(id, `${id}-1`, probes[at] ?? 'ok'))
    registry.update(report('a', 1, { clients: 70 }), T0 + LATE_MS)
    return new Set(Array.from({ length: 20 }, () => chosen(registry, T0 + LATE_MS)))
  }

  test('less than half healthy: those that may live are used, too', () => {
    assert.deepEqual(silence('ok', 'ok'), new Set(['b', 'c']), 'they have less to do than a')
  })
  test('those proven dead, or without an answer, are not', () => {
    assert.deepEqual(silence('refused', 'failed'), new Set(['a']))
  })
  test('half of them healthy is enough to go without the others', () => {
    const registry = registryOf('a', 'b')
    pass(registry, T0, T0 + LATE_MS)
    registry.update(report('a', 1, { clients: 90 }), T0 + LATE_MS)
    assert.equal(chosen(registry, T0 + LATE_MS), 'a')
  })
  test('a draining one is refused even then', () => {
    const registry = registryOf('a', 'b')
    registry.update(report('a', 1, { draining: true }), T0)
    registry.probed('b', 'b-1', 'refused')
    assert.equal(chosen(registry, T0), undefined)
  })
  test('nobody is left when all are proven dead', () => {
    const registry = registryOf('a')
    registry.probed('a', 'a-1', 'refused')
    assert.equal(registry.choose(T0), undefined)
  })
})

describe('the choice', () => {
  const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

  for (const arrive of [true, false]) {
    test(`10,000 choices spread evenly while reports come in, ${arrive ? 'with' : 'without'} the clients arriving`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.nat(999), { minLength: 8, maxLength: 8 }),
          fc.integer({ min: 1, max: 8_000 }),
          fc.integer(),
          (phases, lastsMs, seed) => {
            const registry = new Registry(0, seeded(seed))
            IDS.forEach((id) => registry.register(known(id, { capacity: 100_000 }), 0))
            const got = new Map(IDS.map((id) => [id, 0]))
            let reportedUpTo = -1
            for (let at = 0; at < 10_000; at += 1) {
              const now = Math.floor((at * lastsMs) / 10_000)
              for (; reportedUpTo < now; reportedUpTo += 1) {
                IDS.forEach((id, index) => {
                  if ((reportedUpTo + 1) % 1_000 !== phases[index]) return
                  registry.update(
                    report(id, reportedUpTo + 1, { clients: arrive ? (got.get(id) ?? 0) : 0 }),
                    now,
                  )
                })
              }
              const id = chosen(registry, now) as string
              got.set(id, (got.get(id) ?? 0) + 1)
            }
            const max = Math.max(...got.values())
            assert.ok(max / 1_250 <= 1.05, `${max / 1_250}`)
          },
        ),
        { numRuns: 15 },
      )
    })
  }

  test('an assignment that never arrives is forgotten after two report periods', () => {
    const registry = registryOf('a', 'b')
    registry.update(report('b', 1, { clients: 1 }), T0)
    for (let at = 0; at < 3; at += 1) registry.choose(T0) // a, then both tie
    registry.update(report('b', 2, { clients: 1 }), T0 + ASSIGNMENT_MS + 200)
    assert.equal(chosen(registry, T0 + ASSIGNMENT_MS + 200), 'a')
  })

  test('a full fleet is no fleet', () => {
    const registry = registryOf('a')
    registry.update(report('a', 1, { clients: 100 }), T0)
    assert.equal(registry.choose(T0), undefined)
  })

  test("a room's home is preferred, unless it drains, is late, or is nearly full", () => {
    const registry = registryOf('a', 'b')
    const choose = () => registry.choose(T0, 'a')
    registry.update(report('a', 1, { clients: 20 }), T0)
    assert.deepEqual([choose()?.server.id, choose()?.isHome], ['a', true])
    registry.update(report('a', 2, { clients: 95 }), T0)
    assert.equal(choose()?.server.id, 'b')
    registry.update(report('a', 3, { clients: 0, draining: true }), T0)
    assert.equal(choose()?.server.id, 'b')
    registry.update(report('a', 4), T0)
    registry.drain('a', true)
    assert.equal(choose()?.server.id, 'b')
  })

  test('alternatives are the other usable ones, the least loaded first, at most eight', () => {
    const ids = [...IDS, 'i', 'j', 'k']
    const registry = registryOf(...ids)
    ids.forEach((id, at) => registry.update(report(id, 1, { clients: at, draining: id === 'b' }), T0))
    const { alternatives = [] } = registry.choose(T0) ?? {}
    assert.equal(alternatives.length, MAX_ALTERNATIVES)
    assert.deepEqual(alternatives.slice(0, 2), [known('c').url, known('d').url])
  })

  test('a server that joins a fleet with clients starts slowly; one that starts with the fleet does not', () => {
    const registry = registryOf('a', 'b', 'c', 'd')
    const shareOfNew = () => {
      const ids = Array.from({ length: 40 }, () => chosen(registry, T0 + 1))
      return ids.filter((id) => id === 'n').length / ids.length
    }
    registry.register(known('n'), T0)
    assert.equal(shareOfNew(), 0.2, 'idle: its even share exactly')
    for (const id of ['a', 'b', 'c', 'd']) registry.update(report(id, 1, { clients: 50 }), T0)
    registry.register(known('n', { inc: 'n-2' }), T0)
    const share = shareOfNew()
    assert.ok(share > 0.2 && share < 0.8, `${share}`)
  })
})

describe('what servers are told', () => {
  const telling = (ids: string[]) => [
    {
      type: 'servers',
      servers: ids.map((id) => ({ id, url: known(id).url, host: 'h', port: known(id).port })),
    },
  ]

  test('the other servers that are up: in the first answer of a run, and after each change', () => {
    const registry = registryOf('a', 'b')
    assert.deepEqual(commands(registry, report('a', 1), T0), telling(['b']))
    assert.deepEqual(commands(registry, report('a', 2), T0), [])
    registry.register(known('c'), T0)
    assert.deepEqual(commands(registry, report('a', 3), T0), telling(['b', 'c']))
    registry.update(report('b', 1, { draining: true }), T0)
    assert.deepEqual(commands(registry, report('a', 4), T0), telling(['c']))
    registry.register(known('a', { inc: 'a-2' }), T0)
    assert.deepEqual(commands(registry, report('a', 1, { inc: 'a-2' }), T0), telling(['c']))
  })

  test('the list is told again after a while, since an answer may be lost', () => {
    const registry = registryOf('a', 'b')
    commands(registry, report('a', 1), T0)
    assert.deepEqual(commands(registry, report('a', 2), T0 + 10_000), telling(['b']))
  })

  test('a drain is told until the server reports it, since an answer may be lost, and it gets no clients from then on', () => {
    const registry = registryOf('a')
    const orders = (n: number, draining: boolean) =>
      commands(registry, report('a', n, { draining }), T0)
        .map(({ type }) => type)
        .filter((type) => type !== 'servers')
    assert.deepEqual(orders(1, false), [])
    assert.ok(registry.drain('a', true))
    assert.equal(registry.choose(T0), undefined)
    assert.equal(registry.choose(T0, 'a'), undefined)
    assert.equal(stateOf(registry, 'a'), 'draining')
    assert.deepEqual(orders(2, false), ['drain'])
    assert.deepEqual(orders(3, false), ['drain'])
    assert.deepEqual(orders(4, true), [])
    assert.equal(registry.drain('x', true), false)
  })

  test('a drain that is taken back is told until the server serves again, which is then chosen', () => {
    const registry = registryOf('a')
    const orders = (n: number, draining: boolean) =>
      commands(registry, report('a', n, { draining }), T0)
        .map(({ type }) => type)
        .filter((type) => type !== 'servers')
    registry.drain('a', true)
    orders(1, true)
    registry.drain('a', false)
    assert.equal(registry.choose(T0), undefined)
    assert.deepEqual(orders(2, true), ['cancel-drain'])
    assert.deepEqual(orders(3, true), ['cancel-drain'])
    assert.deepEqual(orders(4, false), [])
    assert.equal(chosen(registry, T0), 'a')
    // What it does from here on is its own decision.
    assert.deepEqual(orders(5, true), [])
  })
})

describe('how a server stands as the home of its rooms', () => {
  test('it is gone when its connection is refused, or when it was silent for three seconds and deaf to a probe', () => {
    const registry = registryOf('a', 'b')
    registry.probed('a', 'a-1', 'refused')
    assert.equal(registry.standing('a', T0), 'gone')
    registry.probed('b', 'b-1', 'failed')
    assert.equal(registry.standing('b', T0), 'here', 'a probe that failed alone proves nothing')
    pass(registry, T0, T0 + LATE_MS)
    assert.equal(registry.standing('b', T0 + LATE_MS), 'gone')
    assert.equal(reported(registry, report('b', 1), T0 + LATE_MS), 'taken')
    assert.equal(registry.standing('b', T0 + LATE_MS), 'here')
  })

  test('it leaves while it drains, by its own word or by order', () => {
    const registry = registryOf('a', 'b')
    registry.update(report('a', 1, { draining: true }), T0)
    registry.drain('b', true)
    assert.deepEqual([registry.standing('a', T0), registry.standing('b', T0)], ['leaving', 'leaving'])
  })

  test('after the start of the balancer nobody is gone who has not yet had the time to register again', () => {
    const registry = new Registry(T0, seeded(1), [known('a')])
    registry.probed('a', 'a-1', 'refused')
    assert.equal(registry.standing('a', T0 + 1), 'here')
    assert.equal(registry.standing('unknown', T0 + 1), 'here')
    pass(registry, T0, T0 + LEARN_MS)
    assert.equal(registry.standing('a', T0 + LEARN_MS), 'gone')
    assert.equal(registry.standing('unknown', T0 + LEARN_MS), 'gone')
  })
})
