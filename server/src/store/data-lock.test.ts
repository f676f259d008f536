import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataDirBusy, lockDataDir } from './data-lock.ts'
import { freshFolder } from './test/sqlite-world.ts'

const LOCK = new URL('./data-lock.ts', import.meta.url).href

test('a folder has one owner at a time', (t) => {
  const dir = freshFolder(t)
  const lock = lockDataDir(join(dir, 'made', 'for it'))
  assert.throws(() => lockDataDir(join(dir, 'made', 'for it')), DataDirBusy)
  lockDataDir(join(dir, 'another')).release()
  lock.release()
  lockDataDir(join(dir, 'made', 'for it')).release()
  assert.equal(statSync(join(dir, 'made', 'for it', 'lock.db')).size, 0)
})

test('the folder of another process is busy, said in one line, until that process ends, even by kill -9', async (t) => {
  const dir = freshFolder(t)
  const program = `
    const { lockDataDir } = await import(${JSON.stringify(LOCK)})
    lockDataDir(process.argv[1])
    gc()
    console.log('locked')
    setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', program, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  assert.throws(
    () => lockDataDir(dir),
    (cause) => cause instanceof DataDirBusy && cause.message.includes(dir) && !cause.message.includes('\n'),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockDataDir(dir).release()
})

test('a folder that cannot be written to is named', (t) => {
  const file = join(freshFolder(t), 'file')
  writeFileSync(file, '')
  assert.throws(() => lockDataDir(file), { message: new RegExp(`^${file} cannot be written to`) })
})
