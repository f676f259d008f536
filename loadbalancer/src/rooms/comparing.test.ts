import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import pino from 'pino'
import { Comparing } from './comparing.ts'

test('a room that is added just when the last one is done is compared, too', async () => {
  for (let turns = 0; turns < 8; turns += 1) {
    const seen: RoomId[] = []
    const addSoon = async () => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      comparing.add(['b'])
    }
    const compare = async (room: RoomId) => {
      seen.push(room)
      if (room === 'a') void addSoon()
      return true
    }
    const comparing = new Comparing({ compare }, pino({ level: 'silent' }))
    comparing.add([])
    comparing.add(['a'])
    await new Promise((done) => setImmediate(done))
    assert.deepEqual(seen, ['a', 'b'], `after ${turns} turns`)
    await comparing.stop()
  }
})
