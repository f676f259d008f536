import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeEntry, type Entry } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { MemoryDisk, MemoryStore } from './memory-store.ts'
import type { StoreWorld } from './store.contract.ts'
import { ANN, BOB } from './test/drafts.ts'
import type { Batch, Committed, Draft, Store } from './store.ts'

/** The same histories each time: whoever changes a store may try others, and its check does not fail by luck. */
const SEED = 1
const SERVERS = ['a', 'b', 'c']
const ROOMS = ['x', 'y', 'z']
const IDS = ['1', '2', '3', '4', '5', '6']

type Step =
  | { do: 'append'; server: string; batch: Batch }
  | { do: 'take'; server: string; room: string; epoch: number; from: string[]; genesis: Genesis | undefined }
  | { do: 'read'; server: string; room: string; side: { after: number } | { before: number }; limit: number }
  | { do: 'reopen'; server: string }
  | { do: 'renew'; server: string; above: number }
  | { do: 'audit'; server: string; room: string; before: number | undefined; limit: number }
  | { do: 'sent'; server: string; user: string }
  | { do: 'forget'; server: string; room: string; beforeTs: number }
  | { do: 'erase'; server: string; room: string }

const server = fc.constantFrom(...SERVERS)
const room = fc.constantFrom(...ROOMS)
const epoch = fc.integer({ min: 1, max: 9 })
const seq = fc.integer({ min: 0, max: 12 })
const said: fc.Arbitrary<Draft> = fc
  .record({
    id: fc.constantFrom(...IDS),
    user: fc.constantFrom(ANN, BOB),
    type: fc.constant('message' as const),
    ts: fc.integer({ min: 1, max: 2_000_000_000_000 }),
    text: fc.constantFrom('same', 'same', 'same', 'other'),
    after: fc.option(fc.constantFrom(...IDS), { nil: undefined, freq: 3 }),
    replyTo: fc.option(seq, { nil: undefined, freq: 8 }),
    onlyIfThere: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, true as const),
  })
  .map(({ after, replyTo, onlyIfThere, ...rest }) => ({
    ...rest,
    ...(onlyIfThere && { onlyIfThere }),
    ...(after !== undefined && { after }),
    ...(replyTo !== undefined && { replyTo }),
  }))
/** What is about another entry, or about the room. */
const about: fc.Arbitrary<Draft> = fc
  .record({
    id: fc.constantFrom(...IDS),
    user: fc.constantFrom(ANN, BOB),
    ts: fc.integer({ min: 1, max: 2_000_000_000_000 }),
    target: seq,
    rule: fc.constantFrom('author' as const, 'exists' as const, undefined),
    what: fc.constantFrom('edit', 'delete', 'join', 'ban', 'ban', 'name', 'gone'),
  })
  .map(({ id, user, ts, target, rule, what }): Draft => {
    const base = { id, user, ts }
    if (what === 'edit') return { ...base, type: 'edit', text: 'x', target, ...(rule && { rule }) }
    if (what === 'delete') return { ...base, type: 'delete', target, ...(rule && { rule }) }
    const data = what === 'name' ? { name: 'another' } : { user: user === ANN ? BOB : ANN, n: target }
    return { ...base, type: 'system', event: what, data }
  })
const draft = fc.oneof({ weight: 3, arbitrary: said }, { weight: 1, arbitrary: about })
const batch = fc.array(fc.record({ room, epoch, drafts: fc.array(draft, { maxLength: 8 }) }), {
  maxLength: 4,
})

/** The epoch each server last got for a room, so that most of a random run writes something. */
type Epochs = Map<string, number>

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), server, batch }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      server,
      room,
      epoch,
      from: fc.uniqueArray(server, { maxLength: 3 }),
      genesis: fc.option(
        fc.record(
          {
            name: fc.constantFrom('one', 'two'),
            visibility: fc.constantFrom('public' as const, 'private' as const),
            createdAt: fc.constant(1),
            createdBy: fc.constantFrom(ANN, BOB),
          },
          { noNullPrototype: true },
        ),
        { nil: undefined, freq: 2 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      server,
      room,
      side: fc.oneof(fc.record({ after: seq }), fc.record({ before: seq })),
      limit: fc.integer({ min: 0, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const), server }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('renew' as const),
      server,
      above: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('audit' as const),
      server,
      room,
      before: fc.option(seq, { nil: undefined }),
      limit: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('sent' as const), server, user: fc.constantFrom(ANN.id, BOB.id) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      server,
      room,
      beforeTs: fc.integer({ min: 1, max: 2_000_000_000_000 }),
    }),
  },
)
const lastStep: fc.Arbitrary<Step> = fc.record({ do: fc.constant('erase' as const), server, room })
const steps = fc
  .tuple(
    fc.array(step, { minLength: 20, maxLength: 60 }),
    fc.array(fc.oneof(step, lastStep), { maxLength: 20 }),
  )
  .map(([first, last]) => [...first, ...last])

