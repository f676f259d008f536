import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chatLine } from './chat-rows.ts'
import { LoadProcess } from './load-process.ts'
import { plainTarget } from './plain-target.ts'
import type { RunningTarget } from './target.ts'

const MEMBERS = 20

let target: RunningTarget
let load: LoadProcess
before(async () => {
  target = await plainTarget('normal').start({ rooms: 2 })
  load = new LoadProcess()
})
after(async () => {
  await load.stop()
  await target.stop()
})

test('the load generator drives the plain server and finds every ack and every delivery', async () => {
  const joins = await load.ask('join', { url: target.url, rooms: target.rooms, members: MEMBERS })
  assert.equal(joins.clients, 2 * MEMBERS)
  const sends = await load.ask('send', {
    rate: 100,
    warmUpMs: 300,
    windowMs: 1_000,
    textBytes: 120,
    server: target.pid,
    settleMs: 60_000,
  })
  assert.equal(sends.sends, 100)
  assert.ok(sends.deliveries > 0)
  const { missingAcks, missingDeliveries, surplusDeliveries, outOfOrder, errors } = sends
  assert.deepEqual(
    { missingAcks, missingDeliveries, surplusDeliveries, outOfOrder, errors },
    { missingAcks: 0, missingDeliveries: 0, surplusDeliveries: 0, outOfOrder: 0, errors: {} },
  )
  assert.ok((sends.ackMs.p50 ?? 0) > 0)
  assert.ok((sends.deliveryMs.p99 ?? 0) >= (sends.deliveryMs.p50 ?? Infinity))
  assert.ok(sends.load.cpu > 0)
  assert.equal(
    chatLine('plain', 100, MEMBERS, sends).values.deliveriesPerS,
    (sends.deliveries * 1_000) / sends.windowMs,
  )
  await load.ask('leave', {})
})

test('a server that lets nobody in is an error, not an empty row', async () => {
  const url = target.url.replace(/\/ws$/, '/elsewhere')
  await assert.rejects(load.ask('join', { url, rooms: ['room'], members: 1 }), /refused: HTTP\/1\.1 400/)
  await load.ask('leave', {})
})
