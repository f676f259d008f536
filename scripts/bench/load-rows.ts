// What the load generator can take by itself: no row can be above it, and a row near it says little of the server.
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { launch } from '../fleet/child.ts'
import type { Bench } from './chat-rows.ts'
import type { Column, Row } from './report.ts'

const FLOOD_SERVER = join(import.meta.dirname, 'flood-server.ts')
const CLIENTS = 1_000
/** One by one as in small rooms, and many in one write as in large ones under load. */
const LINES_PER_FRAME: readonly number[] = [1, 100]
const WARM_UP_MS = 1_000
const WINDOW_MS = 1_500

export const LOAD_COLUMNS: readonly Column[] = [
  { key: 'deliveriesPerS', head: 'deliveries/s', digits: 0, isCompared: false },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
  { key: 'mostPerS', head: 'at 100 %: deliveries/s', digits: 0, isCompared: false },
]

export async function measureLoad(bench: Bench): Promise<Row[]> {
  const rows: Row[] = []
  for (const lines of LINES_PER_FRAME) {
    const child = launch({ name: 'flood server', args: [FLOOD_SERVER, String(lines)] })
    try {
      const { url } = await child.ready
      bench.pinning.server(child.pid)
      await bench.load.ask('join', { url, rooms: ['flood'], members: CLIENTS })
      await pause(WARM_UP_MS)
      const { deliveries, tookMs, load } = await bench.load.ask('listen', { forMs: WINDOW_MS })
      const deliveriesPerS = (deliveries * 1_000) / tookMs
      const values = { deliveriesPerS, loadCpu: load.cpu * 100, mostPerS: deliveriesPerS / load.cpu }
      rows.push({
        label: lines === 1 ? 'one message a frame' : `${lines} messages a frame`,
        lines: [{ target: 'flood', values, notes: [] }],
      })
    } finally {
      await bench.load.ask('leave', {}).finally(() => child.stop())
    }
  }
  return rows
}
