// An attacker belongs on another machine. On this one he gets what processor time nobody else wants: what the others feel of an
// attack is then what the servers spend on it, and not that somebody computes beside them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

export interface GivingWay {
  /** One line for people. */
  says: string
  /** From now on every thread of the process, and what it starts, waits for everybody else. */
  pid(pid: number): void
}

const NICEST = constants.priority.PRIORITY_LOW
/** By the scheduling class for idle time (`chrt` of util-linux) where there is one, else by the lowest priority. */
export function findGivingWay(): GivingWay {
  const lower = (pid: number) => {
    setPriority(pid, NICEST)
    lowerSession(pid)
  }
  const reason =
    process.platform !== 'linux'
      ? 'there is a scheduling class for idle time on Linux only'
      : spawnSync('chrt', ['--version'], { stdio: 'ignore' }).status !== 0
        ? 'chrt (util-linux) is not installed'
        : undefined
  if (reason !== undefined)
    return { says: `attackers run at the lowest priority only, beside the others: ${reason}`, pid: lower }
  const own = spawnSync('chrt', ['--pid', String(process.pid)], { encoding: 'utf8' }).stdout
  if (own.includes('SCHED_IDLE'))
    return {
      says: 'this program runs in processor time that nobody else wants, and so do all it starts: the times say nothing',
      pid: () => undefined,
    }
  return {
    says: 'attackers give way: they run in processor time that nobody else wants',
    pid(pid) {
      lower(pid)
      const { status, stderr } = spawnSync('chrt', ['--idle', '--all-tasks', '--pid', '0', String(pid)], {
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`chrt could not lower process ${pid}: ${stderr.trim()}`)
    },
  }
}

/**
 * Linux shares time out to sessions first, as each may be a desktop's program, and looks at priorities within a session only: one that
 * does nothing but attack has to be lowered as a whole. The process must lead a session of its own, or its parent's would be.
 */
function lowerSession(pid: number): void {
  const file = `/proc/${pid}/autogroup`
  if (!existsSync(file)) return
  if (readFileSync(file, 'utf8') === readFileSync('/proc/self/autogroup', 'utf8')) return
  writeFileSync(file, String(NICEST))
}
