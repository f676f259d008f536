import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { EndedBeforeReady, launch } from './child.ts'
import { until } from './until.ts'

const SMALL_SERVER = join(import.meta.dirname, 'test/small-server.ts')
const SMALL_PARENT = join(import.meta.dirname, 'test/small-parent.ts')

describe('a child process', () => {
  test('is ready when it says so, and ends when asked', async () => {
    const child = launch({ name: 'small', args: [SMALL_SERVER] })
    const { id, url } = await child.ready
    assert.equal(id, 'small')
    assert.equal((await fetch(url)).status, 200)
    assert.deepEqual(child.output, ['some other line'])
    assert.deepEqual(await child.stop(), { code: null, signal: 'SIGINT' })
    assert.equal(child.hasExited, true)
    assert.equal(child.kill('SIGKILL'), false)
  })

  test('that fails to start is an error with its exit code and last words', async () => {
    const child = launch({ name: 'small', args: [SMALL_SERVER, '0', 'fail'] })
    await assert.rejects(child.ready, (error) => {
      assert.ok(error instanceof EndedBeforeReady)
      assert.equal(error.summary, 'small ended before it was ready (exit code 3)')
      assert.match(error.message, /cannot start: the test says so/)
      return true
    })
    assert.deepEqual(await child.exited, { code: 3, signal: null })
  })

  test('that does not end when asked is killed', async () => {
    const child = launch({ name: 'small', args: [SMALL_SERVER, '0', 'stubborn'] })
    await child.ready
    assert.deepEqual(await child.stop(200), { code: null, signal: 'SIGKILL' })
  })

  test('ends when its parent is killed with -9', async () => {
    const childPid = await orphan()
    await until('the orphan is gone', () => !isAlive(childPid))
  })

  test('ends when its parent is killed with -9, even if it does not mind SIGINT', async () => {
    const childPid = await orphan('stubborn')
    await until('the orphan is gone', () => !isAlive(childPid))
  })
})

/** Starts a parent with a child, kills the parent. @returns the pid of the child */
async function orphan(...args: string[]): Promise<number> {
  const parent = spawn(process.execPath, [SMALL_PARENT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const childPid = Number(said.toString())
  assert.ok(isAlive(childPid))
  parent.kill('SIGKILL')
  return childPid
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
