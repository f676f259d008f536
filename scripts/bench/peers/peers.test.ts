import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { LoadProcess } from '../load-process.ts'
import { findPeers } from './peers.ts'

const MEMBERS = 12

let load: LoadProcess
before(() => {
  load = new LoadProcess()
})
after(() => load.stop())

const { targets, missing } = findPeers()

test('socket.io is there always, the others where they are installed', () => {
  assert.deepEqual(
    targets.slice(0, 1).map(({ name }) => name),
    ['socket.io'],
  )
  assert.equal(targets.length + missing.length, 3)
})

describe('the load generator speaks the wire of', () => {
  for (const target of targets) {
    test(`${target.name}, and finds every delivery`, async (t) => {
      const running = await target.start({ rooms: 2 })
      t.after(() => running.stop())
      const { url, rooms, dialect, pid } = running
      await load.ask('join', { url, rooms, members: MEMBERS, ...(dialect && { dialect }) })
      const sends = await load.ask('send', {
        rate: 200,
        warmUpMs: 200,
        windowMs: 500,
        textBytes: 120,
        server: pid,
        settleMs: 60_000,
      })
      await load.ask('leave', {})
      assert.equal(sends.sends, 100)
      const { missingAcks, missingDeliveries, surplusDeliveries, errors } = sends
      assert.deepEqual(
        { missingAcks, missingDeliveries, surplusDeliveries, errors },
        { missingAcks: 0, missingDeliveries: 0, surplusDeliveries: 0, errors: {} },
      )
      assert.ok((sends.deliveryMs.p50 ?? 0) > 0, 'nothing was timed')
      assert.equal((sends.ackMs.p50 ?? 0) > 0, target.name === 'socket.io')
    })
  }
})
