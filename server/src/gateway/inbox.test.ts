import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { MemoryNetwork } from '../bus/memory-bus.ts'
import { Committer } from '../rooms/committer.ts'
import type { Directory } from '../rooms/directory.ts'
import { Rooms } from '../rooms/rooms.ts'
import { MemoryStore } from '../store/memory-store.ts'
import type { Batch } from '../store/store.ts'
import type { ServerLimits } from '../limits.ts'
import { FakeClock, settled } from '../test/fake-clock.ts'
import { FakeLine } from '../test/fake-line.ts'
import { Inbox, type Gateway } from './dispatch.ts'
import { Portions } from './portions.ts'
import { RateLimit } from './rate-limit.ts'
import { Session } from './session.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A store whose appends and placements stand still while `isHeld`. */
function open(limits?: ServerLimits, more: Partial<Gateway> = {}) {
  const clock = new FakeClock()
  let gate = Promise.withResolvers<void>()
  const hold = { appends: false, places: false }
  const wait = async (what: keyof typeof hold) => {
    while (hold[what]) await gate.promise
  }
  const release = async () => {
    hold.appends = hold.places = false
    gate.resolve()
    gate = Promise.withResolvers()
    for (let i = 0; i < 50; i += 1) await clock.pass(100)
  }
  const drafts: number[] = []
  class SlowStore extends MemoryStore {
    override async append(batch: Batch) {
      drafts.push(...batch.map((part) => part.drafts.length))
      await wait('appends')
      return super.append(batch)
    }
  }
  const self = { id: 'a', url: 'ws://a/ws', host: 'a', port: 1 }
  const directory: Directory = {
    async place(room) {
      await wait('places')
      return { room, epoch: 1, home: self, visibility: 'public', from: [] }
    },
    taken: () => {},
  }
  const network = new MemoryNetwork({ message: (_f, _t, run) => run(), state: (_f, _t, run) => run() })
  const store = new SlowStore()
  const committer = new Committer({
    store,
    clock,
    counters: { commits: 0, commitNo: 0, waiting: 0, begin: () => () => {} },
    onLost: (cause) => assert.fail(cause as Error),
  })
  let requests = 0
  const rooms = new Rooms(
    {
      self: 'a',
      clock,
      random: () => 0.5,
      bus: network.join('a'),
      store,
      committer,
      directory,
      feedCounters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
      nextRequest: () => (requests += 1),
      note: () => {},
    },
    [],
  )
  const line = new FakeLine()
  const metrics = { acks: 0, hintsDropped: 0, slowed: 0, refused: () => {}, closed: () => {} }
  const user = { id: 'guest:ada', name: 'ada' }
  const own = limits === undefined ? {} : { limits }
  const session = new Session({ id: 's', user, line, metrics, now: clock.now(), ...own })
  const inbox = new Inbox(session, {
    rooms,
    rateLimit: new RateLimit(0),
    metrics,
    log: pino({ level: 'silent' }),
    now: () => clock.now(),
    flooded: () => session.close(4429),
    ...more,
  })
  const say = (...frames: object[]) => inbox.receive(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  const pass = (ms: number) => clock.pass(ms)
  return { line, session, say, pass, hold, release, drafts }
}

const send = (id: number) => ({ type: 'send', room: 'r', id: `${id}`, text: 'x' })

/** An event loop on which each look at the time takes 1 ms: `turn` is the next of its turns. */
function slowLoop() {
  let ms = 0
  let soon: (() => void)[] = []
  return {
    clock: {
      now: () => (ms += 1),
      after: () => assert.fail('nothing here waits for a time'),
      soon: (run: () => void) => void soon.push(run),
    },
    async turn() {
      const due = soon
      soon = []
      for (const run of due) run()
      await settled()
    },
  }
}

describe('the inbox of a session', () => {
  test('[L7] lines of those who send many are done in portions and by turns, and whoever says little is heard in between', async () => {
    const loop = slowLoop()
    const more = { surplus: new Portions(loop.clock, 20), lines: 1_000, later: () => {} }
    const [loud, louder, quiet] = [open(LIMITS, more), open(LIMITS, more), open(LIMITS, more)]
    const pings = upTo(1, 100).map((ref) => ({ type: 'ping', ref }))
    loud.say(...pings)
    louder.say(...pings)
    quiet.say({ type: 'ping' })
    await settled()
    const counts = () => [loud, louder, quiet].map(({ line }) => line.of('pong').length)
    const [begun = 0, , heard] = counts()
    assert.ok(begun > 0 && begun < 100, `${begun} of the first turn`)
    assert.equal(heard, 1)
    assert.deepEqual([loud.line.isPaused, louder.line.isPaused, quiet.line.isPaused], [true, true, false])
    let turns = 0
    for (let [one = 0, other = 0] = counts(); one + other < 200; [one = 0, other = 0] = counts()) {
      assert.ok((turns += 1) < 100, 'it goes on')
      assert.ok(one >= 100 || one - other <= begun + 1, `${one} of one, ${other} of the other`)
      await loop.turn()
      quiet.say({ type: 'ping' })
      await settled()
      assert.equal(counts()[2], turns + 1)
    }
    assert.ok(turns > 3, `${turns} turns`)
    for (const { line } of [loud, louder]) {
      assert.deepEqual(
        line.of('pong').map(({ ref }) => ref),
        upTo(1, 100),
      )
      assert.equal(line.isPaused, false)
    }
  })

  test('[S9] with 64 sends unacked nothing more is taken or read, and then all go in, in order', async () => {
    const { line, say, pass, hold, release, drafts } = open()
    say({ type: 'join', room: 'r' })
    await pass(100)
    hold.appends = true
    say(...upTo(1, 200).map(send), { type: 'ping' })
    await pass(1_000)
    assert.equal(line.isPaused, true)
    assert.deepEqual(drafts, [LIMITS.unackedSends])
    assert.deepEqual(line.of('pong'), [])
    await release()
    assert.deepEqual(
      line.of('ack').map(({ id, seq }) => [Number(id), seq]),
      upTo(1, 200).map((id) => [id, id]),
    )
    assert.equal(line.of('pong').length, 1)
    assert.equal(line.isPaused, false)
  })

  test('[S9] 63 unacked leave the line readable', async () => {
    const { line, say, pass, hold, release } = open()
    say({ type: 'join', room: 'r' })
    await pass(100)
    hold.appends = true
    say(...upTo(1, 63).map(send), { type: 'ping' })
    await pass(100)
    assert.equal(line.isPaused, false)
    assert.equal(line.of('pong').length, 1)
    await release()
    assert.equal(line.of('ack').length, 63)
  })

  test('[F5] what comes while a join waits is not read on, and taken after it in its order', async () => {
    const { line, say, pass, hold, release } = open()
    hold.places = true
    say({ type: 'join', room: 'r' })
    await pass(100)
    assert.equal(line.isPaused, false)
    for (const id of upTo(1, 20)) say(send(id))
    assert.equal(line.isPaused, true)
    await release()
    assert.deepEqual(
      line.of('ack').map(({ id }) => Number(id)),
      upTo(1, 20),
    )
    assert.deepEqual(line.of('error'), [])
    assert.equal(line.isPaused, false)
  })

  test('a join that waits in vain is answered, and so is what waited behind it', async () => {
    const { line, say, pass, hold } = open()
    hold.places = true
    say({ type: 'join', room: 'r', ref: 1 }, { type: 'ping', ref: 2 }, { type: 'join', room: 'q', ref: 3 })
    await pass(4_000)
    assert.equal(line.frames.length, 0)
    await pass(8_000)
    assert.deepEqual(
      line.frames.map((frame) => ('ref' in frame ? frame.ref : undefined)),
      [1, 2, 3],
    )
    assert.equal(line.of('error')[0]?.code, 'busy')
    assert.ok((line.of('error')[0]?.retryMs ?? 0) > 0)
  })

  test('[L2] requests of a client that takes no answers wait until it does', async () => {
    const { line, session, say, pass } = open()
    line.unsentBytes = LIMITS.highWaterBytes
    say(...upTo(1, 1_000).map((ref) => ({ type: 'ping', ref })))
    await pass(100)
    assert.deepEqual(line.frames, [])
    assert.equal(line.isPaused, true)
    line.unsentBytes = 0
    session.drained()
    await pass(100)
    assert.equal(line.of('pong').length, 1_000)
    assert.equal(line.isPaused, false)
  })

  test('[L4] [L2] who is not read is not silent; who takes nothing is closed with 4408, who takes some is not', () => {
    const { line, session, say } = open()
    line.unsentBytes = LIMITS.highWaterBytes
    say({ type: 'ping' })
    const start = session.heardAt
    for (const s of upTo(0, 10)) {
      line.sentBytes += 1
      assert.equal(session.beat(start + s * 10_000), undefined)
    }
    assert.equal(session.beat(start + 110_000), undefined)
    assert.equal(session.beat(start + 129_999), undefined)
    assert.equal(session.beat(start + 130_000), 4408)
  })

  test('[L3] 100 bad lines within any 10 s close, however they lie, and 99 in each never do', async () => {
    const calm = open()
    for (const gapMs of [10_000, 10_000, 0]) {
      for (let i = 0; i < 99; i += 1) calm.say({ type: 'nonsense' })
      await calm.pass(gapMs)
    }
    assert.equal(calm.line.closedWith, undefined)

    const late = open()
    late.say({ type: 'nonsense' })
    await late.pass(9_750)
    for (let i = 0; i < 98; i += 1) late.say({ type: 'nonsense' })
    await late.pass(500)
    late.say({ type: 'nonsense' })
    assert.equal(late.line.closedWith, undefined, 'the first one is 10 s ago')
    late.say({ type: 'nonsense' })
    assert.equal(late.line.closedWith, 4429)
    assert.equal(late.line.of('error').length, 101)
  })

  test('[S9] [L2] what it may have unacked and unsent, and for how long, is a setting', async () => {
    const limits = { ...LIMITS, unackedSends: 2, highWaterBytes: 8_192, noProgressMs: 12_000 }
    const { line, session, say, pass, hold, drafts } = open(limits)
    say({ type: 'join', room: 'r' })
    await pass(100)
    hold.appends = true
    say(...upTo(1, 3).map(send))
    await pass(100)
    assert.deepEqual([drafts, line.isPaused, session.isFull], [[2], true, true])

    const other = open(limits)
    other.line.unsentBytes = 8_191
    assert.equal(other.session.isFull, false)
    other.line.unsentBytes = 8_192
    assert.equal(other.session.isFull, true)
    const start = other.session.heardAt
    assert.equal(other.session.beat(start), undefined)
    assert.equal(other.session.beat(start + 11_999), undefined)
    assert.equal(other.session.beat(start + 12_000), 4408)
  })

  test('[L4] a line is dead 30 s after the last thing heard', () => {
    const { session } = open()
    const start = session.heardAt
    assert.equal(session.beat(start + 29_999), undefined)
    assert.equal(session.beat(start + 30_000), 'dead')
  })

  test('after a close nothing more is taken, and the end of the session lets go of its rooms', async () => {
    const { line, session, say, pass, drafts } = open()
    say({ type: 'join', room: 'r' })
    await pass(100)
    const room = session.joined.get('r')?.room
    assert.equal(room?.feed?.size, 1)
    session.close(4429)
    say(send(1))
    await pass(100)
    assert.deepEqual([drafts, line.closedWith], [[], 4429])
    session.end()
    assert.equal(room.feed.size, 0)
    assert.equal(session.joined.size, 0)
    await settled()
  })
})
