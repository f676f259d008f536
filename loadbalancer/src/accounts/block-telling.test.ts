import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { User, UserId } from '@flotilla/protocol/frames.ts'
import pino from 'pino'
import { freshFolder, until } from '../../test/fleet.ts'
import { refused, type Refused } from '../http/problem.ts'
import { BlockTelling } from './block-telling.ts'
import { SqliteAccountStore } from './sqlite-account-store.ts'

const [ANN, BEN] = ['user:ann', 'user:ben'] as const
const BUSY = refused('busy')

/** A room that is told, and refuses as often as there are refusals. */
class Room {
  readonly told: [string, UserId, boolean][] = []
  readonly refusals: Refused[] = []
  /** Called when somebody is about to be told. */
  asked: () => Promise<void> | void = () => {}

  blocked = async ({ name }: User, other: UserId, isBlocked: boolean): Promise<Refused | undefined> => {
    await this.asked()
    const refusal = this.refusals.shift()
    if (refusal === undefined) this.told.push([name, other, isBlocked])
    return refusal
  }
}

async function open(t: TestContext, folder = freshFolder(t)) {
  const store = new SqliteAccountStore(join(folder, 'accounts.db'))
  for (const id of [ANN, BEN]) {
    const name = id.slice('user:'.length)
    const record = { id, name, password: 'x', createdAt: 1, formerly: undefined }
    await store.addUser(record, { name, key: name, marks: [name] })
  }
  const room = new Room()
  const telling = new BlockTelling({
    ...{ store, blocked: room.blocked, log: pino({ level: 'silent' }) },
    pauseMs: { first: 1, longest: 2 },
  })
  const close = async () => {
    await telling.stop()
    store.close()
  }
  return { folder, store, room, telling, close }
}

describe('that one blocks the other', () => {
  test('is told to the room between them at once', async (t) => {
    const { store, room, telling, close } = await open(t)
    t.after(close)
    await store.block(ANN, BEN, 1)
    assert.equal(await telling.tell(ANN, BEN), undefined)
    await store.unblock(ANN, BEN)
    assert.equal(await telling.tell(ANN, BEN), undefined)
    assert.equal(await telling.tell(ANN, BEN), undefined)
    assert.deepEqual(room.told, [
      ['ann', BEN, true],
      ['ann', BEN, false],
    ])
  })

  test('is told again without anybody’s doing, where the room puts it off, and who asked is told so', async (t) => {
    const { store, room, telling, close } = await open(t)
    t.after(close)
    room.refusals.push(refused('rate_limited'), BUSY, BUSY)
    await store.block(ANN, BEN, 1)
    assert.equal((await telling.tell(ANN, BEN))?.refused, 'rate_limited')
    await until(async () => (await store.untoldBlocks(['', ''], 9)).length === 0)
    assert.deepEqual(room.told, [['ann', BEN, true]])
  })

  test('is told again, too, when nobody foresaw what went wrong', async (t) => {
    const { store, room, telling, close } = await open(t)
    t.after(close)
    room.asked = () => {
      room.asked = () => {}
      throw new Error('nobody foresaw that')
    }
    await store.block(ANN, BEN, 1)
    await assert.rejects(telling.tell(ANN, BEN))
    await until(() => room.told.length > 0)
    assert.deepEqual(room.told, [['ann', BEN, true]])
  })

  test('is told by the next run of the balancer, if this one did not come to it', async (t) => {
    const before = await open(t)
    await before.store.block(ANN, BEN, 1)
    await before.close()
    const { room, telling, close } = await open(t, before.folder)
    t.after(close)
    telling.go()
    await until(() => room.told.length > 0)
    assert.deepEqual(room.told, [['ann', BEN, true]])
  })

  test('and does no more, while the one is being told, is told after it', async (t) => {
    const { store, room, telling, close } = await open(t)
    t.after(close)
    await store.block(ANN, BEN, 1)
    const second: Promise<unknown>[] = []
    room.asked = async () => {
      room.asked = () => {}
      await store.unblock(ANN, BEN)
      second.push(telling.tell(ANN, BEN))
      await new Promise((done) => setImmediate(done)) // time enough for it to come first
    }
    await telling.tell(ANN, BEN)
    await Promise.all(second)
    assert.deepEqual(room.told, [
      ['ann', BEN, true],
      ['ann', BEN, false],
    ])
    assert.deepEqual(await store.untoldBlocks(['', ''], 9), [])
  })

  test('is not told for ever to a room that will never take it', async (t) => {
    const { store, room, telling, close } = await open(t)
    t.after(close)
    room.refusals.push(refused('forbidden'))
    await store.block(ANN, BEN, 1)
    assert.equal(await telling.tell(ANN, BEN), undefined)
    assert.deepEqual([room.told, await store.untoldBlocks(['', ''], 9)], [[], []])
  })
})
