import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '../fleet/child.ts'
import type { Target } from './target.ts'

const PLAIN_SERVER = join(import.meta.dirname, 'plain-server.ts')
export type Sync = 'normal' | 'full' | 'off'

/** The plain server; its rooms exist as soon as somebody joins them. */
export function plainTarget(sync: Sync): Target {
  return {
    name: 'plain',
    says: `plain: ws + better-sqlite3, WAL, synchronous=${sync.toUpperCase()}, one write per member and message`,
    async start({ rooms }) {
      const data = await mkdtemp(join(tmpdir(), 'flotilla-plain-'))
      const child = launch({
        name: 'plain server',
        args: [PLAIN_SERVER, '--data', data, '--port', '0', '--sync', sync],
      })
      const stop = async () => {
        await child.stop()
        await rm(data, { recursive: true, force: true })
      }
      try {
        const { url } = await child.ready
        return {
          pid: child.pid,
          url,
          rooms: Array.from({ length: rooms }, (_, i) => `room-${i}`),
          companions: [],
          stop,
        }
      } catch (error) {
        await stop()
        throw error
      }
    },
  }
}
