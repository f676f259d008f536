// W5: one room whose members stand on several servers of a fleet, and rooms that are spread over several processes.
import { WebSocket } from 'ws'
import { startLocalFleet, type FleetProcess, type LocalFleet } from '../fleet/local-fleet.ts'
import { TEXT_BYTES, type Bench } from './chat-rows.ts'
import { createRooms, homeOf, SERVER_ARGS } from './flotilla-target.ts'
import type { Sends, Spread } from './load/orders.ts'
import type { Column, Line, Row } from './report.ts'

const MEMBERS = 1_000
const RATES: readonly number[] = [200, 800]

/** How the members of the room stand. */
interface Layout {
  says: string
  servers: number
  /** Whether the room's home has members of its own. */
  isHomeUsed: boolean
}

const LAYOUTS: readonly Layout[] = [
  { says: 'all on the home', servers: 1, isHomeUsed: true },
  { says: 'all on one edge', servers: 2, isHomeUsed: false },
  { says: 'on 2 servers', servers: 2, isHomeUsed: true },
  { says: 'on 3 servers', servers: 3, isHomeUsed: true },
  { says: 'on 4 servers', servers: 4, isHomeUsed: true },
]

export const SPREAD_TITLE = 'One room on several servers, which share a core'
export const SPREAD_COLUMNS: readonly Column[] = [
  { key: 'deliveriesPerS', head: 'deliveries/s', digits: 0, isCompared: false },
  { key: 'cpuUsPerDelivery', head: 'all CPU us/delivery', digits: 2, isCompared: false },
  { key: 'timesLocal', head: 'x local', digits: 2, isCompared: false },
  { key: 'homeUsPerSend', head: 'home us/send', digits: 0, isCompared: false },
  { key: 'homeUsPerDelivery', head: 'home us/delivery', digits: 2, isCompared: false },
  { key: 'edgeUsPerDelivery', head: 'edge us/delivery', digits: 2, isCompared: false },
  { key: 'ackP50Ms', head: 'ack p50 ms', digits: 2, isCompared: false },
  { key: 'ackP99Ms', head: 'p99', digits: 2, isCompared: false },
  { key: 'deliveryP50Ms', head: 'delivery p50 ms', digits: 2, isCompared: false },
  { key: 'deliveryP99Ms', head: 'p99', digits: 2, isCompared: false },
  { key: 'loadCpu', head: 'load CPU %', digits: 0, isCompared: false },
]

/** All servers share the servers' core: what is compared is the CPU they use together. */
export async function measureSpread(bench: Bench): Promise<Row[]> {
  const rows: Row[] = []
  const localUs = new Map<number, number>()
  for (const layout of LAYOUTS) {
    await withFleet(layout.servers, bench, async (fleet) => {
      const [home, ...edges] = fleet.servers as [FleetProcess, ...FleetProcess[]]
      for (const { pid } of fleet.servers) bench.pinning.server(pid)
      const [room = ''] = await createRooms(fleet.loadbalancer.url, 1)
      await openAt(home.url, room)
      if ((await homeOf(fleet.loadbalancer.url, room)) !== home.id)
        throw new Error('another server is the home')
      const urls = (layout.isHomeUsed ? fleet.servers : edges).map(({ url }) => url)
      await join(bench, [room], MEMBERS, { urls, by: 'member' })
      for (const rate of RATES) {
        const sends = await send(
          bench,
          rate,
          bench.seconds,
          home.pid,
          edges.map(({ pid }) => pid),
        )
        const line = spreadLine(sends, shareOf(layout), localUs.get(rate))
        const { cpuUsPerDelivery } = line.values
        if (layout.servers === 1 && cpuUsPerDelivery !== undefined) localUs.set(rate, cpuUsPerDelivery)
        rows.push({ label: `W5 1 x ${MEMBERS} ${layout.says}, ${rate}/s`, lines: [line] })
      }
    })
  }
  return rows
}

