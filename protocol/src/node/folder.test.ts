import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
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

test('several that make folders below the same one at the same time all get theirs', async (t) => {
  const root = freshFolder(t)
  const [threads, rounds] = [4, 200]
  const shared = new SharedArrayBuffer(8)
  const faults: string[] = []
  const work = `
    import { makeFolder } from ${JSON.stringify(new URL('folder.ts', import.meta.url).href)}
    import { workerData } from 'node:worker_threads'
    const { root, own, threads, rounds, shared } = workerData
    const [COME, FAILED] = [0, 1]
    const is = new Int32Array(shared)
    try {
      for (let round = 0; round < rounds && is[FAILED] === 0; round += 1) {
        Atomics.add(is, COME, 1)
        // Until all have come this far, or one never will.
        while (Atomics.load(is, COME) < (round + 1) * threads && Atomics.load(is, FAILED) === 0);
        makeFolder(\`\${root}/\${round}/deep/\${own}\`)
      }
    } catch (error) {
      Atomics.store(is, FAILED, 1)
      throw error
    }`
  const ends = Array.from({ length: threads }, (_, own) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(work)}`), {
      workerData: { root, own, threads, rounds, shared },
    })
    worker.on('error', (error) => faults.push(String(error)))
    return once(worker, 'exit')
  })
  await Promise.all(ends)
  assert.deepEqual(faults, [])
  assert.equal(readdirSync(root, { recursive: true }).length, rounds * (2 + threads))
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
