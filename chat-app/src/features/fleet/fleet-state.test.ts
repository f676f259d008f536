import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import { hear, MAX_HAPPENINGS, totalsOf, UNSEEN, type FleetNews, type FleetState } from './fleet-state.ts'

const row = (id: string, more: Partial<ServerRow> = {}): ServerRow => ({
  id,
  inc: `${id}-1`,
  url: `ws://127.0.0.1:${8080 + Number(id)}/ws`,
  host: '127.0.0.1',
  port: 8080 + Number(id),
  state: 'up',
  clients: 10,
  rooms: 2,
  capacity: 100,
  ageMs: 300,
  loopDelayMs: 1.5,
  ...more,
})
const snapshot = (...servers: ServerRow[]): FleetNews => ({ type: 'snapshot', servers })
const changed = (...servers: ServerRow[]): FleetNews => ({ type: 'registry', servers, gone: [] })
const placed = (room: string, home: string, formerHome?: string): FleetNews => ({
  type: 'placement',
  room,
  home,
  ...(formerHome === undefined ? { epoch: 1 } : { epoch: 2, formerHome }),
})

/** All of it, a second apart. */
const after = (...news: FleetNews[]): FleetState =>
  news.reduce((state, one, index) => hear(state, one, index * 1_000), UNSEEN)
/** What happened, the oldest first. */
const told = ({ happenings }: FleetState) =>
  happenings
    .toReversed()
    .map((one) =>
      [one.what, 'name' in one ? one.name.split(':')[1] : '', 'rooms' in one ? one.rooms : '']
        .join(' ')
        .trim(),
    )

describe('the fleet, as the balancer tells of it', () => {
  test('a snapshot says which servers there are, in the order of their names, and when each was heard', () => {
    const { balancer, servers } = hear(UNSEEN, snapshot(row('10'), row('9', { ageMs: 400 })), 5_000)
    assert.equal(balancer, 'here')
    assert.deepEqual(
      servers.map(({ name, heardAt }) => [name, heardAt]),
      [
        ['127.0.0.1:8089', 4_600],
        ['127.0.0.1:8090', 4_700],
      ],
    )
  })

  test('what is there at the first look is no news, nor what went on while nobody looked', () => {
    assert.deepEqual(told(after(snapshot(row('1')))), [])
    assert.deepEqual(
      told(after(snapshot(row('1')), { type: 'began' }, snapshot(row('1', { state: 'down' })))),
      [],
    )
    assert.deepEqual(told(after({ type: 'lost' }, snapshot(row('1')))), ['balancer_lost', 'balancer_back'])
  })

  test('a server on its way down and up again is told step by step, and figures alone are no news', () => {
    const state = after(
      snapshot(row('1')),
      changed(row('1', { clients: 99 })),
      changed(row('1', { state: 'late' })),
      changed(row('1', { state: 'down' })),
      changed(row('1')),
      changed(row('1', { state: 'draining' })),
      changed(row('1')),
    )
    assert.deepEqual(told(state), ['late 8081', 'down 8081', 'up_again 8081', 'draining 8081', 'stays 8081'])
    assert.equal(state.servers.length, 1)
  })

  test('a server that was restarted is told from one that only was not heard of, even if nobody saw it down', () => {
    const state = after(
      snapshot(row('1')),
      changed(row('1', { inc: '1-2' })),
      changed(row('1', { inc: '1-2', state: 'down' })),
      changed(row('1', { inc: '1-2' })),
      changed(row('1', { inc: '1-2', state: 'draining' })),
      changed(row('1', { inc: '1-3' })),
    )
    assert.deepEqual(told(state), [
      'restarted 8081',
      'down 8081',
      'up_again 8081',
      'draining 8081',
      'restarted 8081',
    ])
  })

  test('a server that comes is registered, one that is forgotten is gone; the others stay as they are', () => {
    const state = after(snapshot(row('1')), changed(row('2')), { type: 'registry', servers: [], gone: ['1'] })
    assert.deepEqual(told(state), ['registered 8082', 'gone 8081'])
    assert.deepEqual(
      state.servers.map(({ id }) => id),
      ['2'],
    )
  })

  test('without the balancer everything stays as it was; once back, the differences are told', () => {
    const known = after(snapshot(row('1'), row('2')))
    const away = hear(known, { type: 'lost' }, 9_000)
    assert.equal(away.balancer, 'away')
    assert.equal(away.servers, known.servers)
    assert.equal(away.heardAt, 0)
    assert.equal(hear(away, { type: 'lost' }, 10_000), away, 'lost once is lost')
    const back = hear(away, snapshot(row('1'), row('2', { state: 'late' })), 12_000)
    assert.deepEqual(told(back), ['balancer_lost', 'balancer_back', 'late 8082'])
    assert.equal(back.balancer, 'here')
  })

  test('a first home is a placement, a later one a move; rooms that go together are one line', () => {
    const start = after(snapshot(row('1'), row('2'), row('3')))
    let state = hear(start, placed('a', '1'), 10_000)
    for (const room of ['b', 'c', 'd']) state = hear(state, placed(room, '2', '1'), 20_000)
    state = hear(state, placed('e', '2', '3'), 20_000)
    state = hear(state, placed('f', '2', 'long-forgotten'), 30_000)
    assert.deepEqual(told(state), ['placed 8081 1', 'moved 8082 3', 'moved 8082 1', 'moved 8082 1'])
    assert.deepEqual(
      state.happenings.map((one) => ('from' in one ? one.from : '')),
      ['long-forgotten', '127.0.0.1:8083', '127.0.0.1:8081', undefined],
    )
  })

  test('however much happens, a bounded part of it is kept, the newest first, each with a key of its own', () => {
    let state = after(snapshot(row('1')))
    for (let index = 0; index < 500; index += 1)
      state = hear(state, changed(row('1', { state: index % 2 ? 'up' : 'late' })), 2_000 + index)
    assert.equal(state.happenings.length, MAX_HAPPENINGS)
    assert.equal(state.happenings[0]?.at, 2_499)
    assert.equal(new Set(state.happenings.map(({ key }) => key)).size, MAX_HAPPENINGS)
  })

  test('what a dead server reported last is in no total', () => {
    const { servers } = after(
      snapshot(row('1'), row('2', { state: 'down' }), row('3', { state: 'draining', clients: 5 })),
    )
    assert.deepEqual(totalsOf(servers), { servers: 3, up: 1, clients: 15, rooms: 4, capacity: 200 })
  })
})
