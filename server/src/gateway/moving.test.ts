import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Cancel } from '../clock.ts'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

/** Waits of this length, as between two steps of a drain, last until the test ends them. */
const STEP_MS = 40
class StepClock extends WarpClock {
  readonly held = new Set<() => void>()
  isHolding = false

  override after(ms: number, run: () => void): Cancel {
    if (!this.isHolding || ms !== STEP_MS) return super.after(ms, run)
    this.held.add(run)
    return () => this.held.delete(run)
  }
}

describe('a drain that is cancelled between two steps', () => {
  const clock = new StepClock()
  const starting = Fleet.start({ clock })
  after(async () => (await starting).close())

  test('leaves those alone who were not asked to move yet, and keeps them', async () => {
    const fleet = await starting
    const clients = await Promise.all(Array.from({ length: 200 }, () => fleet.client()))
    const asked = () => clients.filter((client) => client.of('move').length > 0)
    const order = (drain: boolean) =>
      fleet.call('POST', '/internal/drain', { id: fleet.servers[0]?.id, drain }, fleet.balancer.fleetSecret)
    const isReady = async () =>
      (await fetch(`${fleet.servers[0]?.url.replace(/^ws(.*)\/ws$/, 'http$1')}/readyz`)).ok
    clock.isHolding = true
    await order(true)
    await until('some are asked', () => asked().length > 0)
    await order(false)
    await until('it serves again', isReady)
    clock.isHolding = false
    for (const run of clock.held) run()
    await Promise.all(clients.map((client) => client.settled()))
    assert.equal(asked().length, 40)
    for (const client of clients) assert.equal(client.closed, undefined)
  })
})
