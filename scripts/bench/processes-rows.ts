// W5, its other half: many rooms over one, two and four server processes, each room's members at its home. What more
// processes give depends on the cores there are for them, and the load generator needs one itself.
import { startLocalFleet } from '../fleet/local-fleet.ts'
import { CHAT_COLUMNS, measureChat, type Bench, type ChatRow } from './chat-rows.ts'
import { createRooms, placeRooms, SERVER_ARGS } from './flotilla-target.ts'
import { LoadProcess } from './load-process.ts'
import type { Pinning } from './pinning.ts'
import type { Column, Row } from './report.ts'
import type { Target } from './target.ts'

const PROCESSES: readonly number[] = [1, 2, 4]
const ROW: ChatRow = { part: 'W2', rooms: 500, members: 10, rates: [4_000], rampTo: 64_000 }
const NOT_PINNED: Pinning = { says: 'not pinned', server: () => undefined, load: () => undefined }

export const PROCESSES_TITLE = 'Many processes, 500 rooms of 10 spread over them; nothing is pinned'
const SHOWN = ['deliveriesPerS', 'ackP50Ms', 'ackP99Ms', 'deliveryP50Ms', 'deliveryP99Ms', 'loadCpu']
/** Without CPU: that of one process says nothing here. */
export const PROCESSES_COLUMNS: readonly Column[] = CHAT_COLUMNS.filter(({ key }) => SHOWN.includes(key))

export async function measureProcesses(seconds: number): Promise<Row[]> {
  const load = new LoadProcess()
  try {
    const bench: Bench = { load, pinning: NOT_PINNED, seconds }
    const rows: Row[] = []
    for (const processes of PROCESSES) {
      const figures = await measureChat(ROW, [fleetTarget(processes)], bench)
      const measured = figures.saturation === undefined ? figures.rows : [...figures.rows, figures.saturation]
      const label = (row: Row) => `${row.label}, ${processes} ${processes === 1 ? 'process' : 'processes'}`
      rows.push(...measured.map((row) => ({ ...row, label: label(row) })))
    }
    return rows
  } finally {
    await load.stop()
  }
}

/** Clients go where the balancer sends them: to the home of their room. */
function fleetTarget(servers: number): Target {
  return {
    name: 'flotilla',
    says: '',
    async start({ rooms }) {
      const fleet = await startLocalFleet({ servers, serverArgs: SERVER_ARGS })
      try {
        const [server] = fleet.servers
        if (server === undefined) throw new Error('the fleet has no server')
        const ids = await createRooms(fleet.loadbalancer.url, rooms)
        return {
          pid: server.pid,
          url: server.url,
          rooms: ids,
          spread: { urls: await placeRooms(fleet.loadbalancer.url, ids), by: 'room' },
          companions: [],
          stop: () => fleet.stop(),
        }
      } catch (error) {
        await fleet.stop()
        throw error
      }
    },
  }
}
