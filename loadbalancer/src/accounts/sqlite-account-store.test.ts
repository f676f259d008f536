import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { nameKey, nameMarks } from '@flotilla/protocol/names.ts'
import Database from 'better-sqlite3'
import { freshFolder } from '../../test/fleet.ts'
import { ACCOUNT_STEPS } from './account-schema.ts'
import { describeAccountStore } from './account-store.contract.ts'
import { SqliteAccountStore } from './sqlite-account-store.ts'

describeAccountStore('SqliteAccountStore', (t) => {
  const file = join(freshFolder(t), 'accounts.db')
  return () => new SqliteAccountStore(file)
})

describe('accounts.db', () => {
  test('of a removed account no word is left in any file', async (t) => {
    const folder = freshFolder(t)
    const store = new SqliteAccountStore(join(folder, 'accounts.db'))
    const name = 'Konstantinopel'
    const ann = { id: 'user:ann', name, password: 'hash-of-a-password', createdAt: 1, formerly: undefined }
    await store.addUser(ann, { name, key: nameKey(name), marks: nameMarks(name) })
    const until = { at: 1, until: 2 }
    await store.addSession(
      {
        id: 's',
        userId: ann.id,
        password: ann.password,
        family: Buffer.alloc(32),
        turn: Buffer.alloc(32),
        agent: 'Agentix',
        at: 1,
      },
      until,
    )
    const bytes = () =>
      globSync('*', { cwd: folder }).map((file) => readFileSync(join(folder, file), 'latin1').toLowerCase())
    assert.ok(bytes().some((text) => text.includes('konstantinopel')))
    await store.removeUser(ann.id, until)
    for (const word of ['konstantinopel', 'hash-of-a-password', 'agentix'])
      assert.ok(!bytes().some((text) => text.includes(word)), word)
    store.close()
  })

  test('a file of a later version is not touched', (t) => {
    const file = join(freshFolder(t), 'accounts.db')
    const later = new Database(file)
    later.pragma(`user_version = ${ACCOUNT_STEPS.length + 1}`)
    later.close()
    assert.throws(() => new SqliteAccountStore(file), /later version/)
  })

  test('a file of each earlier version is brought to this one', async (t) => {
    for (let version = 0; version <= ACCOUNT_STEPS.length; version += 1) {
      const file = join(freshFolder(t), 'accounts.db')
      const earlier = new Database(file)
      for (const step of ACCOUNT_STEPS.slice(0, version)) earlier.exec(step)
      earlier.pragma(`user_version = ${version}`)
      earlier.close()
      const store = new SqliteAccountStore(file)
      const ann = { id: 'user:ann', name: 'ann', password: 'x', createdAt: 1, formerly: undefined }
      assert.ok(await store.addUser(ann, { name: 'ann', key: 'ann', marks: ['ann'] }))
      store.close()
    }
  })
})
