import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { SmallDisk, sweepDisks } from './small-disk.ts'

/** A folder in which disks can be mounted. With the test all go: first what uses them, then they, then the folder. */
class Place {
  readonly root = mkdtempSync(join(tmpdir(), 'flotilla-disk-'))
  readonly #mounted: string[] = []
  readonly #users: ChildProcess[] = []

  constructor(t: TestContext) {
    t.after(async () => {
      for (const user of this.#users) {
        if (user.exitCode === null && user.signalCode === null && user.kill()) await once(user, 'exit')
      }
      for (const folder of this.#mounted) spawnSync('umount', [folder], { stdio: 'ignore' })
      rmSync(this.root, { recursive: true, force: true })
    })
  }

  /** @returns undefined where none can be mounted */
  mount(folder: string): SmallDisk | undefined {
    const disk = SmallDisk.mount(folder)
    if (disk !== undefined) this.#mounted.push(folder)
    return disk
  }

  /** A process that stands in the folder until the test ends. */
  async use(folder: string): Promise<void> {
    const user = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { cwd: folder })
    this.#users.push(user)
    await once(user, 'spawn')
  }
}

const SKIPPED = 'a file system can be mounted by root only'
const isMounted = (folder: string) => readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `)

describe('a small disk', () => {
  test('takes nothing when it is filled, keeps what it has, and takes it when it is freed', (t) => {
    const place = new Place(t)
    const folder = join(place.root, 'disk')
    const disk = place.mount(folder)
    if (disk === undefined) {
      t.skip(SKIPPED)
      return
    }
    writeFileSync(join(folder, 'before'), 'x'.repeat(10_000))
    assert.equal(disk.fill(), true)
    assert.throws(() => writeFileSync(join(folder, 'after'), 'x'), { code: 'ENOSPC' })
    assert.equal(disk.fill(), true)
    disk.free()
    writeFileSync(join(folder, 'after'), 'x'.repeat(10_000_000))
    assert.equal(readFileSync(join(folder, 'before'), 'utf8').length, 10_000)
    disk.unmount()
    assert.equal(isMounted(folder), false)
    assert.equal(readFileSync(join(folder, 'after'), 'utf8').length, 10_000_000)
  })

  test('of a run that is gone is unmounted; one of a run that goes on, or that somebody uses, is not', async (t) => {
    const place = new Place(t)
    const ended = spawn(process.execPath, ['-e', ''])
    await once(ended, 'exit')
    const prefix = join(place.root, 'chaos-')
    const [dead, used, own] = [`${ended.pid}-1`, `${ended.pid}-2`, `${process.pid}-3`].map((name) =>
      join(`${prefix}${name}`, 'data'),
    ) as [string, string, string]
    if ([dead, used, own].some((folder) => place.mount(folder) === undefined)) {
      t.skip(SKIPPED)
      return
    }
    await place.use(used)
    assert.deepEqual(sweepDisks(prefix), [dead])
    assert.deepEqual([dead, used, own].map(isMounted), [false, true, true])
  })
})