/** Part of the members that stand on the home. */
function shareOf({ servers, isHomeUsed }: Layout): number {
  return isHomeUsed ? 1 / servers : 0
}

/**
 * @param homeShare part of the deliveries that the home makes itself, 0 … 1
 * @param localUs what a delivery costs where all members are on the home; undefined: this is that
 */
export function spreadLine(sends: Sends, homeShare: number, localUs: number | undefined): Line {
  const { windowMs, deliveries, serverCpuMs, edgesCpuMs, ackMs, deliveryMs, load } = sends
  const edgesMs = edgesCpuMs.reduce<number | undefined>(
    (sum, cpuMs) => (sum === undefined || cpuMs === undefined ? undefined : sum + cpuMs),
    0,
  )
  const us = (cpuMs: number | undefined, units: number) =>
    cpuMs === undefined || units === 0 ? undefined : (cpuMs * 1_000) / units
  const allMs = serverCpuMs === undefined || edgesMs === undefined ? undefined : serverCpuMs + edgesMs
  const cpuUsPerDelivery = us(allMs, deliveries)
  return {
    target: 'flotilla',
    values: {
      deliveriesPerS: (deliveries * 1_000) / windowMs,
      cpuUsPerDelivery,
      timesLocal:
        localUs === undefined || cpuUsPerDelivery === undefined ? undefined : cpuUsPerDelivery / localUs,
      homeUsPerSend: us(serverCpuMs, sends.sends),
      homeUsPerDelivery: us(serverCpuMs, deliveries * homeShare),
      edgeUsPerDelivery: us(edgesMs, homeShare === 1 ? 0 : deliveries * (1 - homeShare)),
      ackP50Ms: ackMs.p50,
      ackP99Ms: ackMs.p99,
      deliveryP50Ms: deliveryMs.p50,
      deliveryP99Ms: deliveryMs.p99,
      loadCpu: load.cpu * 100,
    },
    notes: notesOf(sends),
  }
}

function notesOf({ missingAcks, missingDeliveries, surplusDeliveries, outOfOrder, errors }: Sends): string[] {
  const counts = {
    'acks missing': missingAcks,
    'deliveries missing': missingDeliveries,
    'deliveries too many': surplusDeliveries,
    'out of order': outOfOrder,
    ...errors,
  }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
}

async function withFleet<T>(
  servers: number,
  bench: Bench,
  measure: (fleet: LocalFleet) => Promise<T>,
): Promise<T> {
  const fleet = await startLocalFleet({ servers, serverArgs: SERVER_ARGS })
  try {
    bench.pinning.load(fleet.loadbalancer.pid)
    return await measure(fleet)
  } finally {
    await bench.load.ask('leave', {}).finally(() => fleet.stop())
  }
}

/** Who opens a room first is asked to be its home. */
function openAt(url: string, room: string): Promise<void> {
  const ws = new WebSocket(`${url}?username=opener`)
  return new Promise<void>((resolve, reject) => {
    ws.on('open', () => ws.send(JSON.stringify({ type: 'join', room })))
    ws.on('message', (data: Buffer) => {
      const text = data.toString()
      if (text.includes('"type":"joined"')) resolve()
      else if (text.includes('"type":"error"')) reject(new Error(`${room} could not be opened: ${text}`))
    })
    ws.on('error', reject)
    ws.on('close', () => reject(new Error(`${url} did not open ${room}`)))
  }).finally(() => ws.terminate())
}

function join({ load }: Bench, rooms: readonly string[], members: number, spread: Spread) {
  return load.ask('join', { url: spread.urls[0] ?? '', rooms, members, spread })
}

function send({ load }: Bench, rate: number, seconds: number, server: number, edges: readonly number[]) {
  return load.ask('send', {
    rate,
    warmUpMs: Math.max(1_000, seconds * 400),
    windowMs: seconds * 1_000,
    textBytes: TEXT_BYTES,
    server,
    edges,
  })
}
