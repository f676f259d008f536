import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { bearsFleetSecret, findFleetSecret } from './fleet-secret.ts'

const run = promisify(execFile)

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-secret-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('the first process makes the secret, readable by its user alone, and the next ones read it', (t) => {
  const folder = join(freshFolder(t), 'data')
  const secret = findFleetSecret(folder)
  assert.equal(findFleetSecret(folder), secret)
  assert.equal(statSync(join(folder, 'fleet.secret')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['fleet.secret'])
})

test('processes that start at once agree on one secret', async (t) => {
  const folder = join(freshFolder(t), 'data')
  const script = `import(${JSON.stringify(new URL('fleet-secret.ts', import.meta.url).href)})
    .then(({ findFleetSecret }) => console.log(findFleetSecret(${JSON.stringify(folder)})))`
  const runs = await Promise.all(Array.from({ length: 4 }, () => run(process.execPath, ['-e', script])))
  assert.equal(new Set(runs.map(({ stdout }) => stdout)).size, 1)
})

test('a given secret is used, and no file made', (t) => {
  const folder = freshFolder(t)
  assert.equal(findFleetSecret(folder, 'given-by-the-environment'), 'given-by-the-environment')
  assert.deepEqual(readdirSync(folder), [])
})

test('an empty file is no secret: the process must not start with it', (t) => {
  const folder = freshFolder(t)
  writeFileSync(join(folder, 'fleet.secret'), '\n')
  assert.throws(() => findFleetSecret(folder), /holds no secret/)
})

test('only the exact secret, as a bearer, is taken', () => {
  const secret = 'a-secret-of-some-length'
  assert.ok(bearsFleetSecret(`Bearer ${secret}`, secret))
  for (const header of [undefined, '', 'Bearer', 'Bearer ', secret, `Basic ${secret}`, `Bearer ${secret}x`])
    assert.ok(!bearsFleetSecret(header, secret), String(header))
  assert.ok(!bearsFleetSecret('Bearer a-secret', secret))
})
