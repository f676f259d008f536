import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SqliteAccountStore } from '../loadbalancer/src/accounts/sqlite-account-store.ts'
import { holdFolder } from '../loadbalancer/src/data-folder.ts'
import { openSqliteStore } from '../server/src/store/sqlite-store.ts'

const MAIN = join(import.meta.dirname, 'backup.ts')

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { status, out: stdout.trim().split('\n'), err: stderr.trim() }
}

function freshFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-backup-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

test('backup copies a running server, restore puts the copy back once it has stopped, and both say what they did', async (t) => {
  const root = freshFolder(t)
  const [data, safe] = [join(root, 'server-1'), join(root, 'safe.db')]
  const store = await openSqliteStore({ dir: data, self: 'a' })
  await store.take('r', 1)
  const draft = {
    id: '1',
    user: { id: 'guest:ann', name: 'ann' },
    type: 'message',
    ts: 1,
    text: 'x',
  } as const
  await store.append([{ room: 'r', epoch: 1, drafts: [draft] }])
  assert.deepEqual(run('backup', '--data', data, '--to', safe), {
    status: 0,
    out: [`${safe}: 1 rooms, 1 entries`],
    err: '',
  })
  await store.append([{ room: 'r', epoch: 1, drafts: [{ ...draft, id: '2' }] }])
  await store.close()
  const restored = run('restore', '--data', data, '--from', safe)
  assert.equal(restored.status, 0, restored.err)
  assert.match(restored.out.join('\n'), /1 entries, in new logs\nwhat stood there is in .*before-restore-/)
  const again = await openSqliteStore({ dir: data, self: 'a' })
  t.after(() => again.close())
  assert.equal((await again.read('r', { after: 0 }, 10)).length, 1)
})

test('the accounts of a running balancer are backed up, too, and put back when it has stopped; then everybody signs in again', async (t) => {
  const root = freshFolder(t)
  const [data, safe] = [join(root, 'loadbalancer'), join(root, 'safe', 'accounts.db')]
  mkdirSync(data)
  const store = new SqliteAccountStore(join(data, 'accounts.db'))
  const add = (name: string) =>
    store.addUser(
      { id: `user:${name}`, name, password: 'x', createdAt: 1, formerly: undefined },
      { name, key: name, marks: [name] },
    )
  await add('ann')
  const secret = { family: Buffer.from('f'), turn: Buffer.from('t') }
  const until = { at: 1, until: 2 }
  await store.addSession({ id: 's', userId: 'user:ann', password: 'x', ...secret, agent: '', at: 1 }, until)
  assert.deepEqual(run('backup', '--data', data, '--to', safe), {
    status: 0,
    out: [`${safe}: 1 accounts`],
    err: '',
  })
  assert.match(run('backup', '--data', data, '--to', safe).err, /exists: choose another name$/)
  await add('bob')
  store.close()
  const balancer = holdFolder(data)
  assert.match(run('restore', '--data', data, '--from', safe).err, /^Another balancer works on/)
  balancer.release()
  const restored = run('restore', '--data', data, '--from', safe)
  assert.equal(restored.status, 0, restored.err)
  assert.match(
    restored.out.join('\n'),
    /1 accounts; everybody signs in again\nwhat stood there is in .*before-restore-/,
  )
  const again = new SqliteAccountStore(join(data, 'accounts.db'))
  t.after(() => again.close())
  assert.equal((await again.userByKey('ann'))?.name, 'ann')
  assert.equal(await again.userByKey('bob'), undefined)
  assert.deepEqual(await again.sessionsOf('user:ann'), [])
})

test('a wrong call of backup is one line and exit code 2, one that fails is one line and 1', (t) => {
  const root = freshFolder(t)
  for (const args of [[], ['backup'], ['restore', '--data', root, '--to', 'x'], ['backup', '--nope']]) {
    const { status, err } = run(...args)
    assert.equal(status, 2, args.join(' '))
    assert.equal(err.split('\n').length, 1, err)
  }
  const { status, err } = run('backup', '--data', root, '--to', join(root, 'safe.db'))
  assert.equal(status, 1)
  assert.match(err, /^.*chat\.db is not there.*$/)
})
