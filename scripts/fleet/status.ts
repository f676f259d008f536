import type { ServerRow } from '@flotilla/protocol/control.ts'
import { fetchRegistry } from './local-fleet.ts'
import { formatTable } from './table.ts'

/** Prints the balancer's registry. @returns the exit code: 1 if the balancer cannot be asked */
export async function showStatus(loadbalancer: string): Promise<number> {
  let servers: ServerRow[]
  try {
    servers = await fetchRegistry(loadbalancer)
  } catch (error) {
    console.error(`The balancer at ${loadbalancer} cannot be asked: ${reasonOf(error)}`)
    return 1
  }
  if (servers.length === 0) console.log(`The balancer at ${loadbalancer} knows no server.`)
  else for (const line of formatStatus(servers)) console.log(line)
  return 0
}

export function formatStatus(servers: readonly ServerRow[]): string[] {
  const rows = servers
    .toSorted((a, b) => a.url.localeCompare(b.url, 'en', { numeric: true }))
    .map((server) => [
      server.id,
      server.state,
      server.url,
      `${server.clients}/${server.capacity}`,
      String(server.rooms),
      `${(server.ageMs / 1000).toFixed(1)} s`,
      `${server.loopDelayMs.toFixed(1)} ms`,
    ])
  return formatTable([['server', 'state', 'url', 'clients', 'rooms', 'reported', 'loop delay'], ...rows])
}

/** `fetch failed` says nothing; its cause does. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause as NodeJS.ErrnoException | undefined
  return cause?.code ?? cause?.message ?? error.message
}
