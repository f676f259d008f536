import assert from 'node:assert/strict'
import type { ConnectionEvent, Effect } from '../connection.ts'
import { newMachine, step } from '../connection-machine.ts'
import { welcome } from './peer.ts'

export const A = 'ws://a/ws'
export const B = 'ws://b/ws'
export const C = 'ws://c/ws'

/** A machine that is fed by hand; `did` = the effects of the last event. */
export function machine(random: () => number = () => 0.5) {
  const it = {
    m: newMachine(),
    did: [] as readonly Effect[],
    feed(...events: ConnectionEvent[]) {
      for (const event of events) [it.m, it.did] = step(it.m, event, random)
      return it
    },
    get shown() {
      return it.m.shown
    },
    timer(name: string) {
      return it.did.flatMap((effect) => (effect.do === 'set' && effect.timer === name ? [effect.ms] : []))[0]
    },
    did1(what: Effect['do']) {
      const found = it.did.filter((effect) => effect.do === what)
      assert.ok(found.length <= 1, `${what} twice`)
      return found[0]
    },
    live(url = A, alternatives: string[] = []) {
      if (it.shown.status === 'waiting') {
        it.feed(it.m.lines === 0 ? { type: 'start' } : { type: 'due', timer: 'retry' })
      }
      it.feed({ type: 'located', line: it.m.line, url, alternatives })
      return it.feed({ type: 'welcomed', line: it.m.line, welcome: { ...welcome(), alternatives } })
    },
    lose(code = 1006) {
      return it.feed({ type: 'lost', line: it.m.line, code })
    },
  }
  return it
}
