import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TIMES = 100

/** What it takes to make 4 KiB durable where the servers' data lie, in ms: the floor of every durable ack. */
export function measureSync(): { p50: number; p99: number } {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-disk-'))
  const file = openSync(join(dir, 'probe'), 'w')
  const block = Buffer.alloc(4_096, 'x')
  try {
    const times = Array.from({ length: TIMES }, () => {
      const startedAt = performance.now()
      writeSync(file, block)
      fsyncSync(file)
      return performance.now() - startedAt
    }).sort((a, b) => a - b)
    return { p50: times[TIMES / 2] ?? NaN, p99: times[TIMES - 2] ?? NaN }
  } finally {
    closeSync(file)
    rmSync(dir, { recursive: true, force: true })
  }
}
