import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openSqliteStore } from './sqlite-store.ts'
import { freshFolder } from './test/sqlite-world.ts'

const CHILD = fileURLToPath(new URL('./test/append-until-killed.ts', import.meta.url))

test('[S2] [S3] what was acked before a kill -9 is there afterwards, without gap, again and again', async (t) => {
  const dir = freshFolder(t)
  let head = 0
  for (const acksBefore of [1, 50, 400]) {
    const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    let acks = 0
    let lastAcked = 0
    for await (const line of createInterface(child.stdout)) {
      lastAcked = Number(line)
      acks += 1
      if (acks === acksBefore) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.equal(child.signalCode, 'SIGKILL')
    assert.ok(lastAcked >= head + acksBefore)

    const store = await openSqliteStore({ dir, self: 'a' })
    const entries = await store.read('r', { after: 0 }, 1_000_000)
    assert.deepEqual(
      entries.map(({ seq, id }) => [seq, id]),
      entries.map((_, i) => [i + 1, `${i + 1}`]),
    )
    assert.ok(entries.length >= lastAcked, `${entries.length} stored, ${lastAcked} acked`)
    head = entries.length
    assert.equal((await store.held())[0]?.head, head)
    await store.close()
  }
})
