import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeFolder } from './folder.ts'

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-folder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a folder is made with those above it, and left as it is when it is there', (t) => {
  const folder = join(freshFolder(t), 'a', 'b', 'c')
  makeFolder(folder)
  writeFileSync(join(folder, 'kept'), '')
  makeFolder(folder)
  assert.ok(statSync(folder).isDirectory() && existsSync(join(folder, 'kept')))
})

test('what is a file, or lies below one, is no folder', (t) => {
  const file = join(freshFolder(t), 'file')
  writeFileSync(file, '')
  assert.throws(() => makeFolder(file), { code: 'EEXIST' })
  assert.throws(() => makeFolder(join(file, 'below')), { code: 'ENOTDIR' })
})

const skip = existsSync('/proc/self') ? false : 'there is no /proc here'
test('where nothing can be made it says so, instead of trying for ever', { skip }, () => {
  const script = `import(${JSON.stringify(new URL('folder.ts', import.meta.url).href)}).then(({ makeFolder }) => {
    for (const folder of ['/proc/nope', '/proc/nope/a/b']) {
      try { makeFolder(folder) } catch ({ code, path }) { console.log(code, path) }
    }
  })`
  // In a process of its own, that can be ended: nothing else gets a word in while it tries.
  const { stdout } = spawnSync(process.execPath, ['-e', script], { timeout: 60_000, encoding: 'utf8' })
  assert.equal(stdout, 'ENOENT /proc/nope\nENOENT /proc/nope\n')
})
