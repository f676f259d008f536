import { setTimeout as pause } from 'node:timers/promises'
import {
  LoggedInSchema,
  RoomCreatedSchema,
  RoomFactsSchema,
  RoomPlaceSchema,
} from '@flotilla/protocol/control.ts'
import { startLocalFleet } from '../fleet/local-fleet.ts'
import type { Target } from './target.ts'

export const SERVER_ARGS = ['--rate', '0', '--per-ip', '0', '--guests', 'on', '--capacity', '100000']
const AT_A_TIME = 16

/** One server of Flotilla with its balancer. */
export function flotillaTarget(): Target {
  return {
    name: 'flotilla',
    says: 'flotilla: acked after commit with synchronous=FULL, one total order per room, resends deduplicated',
    async start({ rooms, profileDir }) {
      const fleet = await startLocalFleet({
        servers: 1,
        serverArgs: SERVER_ARGS,
        env: profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` },
      })
      try {
        const [server] = fleet.servers
        if (server === undefined) throw new Error('the fleet has no server')
        return {
          pid: server.pid,
          url: server.url,
          rooms: await createRooms(fleet.loadbalancer.url, rooms),
          companions: [fleet.loadbalancer.pid],
          stop: () => fleet.stop(),
        }
      } catch (error) {
        await fleet.stop()
        throw error
      }
    },
  }
}

/** A token the balancer's calls take. */
export async function guestToken(loadbalancer: string): Promise<string> {
  return LoggedInSchema.parse(await post(`${loadbalancer}/api/login`, { username: 'bench' })).token
}

/** @returns the ids of `count` new public rooms */
export async function createRooms(loadbalancer: string, count: number): Promise<string[]> {
  const headers = { authorization: `Bearer ${await guestToken(loadbalancer)}` }
  return someAtATime(count, async (i) => {
    const made = await post(
      `${loadbalancer}/api/rooms`,
      { name: `bench ${i}`, visibility: 'public' },
      headers,
    )
    return RoomCreatedSchema.parse(made).roomId
  })
}

/** @returns the url of each room's home, which is decided now if it was not before */
export async function placeRooms(loadbalancer: string, rooms: readonly string[]): Promise<string[]> {
  const headers = { authorization: `Bearer ${await guestToken(loadbalancer)}` }
  return someAtATime(rooms.length, async (i) => {
    const place = await post(`${loadbalancer}/api/rooms/${rooms[i]}`, {}, headers)
    return RoomPlaceSchema.parse(place).url
  })
}

async function someAtATime<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  let next = 0
  const makeNext = async () => {
    for (let i = next++; i < count; i = next++) made[i] = await make(i)
  }
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count) }, makeNext))
  return made
}

/** @returns the id of the server that is the room's home; undefined if it has none yet */
export async function homeOf(loadbalancer: string, room: string): Promise<string | undefined> {
  const response = await fetch(`${loadbalancer}/api/rooms/${room}`, {
    headers: { authorization: `Bearer ${await guestToken(loadbalancer)}` },
  })
  return RoomFactsSchema.parse(await response.json()).home
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  if (response.status === 429) {
    // Rooms are made at 100 a second at most from one address: thousands take their time.
    await pause(Number(response.headers.get('retry-after') ?? '1') * 1_000)
    return post(url, body, headers)
  }
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
