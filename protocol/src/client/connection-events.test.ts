import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ConnectionEvent } from './connection.ts'
import { newMachine, step } from './connection-machine.ts'
import { A, B, C } from './test/hand-fed.ts'
import { welcome } from './test/peer.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

test('whatever happens in whatever order, timers and lines are never doubled nor left behind after close', () => {
  const line = fc.nat(6)
  const url = fc.constantFrom(A, B, C)
  const alternatives = fc.array(url, { maxLength: 3 })
  const event: fc.Arbitrary<ConnectionEvent> = fc.oneof(
    fc.constantFrom<ConnectionEvent>({ type: 'start' }, { type: 'retry' }),
    fc.record({ type: fc.constant('located' as const), line, url, alternatives }),
    fc.record({ type: fc.constant('unlocated' as const), line }),
    fc.record({ type: fc.constant('unlocated' as const), line, retryAfterMs: fc.nat(9_000) }),
    fc.record({
      type: fc.constant('welcomed' as const),
      line,
      welcome: fc.constant(welcome({ alternatives: [B, C] })),
    }),
    fc.record({ type: fc.constant('lost' as const), line, code: fc.constantFrom(1006, 1012, 1013, 4408) }),
    fc.record({ type: fc.constant('put-off' as const), line, retryMs: fc.nat(9_000) }),
    fc.record({ type: fc.constant('silent' as const), line, silentMs: fc.nat(40_000) }),
    fc.record({ type: fc.constant('asked' as const), line }),
    fc.record({ type: fc.constant('moved' as const), line, inMs: fc.nat(5_000) }),
    fc.record({ type: fc.constant('settled' as const), line }),
    fc.record({
      type: fc.constant('due' as const),
      timer: fc.constantFrom('retry', 'handshake', 'stable', 'move'),
    }),
  )
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 80 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
      (events, chance) => {
        let m = newMachine()
        const timers = new Set<string>()
        const lines = new Set<number>()
        const all: ConnectionEvent[] = [{ type: 'start' }, ...events, { type: 'close' }]
        for (const event of all) {
          // A timer that is not set does not fire.
          if (event.type === 'due' && !timers.delete(event.timer)) continue
          const [next, effects] = step(m, event, () => chance.next().value as number)
          m = next
          for (const effect of effects) {
            if (effect.do === 'set') {
              assert.ok(effect.ms >= 0)
              timers.add(effect.timer)
            } else if (effect.do === 'clear') timers.delete(effect.timer)
            else if (effect.do === 'drop') lines.delete(effect.line)
            else if (effect.do === 'locate') {
              assert.ok(!lines.has(effect.line), 'a line is begun once')
              lines.add(effect.line)
            } else if (effect.do === 'open' && !lines.has(effect.line)) {
              assert.equal(effect.line, m.lines, 'without asking only as a new line')
              lines.add(effect.line)
            } else assert.ok(lines.has(effect.line), `${effect.do} on a line that was dropped`)
          }
          assert.ok(lines.size <= 2)
          if (m.shown.status === 'waiting') assert.ok(timers.has('retry'), 'somebody wakes it')
          if (m.shown.status === 'opening') assert.ok(timers.has('handshake'), 'it does not open for ever')
          if (m.shown.status === 'live') assert.ok(lines.has(m.line))
          if (m.next && m.next.phase !== 'locating') assert.ok(timers.has('move'), 'a move goes on')
        }
        assert.deepEqual(m.shown, { status: 'closed', code: 1000 })
        assert.deepEqual([...timers], [])
        assert.deepEqual([...lines], [])
      },
    ),
    { numRuns: 500 },
  )
})
