import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { LOADBALANCER_MAIN, SERVER_ENV, SERVER_MAIN } from '../fleet/local-fleet.ts'
import { until } from '../fleet/until.ts'
import { FaultProxy } from './fault-proxy.ts'
import { Part } from './part.ts'
import { SmallDisk } from './small-disk.ts'
import { canLimitWrites } from './write-limit.ts'

/** A fleet of real processes in which everybody reaches everybody through a proxy that can be told to let them down. */

/** What links to a server say who they are; probes and dial-backs say nothing. */
const LINK_HEADER = /^x-flotilla-server: *(\S+)\r?$/im
export const BALANCER = 'balancer'

export interface ChaosServer {
  part: Part
  port: number
  dataDir: string
  /** Where clients connect: behind `forClients`. */
  clientUrl: string
  /** The same past the proxy. */
  directUrl: string
  forClients: FaultProxy
  /** Peers, each by its id, and the balancer. */
  forFleet: FaultProxy
  /** From this server to the balancer. */
  toBalancer: FaultProxy
  disk: SmallDisk | undefined
}

export interface ChaosFleetOptions {
  dataDir: string
  servers: number
  random: () => number
  drainMs: number
  /** Added to the environment of every process. */
  env?: Readonly<Record<string, string>>
  /** The first server's data lies on a small disk, if that can be had. */
  hasSmallDisk: boolean
  onUnexpectedEnd: (name: string, how: string) => void
}

export class ChaosFleet {
  readonly dataDir: string
  readonly balancer: Part
  readonly servers: readonly ChaosServer[]
  /** Between clients and the balancer. */
  readonly forClients: FaultProxy
  /** Past all proxies. */
  readonly balancerUrl: string
  /** Writes of its servers can be made to fail. */
  readonly canLimitWrites = canLimitWrites()

  readonly #block: PortBlock

  private constructor(parts: {
    dataDir: string
    block: PortBlock
    balancer: Part
    servers: ChaosServer[]
    forClients: FaultProxy
    balancerUrl: string
  }) {
    this.dataDir = parts.dataDir
    this.#block = parts.block
    this.balancer = parts.balancer
    this.servers = parts.servers
    this.forClients = parts.forClients
    this.balancerUrl = parts.balancerUrl
  }

  /** Resolves when every process is ready and every server registered. On failure nothing is left running. */
  static async start(options: ChaosFleetOptions): Promise<ChaosFleet> {
    const { dataDir, random, drainMs, hasSmallDisk, onUnexpectedEnd } = options
    // What is killed or cut off lets go of its ports for a while, and has to find them free again.
    const block = await PortBlock.hold()
    const ports: number[] = []
    while (ports.length < 2 + options.servers * 4) ports.push(await block.next())
    const port = () => ports.pop() as number
    const env = { FLEET_SECRET: randomBytes(24).toString('base64url'), ...options.env }
    const balancerPort = port()
    const forClients = new FaultProxy({ port: port(), targetPort: balancerPort, random })
    const servers = Array.from({ length: options.servers }, (_, at): ChaosServer => {
      const own = port()
      const proxies = {
        forClients: new FaultProxy({ port: port(), targetPort: own, random }),
        forFleet: new FaultProxy({
          port: port(),
          targetPort: own,
          random,
          label: (first) => LINK_HEADER.exec(first)?.[1] ?? BALANCER,
        }),
      }
      const toBalancer = new FaultProxy({ port: port(), targetPort: balancerPort, random })
      const clientUrl = `ws://127.0.0.1:${proxies.forClients.port}/ws`
      const serverDir = join(dataDir, `server-${own}`)
      const name = `server ${at + 1}`
      const args = [
        ...['--data', dataDir, '--host', '127.0.0.1', '--port', String(own)],
        ...['--loadbalancer', toBalancer.url, '--public-url', clientUrl],
        ...['--advertise', `127.0.0.1:${proxies.forFleet.port}`],
        ...['--rate', '0', '--per-ip', '0', '--drain-ms', String(drainMs)],
      ]
      return {
        part: new Part({
          name,
          args: [SERVER_MAIN, ...args],
          env: { ...SERVER_ENV, ...env },
          proxies: Object.values(proxies),
          onUnexpectedEnd: (how) => onUnexpectedEnd(name, how),
        }),
        port: own,
        dataDir: serverDir,
        clientUrl,
        directUrl: `ws://127.0.0.1:${own}/ws`,
        ...proxies,
        toBalancer,
        disk: hasSmallDisk && at === 0 ? SmallDisk.mount(serverDir) : undefined,
      }
    })
    const balancer = new Part({
      name: 'balancer',
      args: [
        LOADBALANCER_MAIN,
        ...['--data', dataDir, '--host', '127.0.0.1', '--port', String(balancerPort), '--login-rate', '0'],
      ],
      env,
      proxies: [forClients, ...servers.map(({ toBalancer }) => toBalancer)],
      onUnexpectedEnd: (how) => onUnexpectedEnd('balancer', how),
    })
    const balancerUrl = `http://127.0.0.1:${balancerPort}`
    const fleet = new ChaosFleet({ dataDir, block, balancer, servers, forClients, balancerUrl })
    try {
      await Promise.all(fleet.parts.map((part) => part.start()))
      await fleet.complete()
      return fleet
    } catch (error) {
      await fleet.stop()
      throw error
    }
  }

  get parts(): Part[] {
    return [this.balancer, ...this.servers.map(({ part }) => part)]
  }

  server(id: string): ChaosServer | undefined {
    return this.servers.find(({ part }) => part.id === id)
  }

  /** Room → id of its home, as the balancer's file says, whether or not the balancer answers now. */
  homes(): Map<RoomId, string> {
    const db = new Database(join(this.dataDir, 'loadbalancer/directory.db'), {
      readonly: true,
      timeout: 1_000,
    })
    try {
      const rows = db
        .prepare<[], { room: RoomId; home: string }>(
          'SELECT room_id AS room, home FROM rooms WHERE home IS NOT NULL ORDER BY room_id',
        )
        .all()
      return new Map(rows.map(({ room, home }) => [room, home]))
    } finally {
      db.close()
    }
  }

  /** Everybody reaches everybody again, everything runs, nothing is full. Resolves when the balancer says so, too. */
  async heal(): Promise<void> {
    for (const proxy of this.#proxies()) proxy.mendAll()
    for (const { disk } of this.servers) disk?.free()
    for (const part of this.parts) part.goOn()
    await Promise.all(this.parts.map((part) => part.start()))
    await this.complete()
  }

  async complete(): Promise<void> {
    await until(
      'the balancer lists every server as up',
      async () => {
        const response = await fetch(`${this.balancerUrl}/servers`, { signal: AbortSignal.timeout(20_000) })
        const rows = (await response.json()) as { id: string; state: string }[]
        const up = new Set(rows.filter(({ state }) => state === 'up').map(({ id }) => id))
        return this.servers.every(({ part }) => up.has(part.id))
      },
      { everyMs: 50 },
    )
  }

  /** Ends every process; the files stay. */
  async stop(): Promise<void> {
    for (const proxy of this.#proxies()) proxy.mendAll()
    await Promise.all(this.parts.map((part) => part.stop()))
    for (const proxy of this.#proxies()) proxy.close()
    this.#block.release()
  }

  /** After `stop`, and after the files were read. */
  unmount(): void {
    for (const { disk } of this.servers) disk?.unmount()
  }

  *#proxies(): Generator<FaultProxy> {
    yield this.forClients
    for (const { forClients, forFleet, toBalancer } of this.servers) yield* [forClients, forFleet, toBalancer]
  }
}
