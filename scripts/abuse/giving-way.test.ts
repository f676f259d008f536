import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { findGivingWay } from './giving-way.ts'

const SCHED_IDLE = '5'
/** Of sched(7): the 41st field of `/proc/PID/stat`, after a name that may hold spaces. */
const policyOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[38]

test('who gives way has the lowest priority there is, with all his session, and so has what he starts', async (t) => {
  const way = findGivingWay()
  if (way.says.includes('all it starts')) return t.skip(way.says)
  const child = spawn('sh', ['-c', 'read line; sleep 60 & echo $!; wait'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const pid = child.pid ?? -1
  t.after(() => process.kill(-pid, 'SIGKILL'))
  way.pid(pid)
  child.stdin.end('go on\n')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  for (const one of [pid, Number(line.toString())]) {
    assert.equal(getPriority(one), 19)
    if (existsSync(`/proc/${one}/autogroup`))
      assert.match(readFileSync(`/proc/${one}/autogroup`, 'utf8'), / nice 19\n/)
    if (process.platform === 'linux' && spawnSync('chrt', ['--version']).status === 0)
      assert.equal(policyOf(one), SCHED_IDLE)
  }
  assert.equal(getPriority(process.pid), 0, 'nobody else')
})