/**
 * Runs random histories through the adapter and the memory store alike; every answer must be the same. `canForget`: rooms are
 * whole, so that what is old can be forgotten at any time.
 */
export function describeAgainstModel(
  name: string,
  newWorld: () => StoreWorld,
  runs: number,
  canForget = false,
): void {
  test(`${name} answers random histories as the memory store does`, async () => {
    const asserted = fc.asyncProperty(steps, async (all) => {
      const world = newWorld()
      try {
        await compare(world, canForget ? all : all.filter((one) => one.do !== 'forget'))
      } finally {
        await world.end()
      }
    })
    await fc.assert(asserted, { seed: SEED, numRuns: runs, endOnFailure: true })
  })
}

async function compare(world: StoreWorld, steps: readonly Step[]): Promise<void> {
  const disks = new Map(SERVERS.map((id) => [id, new MemoryDisk()]))
  const models = new Map(
    SERVERS.map((id) => [id, new MemoryStore({ self: id, disk: disks.get(id)!, disks })]),
  )
  const stores = new Map<string, Store>()
  for (const id of SERVERS) stores.set(id, await world.open(id))
  const epochs: Epochs = new Map()
  const logs = new Map<string, string>()
  const commits = new Map<string, number>()

  for (const step of steps) {
    const store = stores.get(step.server)!
    const model = models.get(step.server)!
    switch (step.do) {
      case 'append': {
        const batch = step.batch.map((part) => {
          // Every third part keeps its random epoch, which is mostly a wrong one.
          const own = epochs.get(`${step.server} ${part.room}`)
          return part.epoch % 3 === 0 || own === undefined ? part : { ...part, epoch: own }
        })
        const [found, expected] = [await store.append(batch), await model.append(batch)]
        assert.deepEqual(found.rooms, expected.rooms)
        const before = commits.get(step.server) ?? 0
        if (isNew(expected)) assert.ok(found.commitNo > before)
        else assert.ok(found.commitNo >= before)
        commits.set(step.server, found.commitNo)
        break
      }
      case 'take': {
        const { room, epoch } = step
        const found = await store.take(
          room,
          epoch,
          step.from.map((id) => world.ref(id)),
          step.genesis,
        )
        const expected = await model.take(
          room,
          epoch,
          step.from.map((id) => ({ id, dataDir: '' })),
          step.genesis,
        )
        if (typeof found === 'string' || typeof expected === 'string') {
          assert.equal(found, expected)
          break
        }
        const { log: _, isWhole: __, ...rest } = found
        const { log: ___, isWhole: ____, ...expectedRest } = expected
        assert.deepEqual(rest, expectedRest)
        // Log ids are random; as often as they are one in the model, they are one here.
        assert.equal(logs.get(expected.log) ?? found.log, found.log)
        logs.set(expected.log, found.log)
        epochs.set(`${step.server} ${room}`, epoch)
        break
      }
      case 'read': {
        const found = await store.read(step.room, step.side, step.limit)
        const expected = await model.read(step.room, step.side, step.limit)
        assert.deepEqual(found.map(encodeEntry), expected.map(encodeEntry))
        break
      }
      case 'audit': {
        const { room, before, limit } = step
        assert.deepEqual(await store.audit(room, before, limit), await model.audit(room, before, limit))
        break
      }
      case 'sent': {
        assert.deepEqual(
          (await store.roomsOf(step.user)).toSorted(),
          (await model.roomsOf(step.user)).toSorted(),
        )
        const found = await store.entriesOf(step.user, undefined, 1_000)
        const expected = await model.entriesOf(step.user, undefined, 1_000)
        if (found.isWhole) assert.deepEqual(inOrder(found.entries), inOrder(expected.entries))
        break
      }
      case 'forget': {
        const { room, beforeTs } = step
        assert.equal(await store.forget(room, beforeTs), await model.forget(room, beforeTs))
        break
      }
      case 'erase':
        await store.erase(step.room)
        await model.erase(step.room)
        break
      case 'renew':
        assert.ok((await store.renewLogs(step.above)) >= step.above)
        await model.renewLogs(step.above)
        break
      case 'reopen':
        await store.close()
        stores.set(step.server, await world.open(step.server))
        break
    }
  }
  for (const [id, store] of stores) {
    const [found, expected] = [await store.held(), await models.get(id)!.held()]
    const bare = (held: typeof found) =>
      held
        .map(({ log: _, isWhole: __, ...rest }) => rest)
        .toSorted((x, y) => ROOMS.indexOf(x.room) - ROOMS.indexOf(y.room))
    assert.deepEqual(bare(found), bare(expected))
  }
}

function inOrder(entries: readonly Entry[]): string[] {
  return entries.map(encodeEntry).toSorted()
}

function isNew({ rooms }: Committed): boolean {
  return rooms.some((part) => typeof part !== 'string' && part.some(({ is }) => is === 'new'))
}
