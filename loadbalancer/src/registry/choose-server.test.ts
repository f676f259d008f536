import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../../test/fleet.ts'
import { chooseServer, hasRoomToSpare, load, type Candidate } from './choose-server.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

type Server = { -readonly [K in keyof Candidate]: Candidate[K] }
const server = (given: Partial<Server> = {}): Server => ({
  ...{ capacity: 10_000, clients: 0, assigned: 0, ramp: 1 },
  ...given,
})
const anyServer = fc.record({
  capacity: fc.integer({ min: 1, max: 50 }),
  clients: fc.nat(60),
  assigned: fc.nat(20),
  ramp: fc.constantFrom(0, 0.5, 1),
})
const anyFleet = fc.array(anyServer, { maxLength: 12 })
const anySeed = fc.integer()

/** Chooses so many times, counting each as assigned. @returns how many each server got */
function chooseMany(fleet: Server[], times: number, random: () => number): number[] {
  const got = new Map(fleet.map((one) => [one, 0]))
  for (let at = 0; at < times; at += 1) {
    const chosen = chooseServer(fleet, random)
    assert.ok(chosen)
    chosen.assigned += 1
    got.set(chosen, (got.get(chosen) ?? 0) + 1)
  }
  return [...got.values()]
}
const maxToMean = (counts: number[]) =>
  (Math.max(...counts) * counts.length) / counts.reduce((sum, count) => sum + count, 0)

describe('the choice of a server', () => {
  test('one is chosen if and only if one has room, and never a full one', () => {
    fc.assert(
      fc.property(anyFleet, anySeed, (fleet, seed) => {
        const chosen = chooseServer(fleet, seeded(seed))
        assert.equal(chosen === undefined, !fleet.some((one) => load(one) < 1))
        if (chosen) assert.ok(load(chosen) < 1)
      }),
    )
  })

  test('among settled servers it is always one of the least loaded', () => {
    fc.assert(
      fc.property(anyFleet, anySeed, (fleet, seed) => {
        const settled = fleet.map((one) => ({ ...one, ramp: 1 }))
        const chosen = chooseServer(settled, seeded(seed))
        if (chosen) assert.equal(load(chosen), Math.min(...settled.map(load)))
      }),
    )
  })

  test('each of those that tie is chosen about as often', () => {
    const fleet = [server(), server(), server(), server()]
    const random = seeded(7)
    const counts = fleet.map(() => 0)
    for (let at = 0; at < 4_000; at += 1) {
      const chosen = fleet.indexOf(chooseServer(fleet, random) as Server)
      counts[chosen] = (counts[chosen] ?? 0) + 1
    }
    assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1_150, counts.join(' '))
  })

  test('equal servers fill alike: no two are ever more than one client apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(500), anySeed, (size, times, seed) => {
        const fleet = Array.from({ length: size }, () => server())
        const counts = chooseMany(fleet, times, seeded(seed))
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
      }),
    )
  })

  test('servers of other sizes fill by their capacity', () => {
    const fleet = [server({ capacity: 1_000 }), server({ capacity: 3_000 })]
    assert.deepEqual(chooseMany(fleet, 2_000, seeded(1)), [500, 1_500])
  })

  test('those that were sent away count before they are reported', () => {
    const busy = server({ clients: 1, assigned: 2 })
    const calm = server({ clients: 2 })
    assert.equal(chooseServer([busy, calm], seeded(1)), calm)
  })
})

describe('slow start', () => {
  test('a server that joins a loaded fleet gets about twice its even share at first, not everything', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const fleet = [server({ ramp: 0 }), ...Array.from({ length: 7 }, () => server({ clients: 5_000 }))]
        const [newcomer = 0] = chooseMany(fleet, 800, seeded(seed))
        assert.ok(newcomer > 120 && newcomer < 280, `${newcomer} of 800`)
      }),
      { numRuns: 50 },
    )
  })

  test('once it is through, it gets all until it is level with the others', () => {
    const fleet = [server(), server({ clients: 100 }), server({ clients: 100 })]
    assert.deepEqual(chooseMany(fleet, 100, seeded(1)), [100, 0, 0])
  })

  test('new and old servers of an idle fleet fill alike', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 0.3, 1), { minLength: 8, maxLength: 8 }),
        anySeed,
        (ramps, seed) => {
          const fleet = ramps.map((ramp) => server({ ramp }))
          assert.ok(maxToMean(chooseMany(fleet, 10_000, seeded(seed))) <= 1.05)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('with all others full the new one takes everybody', () => {
    const fleet = [server({ ramp: 0 }), server({ clients: 10_000 })]
    assert.deepEqual(chooseMany(fleet, 50, seeded(3)), [50, 0])
  })
})

describe('the home of a room is preferred', () => {
  const others = [server({ clients: 1_000 }), server({ clients: 1_000 })]
  test('while it is below nine tenths of its capacity', () => {
    const home = server({ clients: 8_999 })
    assert.ok(hasRoomToSpare(home, [home, server({ clients: 8_000 })]))
    home.clients += 1
    assert.ok(!hasRoomToSpare(home, [home, server({ clients: 8_000 })]))
  })
  test('while it is not far above the mean of all', () => {
    const home = server({ clients: 3_000 })
    assert.ok(hasRoomToSpare(home, [home, ...others]))
    home.clients = 6_000
    assert.ok(!hasRoomToSpare(home, [home, ...others]))
  })
})
