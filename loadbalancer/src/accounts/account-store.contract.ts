import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { nameKey, nameMarks } from '@flotilla/protocol/names.ts'
import {
  MAX_BLOCKS,
  MAX_DEVICES,
  MAX_SESSIONS,
  type AccountStore,
  type Naming,
  type NewSession,
  type UserRecord,
} from './account-store.ts'

const NOW = 1_000_000
const UNTIL = { at: NOW, until: NOW + 900 }
const LIFE = { idleSince: 0, madeSince: 0 }
const NOTHING = { sessions: [], users: [] }

const named = (name: string): Naming => ({ name, key: nameKey(name), marks: nameMarks(name) })
const user = (id: string, name = id): UserRecord => ({
  id: `user:${id}`,
  ...{ name, password: `hash of ${id}`, createdAt: 5, formerly: undefined },
})
const add = (store: AccountStore, record: UserRecord) => store.addUser(record, named(record.name))

const next = (at = NOW) => ({ turn: randomBytes(32), at })

function session(id: string, userId = 'user:ann', at = NOW): NewSession {
  const password = `hash of ${userId.slice('user:'.length)}`
  return { id, userId, password, family: randomBytes(32), turn: randomBytes(32), agent: 'Browser', at }
}

/** `open` twice in one test opens the same accounts again, as a later run of the process would. */
export function describeAccountStore(name: string, openFor: (t: TestContext) => () => AccountStore) {
  const openOne = (t: TestContext): AccountStore => {
    const store = openFor(t)()
    t.after(() => store.close())
    return store
  }

  describe(`${name} keeps the AccountStore contract`, () => {
    test('[A1] all that was written is there for the next run', async (t) => {
      const open = openFor(t)
      const before = open()
      const ann = { ...user('ann', 'Ann'), formerly: 'guest:Ann' }
      const one = session('s1')
      await add(before, ann)
      await add(before, user('bob'))
      await before.addSession(one, UNTIL)
      await before.addSession(session('s2'), UNTIL)
      await before.addDevice(ann.id, Buffer.from('device'), NOW)
      await before.block(ann.id, 'user:bob', NOW)
      await before.endSessions(ann.id, { only: 's2' }, UNTIL)
      await before.removeUser('user:bob', UNTIL)
      before.close()
      const after = open()
      t.after(() => after.close())
      assert.deepEqual(await after.userById(ann.id), ann)
      assert.deepEqual(await after.userByKey('ann'), ann)
      assert.deepEqual(await after.sessionsOf(ann.id), [
        { id: 's1', userId: ann.id, createdAt: NOW, usedAt: NOW, agent: 'Browser' },
      ])
      assert.ok(await after.knowsDevice(ann.id, Buffer.from('device')))
      assert.deepEqual(await after.revoked(NOW), {
        sessions: ['s2'],
        users: [{ id: 'user:bob', issuedBefore: NOW, code: 4403 }],
      })
      assert.deepEqual(await after.departed(), ['user:bob'])
    })

    test('[A2] of many who want a name, or one that looks like it, at once, one gets it', async (t) => {
      const store = openOne(t)
      const names = ['paypal', 'PayPal', 'раураl', 'paypaI']
      const added = await Promise.all(names.map((each, at) => add(store, user(String(at), each))))
      assert.deepEqual(added, [true, false, false, false])
      assert.ok(await store.isTaken(nameMarks('PAYPAL')))
      assert.ok(!(await store.isTaken(nameMarks('PAYPAL'), 'user:0')), 'not by anyone else')
      assert.ok(!(await store.isTaken(nameMarks('paypal2'))))
      assert.equal(await store.userById('user:1'), undefined)
    })

    test('[A2] what a guest said is of one account at the most', async (t) => {
      const store = openOne(t)
      await add(store, { ...user('one', 'ann'), formerly: 'guest:ann' })
      await store.renameUser('user:one', named('zoe'), UNTIL)
      assert.equal(await add(store, { ...user('two', 'ann'), formerly: 'guest:ann' }), true)
      assert.equal(await add(store, { ...user('three', 'bob'), formerly: 'guest:bob' }), true)
      const formerly = async (id: string) => (await store.userById(id))?.formerly
      assert.deepEqual(await Promise.all(['user:one', 'user:two', 'user:three'].map(formerly)), [
        'guest:ann',
        undefined,
        'guest:bob',
      ])
    })

    test('[A2] [A4] a new name frees the old one, and voids the tokens that have it', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      await add(store, user('bob'))
      assert.equal(await store.renameUser('user:ann', named('Вob'), UNTIL), false, 'looks like bob')
      assert.equal(await store.renameUser('user:none', named('none'), UNTIL), false)
      assert.deepEqual(await store.revoked(NOW), NOTHING)
      assert.equal(await store.renameUser('user:ann', named('Ann'), UNTIL), true, 'its own look-alike')
      assert.equal(await store.renameUser('user:ann', named('Zoe'), UNTIL), true)
      assert.equal((await store.userByKey('zoe'))?.name, 'Zoe')
      assert.equal(await store.userByKey('ann'), undefined)
      assert.equal(await add(store, user('other', 'ann')), true)
      assert.deepEqual((await store.revoked(NOW)).users, [{ id: 'user:ann', issuedBefore: NOW, code: 4401 }])
    })

    test('[A3] a secret is taken once; of two tries at the same instant, the second ends the session', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      const one = session('s1')
      await store.addSession(one, UNTIL)
      const tries = await Promise.all([
        store.turnSession('s1', one, next(), LIFE, UNTIL),
        store.turnSession('s1', one, next(), LIFE, UNTIL),
      ])
      assert.deepEqual(
        tries.map(({ is }) => is),
        ['turned', 'spent'],
      )
      assert.deepEqual(await store.sessionsOf('user:ann'), [])
      assert.deepEqual((await store.revoked(NOW)).sessions, ['s1'])
      assert.equal((await store.turnSession('s1', one, next(), LIFE, UNTIL)).is, 'unknown')
    })

    test('[A3] secrets go on from one to the next, and an old one ends it whenever it comes', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      const { family, turn: first } = session('s1')
      await store.addSession({ ...session('s1'), family, turn: first }, UNTIL)
      let turn = first
      for (let at = NOW; at < NOW + 5; at += 1) {
        const following = next(at)
        const turned = await store.turnSession('s1', { family, turn }, following, LIFE, UNTIL)
        assert.equal(turned.is === 'turned' && turned.user.id, 'user:ann')
        turn = following.turn
      }
      assert.equal((await store.sessionsOf('user:ann'))[0]?.usedAt, NOW + 4)
      const spent = await store.turnSession('s1', { family, turn: first }, next(), LIFE, UNTIL)
      assert.deepEqual(spent, { is: 'spent', userId: 'user:ann', session: 's1' })
    })

    test('[A3] what was never a secret of the session changes nothing', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      const one = session('s1')
      await store.addSession(one, UNTIL)
      const guess = { family: randomBytes(32), turn: one.turn }
      assert.equal((await store.turnSession('s1', guess, next(), LIFE, UNTIL)).is, 'unknown')
      assert.equal((await store.turnSession('s2', one, next(), LIFE, UNTIL)).is, 'unknown')
      assert.equal(await store.endByFamily('s1', guess.family, UNTIL), false)
      assert.deepEqual(await store.revoked(NOW), NOTHING)
      assert.equal((await store.turnSession('s1', one, next(), LIFE, UNTIL)).is, 'turned')
    })

    test('[A3] a session that was left alone too long, or is too old, has ended', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      const one = session('s1')
      await store.addSession(one, UNTIL)
      for (const life of [
        { idleSince: NOW + 1, madeSince: 0 },
        { idleSince: 0, madeSince: NOW + 1 },
      ])
        assert.equal((await store.turnSession('s1', one, next(), life, UNTIL)).is, 'unknown')
      await store.prune({ idleSince: NOW + 1, madeSince: 0, now: NOW })
      assert.deepEqual(await store.sessionsOf('user:ann'), [])
    })

    test('[A4] signing out, one session, the others or all: what ends is revoked, and forgotten in time', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      await add(store, user('bob'))
      const all = ['s1', 's2', 's3', 's4'].map((id) => session(id))
      for (const one of [...all, session('other', 'user:bob')]) await store.addSession(one, UNTIL)
      const ids = async () => (await store.sessionsOf('user:ann')).map(({ id }) => id)
      assert.deepEqual(await store.endSessions('user:ann', { only: 'other' }, UNTIL), [], 'not hers')
      assert.ok(await store.endByFamily('s1', all[0]?.family as Buffer, UNTIL))
      assert.deepEqual(await store.endSessions('user:ann', { only: 's2' }, UNTIL), ['s2'])
      assert.deepEqual(await store.endSessions('user:ann', { but: 's3' }, UNTIL), ['s4'])
      assert.deepEqual(await ids(), ['s3'])
      assert.deepEqual(await store.endSessions('user:ann', { but: undefined }, UNTIL), ['s3'])
      assert.deepEqual(await ids(), [])
      assert.equal((await store.sessionsOf('user:bob')).length, 1)
      assert.deepEqual((await store.revoked(NOW)).sessions?.sort(), ['s1', 's2', 's3', 's4'])
      assert.deepEqual(await store.revoked(UNTIL.until), NOTHING)
      await store.prune({ ...LIFE, now: UNTIL.until })
      assert.deepEqual(await store.revoked(NOW), NOTHING)
    })

    test('[A4] another password ends the other sessions, and no device is known any more', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      for (const id of ['s1', 's2']) await store.addSession(session(id), UNTIL)
      await store.addDevice('user:ann', Buffer.from('d'), NOW)
      assert.deepEqual(await store.setPassword('user:ann', 'new hash', 's2', UNTIL), ['s1'])
      assert.equal((await store.userById('user:ann'))?.password, 'new hash')
      assert.ok(!(await store.knowsDevice('user:ann', Buffer.from('d'))))
      await store.rehash('user:ann', 'hash of ann', 'stale')
      assert.equal((await store.userById('user:ann'))?.password, 'new hash')
      await store.rehash('user:ann', 'new hash', 'newer hash')
      assert.equal((await store.userById('user:ann'))?.password, 'newer hash')
    })

    test('[A3] no session begins by a password that is none any more', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      await store.setPassword('user:ann', 'new hash', undefined, UNTIL)
      assert.equal(await store.addSession(session('s1'), UNTIL), undefined)
      assert.deepEqual(await store.sessionsOf('user:ann'), [])
      assert.deepEqual(await store.addSession({ ...session('s2'), password: 'new hash' }, UNTIL), [])
    })

    test('[A4] what is void stays so, though the clock went back meanwhile', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      await store.renameUser('user:ann', named('anna'), { at: NOW, until: NOW + 900 })
      await store.renameUser('user:ann', named('anne'), { at: NOW - 50, until: NOW + 850 })
      assert.deepEqual((await store.revoked(NOW + 860)).users, [
        { id: 'user:ann', issuedBefore: NOW, code: 4401 },
      ])
    })

    test('[A5] of a removed account nothing is left but its id, until all servers know', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      await add(store, user('bob'))
      const one = session('s1')
      await store.addSession(one, UNTIL)
      await store.addDevice('user:ann', Buffer.from('d'), NOW)
      await store.block('user:ann', 'user:bob', NOW)
      await store.block('user:bob', 'user:ann', NOW)
      assert.equal(await store.removeUser('user:ann', UNTIL), true)
      assert.equal(await store.removeUser('user:ann', UNTIL), false)
      assert.equal(await store.userById('user:ann'), undefined)
      assert.equal((await store.turnSession('s1', one, next(), LIFE, UNTIL)).is, 'unknown')
      assert.equal(await store.addSession(session('s9'), UNTIL), undefined)
      assert.ok(!(await store.knowsDevice('user:ann', Buffer.from('d'))))
      await store.addDevice('user:ann', Buffer.from('d'), NOW)
      assert.deepEqual(await store.blocksOf('user:bob'), [])
      assert.ok(!(await store.isTaken(nameMarks('ann'))))
      assert.deepEqual(await store.departed(), ['user:ann'])
      await store.departureKnown(['user:ann'])
      assert.deepEqual(await store.departed(), [])
    })

    test('[A6] one session more than a user may have ends the one used longest ago', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      for (let at = 0; at < MAX_SESSIONS; at += 1)
        assert.deepEqual(await store.addSession(session(`s${at}`, 'user:ann', NOW + at), UNTIL), [])
      assert.deepEqual(await store.addSession(session('more', 'user:ann', NOW + 999), UNTIL), ['s0'])
      assert.equal((await store.sessionsOf('user:ann')).length, MAX_SESSIONS)
      assert.deepEqual((await store.revoked(NOW)).sessions, ['s0'])
    })

    test('[A6] the devices seen longest ago are forgotten', async (t) => {
      const store = openOne(t)
      await add(store, user('ann'))
      const device = (at: number) => Buffer.from(`device ${at}`)
      for (let at = 0; at < MAX_DEVICES; at += 1) await store.addDevice('user:ann', device(at), at)
      await store.addDevice('user:ann', device(0), MAX_DEVICES)
      await store.addDevice('user:ann', device(99), MAX_DEVICES)
      assert.deepEqual(
        await Promise.all([0, 1, 2, 99].map((at) => store.knowsDevice('user:ann', device(at)))),
        [true, false, true, true],
      )
      assert.ok(!(await store.knowsDevice('user:bob', device(0))))
    })

    test('[A6] a block counts both ways, has a limit, and is for accounts that there are', async (t) => {
      const store = openOne(t)
      await Promise.all(['ann', 'bob', 'cat'].map((id) => add(store, user(id))))
      assert.equal(await store.block('user:ann', 'user:none', NOW), 'unknown')
      assert.equal(await store.block('user:ann', 'user:bob', NOW), 'done')
      assert.equal(await store.block('user:ann', 'user:bob', NOW + 1), 'done', 'again')
      assert.ok(await store.isBlocked('user:ann', 'user:bob'))
      assert.ok(await store.isBlocked('user:bob', 'user:ann'))
      assert.ok(!(await store.isBlocked('user:ann', 'user:cat')))
      assert.deepEqual(await store.blocksOf('user:ann'), [{ id: 'user:bob', name: 'bob' }])
      assert.deepEqual(await store.blocksOf('user:bob'), [])
      const many = Array.from({ length: MAX_BLOCKS - 1 }, (_, at) => user(`many${at}`, `many ${at}`))
      await Promise.all(many.map((each) => add(store, each)))
      await Promise.all(many.map(({ id }) => store.block('user:ann', id, NOW)))
      assert.equal(await store.block('user:ann', 'user:cat', NOW), 'full')
      assert.equal(await store.block('user:ann', 'user:bob', NOW), 'done', 'is there already')
      await store.unblock('user:ann', 'user:bob')
      assert.equal(await store.block('user:ann', 'user:cat', NOW), 'done')
      assert.ok(!(await store.isBlocked('user:ann', 'user:bob')))
    })

    test('[A7] a block that is made or lifted is untold until that has been told, also for the next run', async (t) => {
      const open = openFor(t)
      const before = open()
      await Promise.all(['ann', 'bob', 'cat'].map((id) => add(before, user(id))))
      await before.unblock('user:ann', 'user:cat')
      assert.deepEqual(await before.untoldBlocks(['', ''], 9), [], 'there was none')
      await before.block('user:ann', 'user:cat', NOW)
      await before.block('user:ann', 'user:bob', NOW)
      before.close()
      const store = open()
      t.after(() => store.close())
      const bob = { userId: 'user:ann', other: 'user:bob', isBlocked: true, turn: 1 }
      const cat = { ...bob, other: 'user:cat' }
      assert.deepEqual(await store.untoldBlocks(['', ''], 9), [bob, cat])
      assert.deepEqual(await store.untoldBlocks(['', ''], 1), [bob])
      assert.deepEqual(await store.untoldBlocks(['user:ann', 'user:bob'], 9), [cat])
      await store.unblock('user:ann', 'user:bob')
      await store.blockTold('user:ann', 'user:bob', bob.turn)
      const lifted = { ...bob, isBlocked: false, turn: 2 }
      assert.deepEqual(await store.untoldBlock('user:ann', 'user:bob'), lifted, 'that was not told')
      await store.blockTold('user:ann', 'user:bob', lifted.turn)
      assert.equal(await store.untoldBlock('user:ann', 'user:bob'), undefined)
      assert.equal(await store.retellBlock('user:ann', 'user:bob'), false)
      await store.blockTold('user:ann', 'user:cat', cat.turn)
      assert.equal(await store.retellBlock('user:ann', 'user:cat'), true)
      assert.deepEqual(await store.untoldBlock('user:ann', 'user:cat'), cat)
      await store.removeUser('user:cat', UNTIL)
      assert.deepEqual(await store.untoldBlocks(['', ''], 9), [])
    })
  })
}
