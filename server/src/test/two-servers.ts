import assert from 'node:assert/strict'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { MemoryNetwork } from '../bus/memory-bus.ts'
import { Committer } from '../rooms/committer.ts'
import type { Directory } from '../rooms/directory.ts'
import { Rooms } from '../rooms/rooms.ts'
import { MemoryDisk, MemoryStore } from '../store/memory-store.ts'
import { FakeClock } from './fake-clock.ts'

/**
 * Servers a and b over a memory bus; every room is at `home`, until a leaves. What a says to b waits while `isHeld`, and so
 * does the directory's answer to a while `isAsking`. `genesis`: what the rooms were made as; where it is absent, public.
 */
export function openTwoServers(genesis?: Genesis) {
  const clock = new FakeClock()
  const held: (() => void)[] = []
  const asked: (() => void)[] = []
  const world = { isHeld: false, isAsking: false, home: 'a', epoch: 1, held, asked }
  const network = new MemoryNetwork({
    message: (from, _to, run) => (world.isHeld && from === 'a' ? void held.push(run) : run()),
    state: (_from, _to, run) => run(),
  })
  const disks = new Map([
    ['a', new MemoryDisk()],
    ['b', new MemoryDisk()],
  ])
  const moves: string[] = []
  const stores = new Map<string, MemoryStore>()
  const start = (self: string) => {
    const store = new MemoryStore({ self, disk: disks.get(self)!, disks })
    stores.set(self, store)
    const directory: Directory = {
      async place(room, why) {
        if (world.isAsking && self === 'a') await new Promise<void>((answer) => asked.push(answer))
        if (why?.leaving === true && world.home === self) Object.assign(world, { home: 'b', epoch: 2 })
        const { home, epoch } = world
        return {
          ...{ room, epoch, visibility: 'public' as const },
          home: { id: home, url: `ws://${home}/ws`, host: home, port: 1 },
          ...(genesis === undefined ? {} : { genesis }),
          from: home === 'b' ? [{ id: 'a', dataDir: '' }] : [],
        }
      },
      taken: () => {},
    }
    return new Rooms(
      {
        ...{ self, clock, store, directory, bus: network.join(self), random: () => 0.5, note: () => {} },
        committer: new Committer({
          ...{ store, clock, onLost: (cause) => assert.fail(cause as Error) },
          counters: { commits: 0, commitNo: 0, waiting: 0, begin: () => () => {} },
        }),
        feedCounters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
        nextRequest: () => 1,
        moved: (how) => moves.push(`${self} ${how}`),
      },
      [],
    )
  }
  return { world, network, clock, moves, stores, a: start('a'), b: start('b') }
}
