import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { PLANTS } from './plants.ts'

/** Worlds a plant may hide in; the rarest bites in one of a thousand. */
const WORLDS = 5_000

interface Run {
  code: number | string | null | undefined
  stdout: string
  stderr: string
}

function simulate(plant: string, from = 1, acts = false): Promise<Run> {
  const here = (file: string) => join(import.meta.dirname, file)
  const args = [
    '--import',
    here('plant-hook.ts'),
    here('simulate.ts'),
    '--until-broken',
    'on',
    '--seeds',
    String(WORLDS),
    '--from',
    String(from),
    '--acts',
    acts ? 'on' : 'off',
  ]
  const env = { ...process.env, FLOTILLA_PLANT: plant }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr })
    })
  })
}

describe('the simulator finds a fleet that', { concurrency: 2 }, () => {
  assert.ok(PLANTS.length >= 20)
  for (const { name, from, acts } of PLANTS) {
    test(name, async () => {
      const { code, stdout, stderr } = await simulate(name, from, acts)
      assert.equal(stderr, '')
      assert.equal(code, 1)
      assert.match(stdout, /^seed \d+:\n {2}(\d+|[ALPW]) /m)
    })
  }
})

test('a plant whose text is not in the code is an error, not a bug that was found', async () => {
  const { code, stderr } = await simulate('no such plant')
  assert.notEqual(code, 0)
  assert.match(stderr, /there is no plant called no such plant/)
})
