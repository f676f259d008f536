// What else Flotilla is measured against: Socket.IO, and NATS and Mosquitto where they are installed.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '../../fleet/child.ts'
import type { DialectName } from '../load/dialects.ts'
import type { Target } from '../target.ts'

const SOCKETIO_SERVER = join(import.meta.dirname, 'socketio-server.ts')
const FOREIGN = join(import.meta.dirname, 'foreign.ts')

export interface Peers {
  targets: Target[]
  /** One line for each that is not here. */
  missing: string[]
}

export function findPeers(): Peers {
  const targets = [socketioTarget()]
  const missing: string[] = []
  for (const peer of FOREIGN_PEERS) {
    const found = findProgram(peer.program, peer.versionArg)
    if (found === undefined) missing.push(`${peer.name}: not installed (Debian: apt install ${peer.program})`)
    else targets.push(foreignTarget(peer, found))
  }
  return { targets, missing }
}

function socketioTarget(): Target {
  return {
    name: 'socket.io',
    says: 'socket.io: the npm package, WebSocket only; its ack says handled, not kept; nothing is stored, nothing resumed, no numbering',
    start: ({ rooms }) =>
      startPeer({ dialect: 'socketio', rooms }, async () => ({ args: [SOCKETIO_SERVER] })),
  }
}

interface ForeignPeer {
  name: string
  program: string
  versionArg: string
  dialect: DialectName
  doesNot: string
  configOf: (port: number, dir: string) => string
}

const FOREIGN_PEERS: readonly ForeignPeer[] = [
  {
    name: 'nats',
    program: 'nats-server',
    versionArg: '--version',
    dialect: 'nats',
    doesNot:
      'core publish and subscribe: no ack, nothing is stored, order per publisher only, a slow client is cut off',
    configOf: (port) => `listen: "127.0.0.1:-1"\nwebsocket { listen: "127.0.0.1:${port}", no_tls: true }\n`,
  },
  {
    name: 'mosquitto',
    program: 'mosquitto',
    versionArg: '-h',
    dialect: 'mqtt',
    doesNot:
      'QoS 0: no ack, nothing is stored, order per publisher only, messages for a slow client are dropped',
    configOf: (port, dir) =>
      [
        `listener 0 ${join(dir, 'peer.sock')}`, // with a WebSocket alone it does not start
        `listener ${port} 127.0.0.1`,
        'protocol websockets',
        'allow_anonymous true',
        'set_tcp_nodelay true',
        'persistence false',
        'log_dest stderr',
        'log_type error',
        'user root', // heeded if root starts it: another user could not write to the folder
        'sys_interval 0',
        '',
      ].join('\n'),
  },
]

function foreignTarget(
  { name, dialect, doesNot, configOf }: ForeignPeer,
  { path, version }: Program,
): Target {
  return {
    name,
    says: `${name}: ${version}, over WebSocket; ${doesNot}`,
    start: ({ rooms }) =>
      startPeer({ dialect, rooms }, async (dir) => {
        const port = await freePort()
        const config = join(dir, 'peer.conf')
        await writeFile(config, configOf(port, dir))
        return { args: [FOREIGN, String(port), path, '-c', config] }
      }),
  }
}

/** Rooms of peers exist as soon as somebody joins them. */
async function startPeer(
  { dialect, rooms }: { dialect: DialectName; rooms: number },
  prepare: (dir: string) => Promise<{ args: string[] }>,
) {
  const dir = await mkdtemp(join(tmpdir(), 'flotilla-peer-'))
  const child = launch({ name: dialect, ...(await prepare(dir)) })
  const stop = async () => {
    await child.stop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const { id, url } = await child.ready
    return {
      pid: /^\d+$/.test(id ?? '') ? Number(id) : child.pid,
      url,
      rooms: Array.from({ length: rooms }, (_, i) => `room-${i}`),
      dialect,
      companions: [],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Program {
  path: string
  version: string
}

/** Debian keeps servers where only root's shell looks. */
function findProgram(program: string, versionArg: string): Program | undefined {
  for (const path of [program, `/usr/sbin/${program}`, `/usr/local/sbin/${program}`]) {
    const { error, stdout } = spawnSync(path, [versionArg], { encoding: 'utf8' })
    if (error === undefined) return { path, version: stdout.split('\n', 1)[0]?.trim() || program }
  }
  return undefined
}

/** One that was free a moment ago: these programs cannot be asked which one they took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
