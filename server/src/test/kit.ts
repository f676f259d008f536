import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoggedIn, Placed, ServerRow } from '@flotilla/protocol/control.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import type { Clock } from '../clock.ts'
import { readConfig } from '../config.ts'
import type { AdmissionLimits } from '../gateway/admission.ts'
import { startServer, type ChatServer } from '../server.ts'
import { Balancer } from './balancer.ts'
import { Client, type Door } from './client.ts'
import { until } from './until.ts'

/** A real balancer, and real chat servers in this process: on ports that stay theirs, with their data in a folder of their own. */
export class Fleet {
  readonly root: string
  readonly servers: ChatServer[] = []
  balancer: Balancer
  readonly #running = new Set<ChatServer>()
  readonly #clients = new Set<Client>()
  readonly #ports: PortBlock
  #names = 0

  private constructor(root: string, balancer: Balancer, ports: PortBlock) {
    this.root = root
    this.balancer = balancer
    this.#ports = ports
  }

  /** `flags` for each server; no rate limit unless they say so. Resolves when all are registered. */
  static async start(
    options: { servers?: number; flags?: readonly string[]; clock?: Clock } = {},
  ): Promise<Fleet> {
    const root = await mkdtemp(join(tmpdir(), 'flotilla-server-'))
    const ports = await PortBlock.hold()
    const fleet = new Fleet(root, await Balancer.start(root, await ports.next()), ports)
    try {
      for (let i = 0; i < (options.servers ?? 1); i += 1) await fleet.add(options)
    } catch (cause) {
      await fleet.close()
      throw cause
    }
    return fleet
  }

  /** One more server, in a folder of its own. */
  async add(options: { flags?: readonly string[]; clock?: Clock; port?: number } = {}): Promise<ChatServer> {
    const server = await this.open(options)
    this.servers.push(server)
    await this.untilUp()
    return server
  }

  /** Starts a server and does not wait for the balancer. With a `port` used before, on the data left there. */
  async open(
    options: {
      flags?: readonly string[]
      clock?: Clock
      port?: number
      data?: string
      admission?: Partial<AdmissionLimits>
    } = {},
  ): Promise<ChatServer> {
    const { flags = [], clock, port = await this.#ports.next(), data = this.root, admission } = options
    const base = ['--port', `${port}`, '--data', data, '--loadbalancer', this.balancer.url]
    const config = readConfig([...base, '--log-level', 'warn', '--rate', '0', ...flags], {
      FLEET_SECRET: this.balancer.fleetSecret,
    })
    const server = await startServer(config, {
      ...(clock === undefined ? {} : { clock }),
      ...(admission === undefined ? {} : { admission }),
    })
    this.#running.add(server)
    return server
  }

  async stop(server: ChatServer): Promise<void> {
    await server.stop()
    this.gone(server)
  }

  /** A server that ended by itself. */
  gone(server: ChatServer): void {
    this.#running.delete(server)
  }

  async stopBalancer(): Promise<void> {
    await this.balancer.stop()
  }

  async startBalancer(): Promise<void> {
    this.balancer = await Balancer.start(this.root, Number(new URL(this.balancer.url).port))
    await this.untilUp()
  }

  /** Resolves when the balancer sees every server that runs. */
  async untilUp(): Promise<void> {
    await until('the balancer lists every server', async () => {
      const rows = await this.call<ServerRow[]>('GET', '/servers')
      return [...this.#running].every(({ id }) => rows.some((row) => row.id === id && row.state === 'up'))
    })
  }

  async call<T>(method: string, path: string, body?: unknown, authorization?: string): Promise<T> {
    const response = await fetch(this.balancer.url + path, {
      method,
      headers: {
        ...(authorization === undefined ? {} : { authorization: `Bearer ${authorization}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  login(username: string): Promise<LoggedIn> {
    return this.call('POST', '/api/login', { username })
  }

  /** A new room whose home is the server at this place in `servers`. */
  async room(home = 0): Promise<string> {
    const { token } = await this.login('landlord')
    const wanted = this.servers[home]?.id
    for (let tries = 0; tries < 100; tries += 1) {
      const { roomId } = await this.call<{ roomId: string }>('POST', '/api/rooms', { name: 'r' }, token)
      const body = { room: roomId, server: wanted }
      const placed = await this.call<Placed>('POST', '/internal/place', body, this.balancer.fleetSecret)
      if (placed.home.id === wanted) return roomId
    }
    throw new Error(`no room is placed at server ${home}`)
  }

  /** A client on the server at this place in `servers`. Without a name, one nobody else has. */
  async client(server: number | ChatServer = 0, door: string | Door = `guest-${(this.#names += 1)}`) {
    const { url } = typeof server === 'number' ? (this.servers[server] as ChatServer) : server
    const client = await Client.open(url, typeof door === 'string' ? { username: door } : door)
    this.#clients.add(client)
    return client
  }

  /** The same, in a room. */
  async member(room: string, server: number | ChatServer = 0, name?: string): Promise<Client> {
    const client = await this.client(server, name)
    await client.join(room)
    return client
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.terminate()
    await Promise.all([...this.#running].map((server) => server.stop()))
    await this.balancer.stop()
    this.#ports.release()
    await rm(this.root, { recursive: true, force: true })
  }
}
