// npm run fleet -- drain ID|PORT [--cancel]: tells the balancer, and waits until the server says that it is done.
import type { ServerRow } from '@flotilla/protocol/control.ts'
import { DEFAULT_LOADBALANCER, type DrainConfig } from './config.ts'
import { knownFleetSecret, readFleetFile } from './fleet-file.ts'
import { fetchRegistry } from './local-fleet.ts'
import { reasonOf } from './status.ts'
import { until } from './until.ts'

/** The longest drain there can be, and some time to spare. */
const WAIT_MS = 660_000
const LOOK_MS = 200

/** How a server says it is, on `/healthz`. */
interface ServerHealth {
  state: 'serving' | 'draining' | 'drained'
  clients: number
  homes: number
}

/** @returns the exit code: 1 if it cannot be done, with the reason on standard error */
export async function drainServer(config: DrainConfig): Promise<number> {
  const { dataDir, isCancel } = config
  const loadbalancer = config.loadbalancer ?? readFleetFile(dataDir)?.loadbalancer ?? DEFAULT_LOADBALANCER
  const secret = knownFleetSecret(dataDir, config.fleetSecret)
  if (secret === undefined) {
    return fail(
      `No fleet.secret in ${dataDir}: say where the fleet's data is with --data, or set FLEET_SECRET.`,
    )
  }
  let server: ServerRow | undefined
  try {
    const rows = await fetchRegistry(loadbalancer)
    server = rows.find(({ id, port }) => id === config.server || String(port) === config.server)
    if (server === undefined) {
      const known = rows.map(({ id, port }) => `${id} (${port})`).join(', ')
      return fail(`The balancer knows no server ${config.server}${known && `: there are ${known}`}.`)
    }
    if (server.state === 'down') return fail(`${nameOf(server)} is down.`)
    await order(loadbalancer, secret, server.id, !isCancel)
  } catch (error) {
    return fail(`The balancer at ${loadbalancer} cannot be asked: ${reasonOf(error)}`)
  }
  return isCancel ? await waitForServing(server) : await waitForDrained(server)
}

async function order(loadbalancer: string, secret: string, id: string, drain: boolean): Promise<void> {
  const response = await fetch(`${loadbalancer}/internal/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ id, drain }),
    signal: AbortSignal.timeout(20_000),
  })
  if (response.ok) return
  const { code } = (await response.json().catch(() => ({}))) as { code?: string }
  throw new Error(
    code === 'unauthenticated' ? 'this is not the secret of its fleet' : `${response.status} ${code}`,
  )
}

async function waitForDrained(server: ServerRow): Promise<number> {
  const name = nameOf(server)
  console.log(`${name} takes no more clients.`)
  let said = ''
  let hasBegun = false
  const { state, clients, homes } = await waitFor(`${name} is drained`, server, (now) => {
    if (now.state === 'serving') return hasBegun
    hasBegun = true
    const line = `${now.clients} clients and ${now.homes} rooms are still there`
    if (now.state !== 'drained' && line !== said) console.log(`  ${(said = line)}`)
    return now.state === 'drained'
  })
  if (state === 'serving') return fail(`The drain of ${name} was cancelled.`)
  if (homes > 0) console.log(`  ${homes} rooms stay: no other server can take them.`)
  const still = clients > 0 ? `, with ${clients} clients being closed` : ''
  console.log(`${name} is drained${still}. Stop it, or let it serve again: drain ${server.port} --cancel`)
  return 0
}

async function waitForServing(server: ServerRow): Promise<number> {
  await waitFor(`${nameOf(server)} serves`, server, ({ state }) => state === 'serving')
  console.log(`${nameOf(server)} takes clients and rooms again.`)
  return 0
}

function waitFor(
  what: string,
  { host, port }: ServerRow,
  isSo: (health: ServerHealth) => boolean,
): Promise<ServerHealth> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/healthz`
  return until(
    what,
    async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(20_000) })
      const health = (await response.json()) as ServerHealth
      return isSo(health) ? health : undefined
    },
    { timeoutMs: WAIT_MS, everyMs: LOOK_MS },
  )
}

function nameOf({ id, port }: ServerRow): string {
  return `Server ${port} (${id})`
}

function fail(line: string): number {
  console.error(line)
  return 1
}
