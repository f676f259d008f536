import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/**
 * I/O errors for a process that runs: its files are kept from growing (RLIMIT_FSIZE, set from outside by `prlimit` of util-linux).
 * A write beyond the limit fails with EFBIG, for which SQLite has the error and the way of EIO: SQLITE_IOERR_WRITE. Node ignores
 * the signal that comes with it. Files in use stay readable; pipes and sockets are not concerned.
 */

/** @returns whether writes of this process can be made to fail here */
export function canLimitWrites(): boolean {
  return process.platform === 'linux' && spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0
}

/** No file of that process grows beyond `bytes` any more; what goes there fails. @returns false if it is gone */
export function limitWrites(pid: number, bytes: number): boolean {
  return prlimit(pid, String(bytes))
}

/** @returns false if it is gone */
export function unlimitWrites(pid: number): boolean {
  return prlimit(pid, 'unlimited')
}

/** Where in `<dir>/chat.db-wal` the next commit goes, as its index says ("WAL-Index Header" of SQLite's file format); else 0. */
export function walEnd(dir: string): number {
  const header = Buffer.alloc(20)
  let file: number | undefined
  try {
    file = openSync(join(dir, 'chat.db-shm'), 'r')
    if (readSync(file, header, 0, header.length, 0) < header.length) return 0
  } catch {
    return 0
  } finally {
    if (file !== undefined) closeSync(file)
  }
  // In the byte order of the machine, which is little-endian wherever this runs.
  const pageBytes = header.readUInt16LE(14)
  const frames = header.readUInt32LE(16)
  return 32 + frames * (pageBytes + 24)
}

function prlimit(pid: number, soft: string): boolean {
  // The hard limit stays as it is, so that nobody needs to be root to lift the soft one again.
  return spawnSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:`], { stdio: 'ignore' }).status === 0
}
