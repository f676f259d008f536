import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'
import { MOST, serverCount } from './server-count.ts'

const ROOT = join(import.meta.dirname, '../..')

const START_USAGE = `npm start -- [flags] [-- flags of every chat server]
Brings up the balancer, the chat servers and the web app, keeps them up, takes them down on Ctrl-C.
A port of 0 means any free one.`

const STATUS_USAGE = `npm run fleet -- status [flags]
Shows the servers as the balancer sees them.`

const DRAIN_USAGE = `npm run fleet -- drain ID|PORT [flags]
The server takes no more clients, hands its rooms over and sends its clients elsewhere; then it stands by, empty, until
it is stopped, or serves again by \`drain ID --cancel\`.`

const ROLL_USAGE = `npm run fleet -- roll [flags]
Restarts every process of the fleet that \`npm start\` runs, one after the other, while clients of its own write and read; ends with
the proof that nothing was lost, doubled or put out of order.`

export const DEFAULT_LOADBALANCER = 'http://127.0.0.1:9000'

/**
 * What `npm start` goes by. Arguments after `--` are handed to every chat server as they are. `cores` = those of this machine,
 * or what a container may use of them.
 * @throws ConfigError, one line naming every fault; HelpAsked
 */
export function readStartConfig(argv: readonly string[], env: Env, cores = availableParallelism()) {
  const cut = argv.indexOf('--')
  const read = new Settings(cut < 0 ? argv : argv.slice(0, cut), env, { usage: START_USAGE })
  const port = (flag: string, fallback: number, says: string) =>
    read.int(flag, { default: fallback, max: 65_535, says })
  const servers = read.optionalInt('servers', {
    min: 1,
    max: MOST,
    says: 'chat servers (default: one per core, and at least three)',
  })
  const given = {
    fleetSecret: fleetSecret(read),
    host: read.string('host', { default: '127.0.0.1', says: 'address everything listens on' }),
    loadbalancerPort: port('loadbalancer-port', 9000, 'port of the balancer'),
    serverPort: port('server-port', 8080, 'port of the first server; the others follow it'),
    webPort: port('web-port', 5173, 'port of the web app'),
    isWebOn: read.onOff('web', { default: true, says: 'off: without the web app' }),
    dataDir: dataDir(read),
    /** Besides those the fleet itself has. */
    origins: read.urls('origins', {
      default: [],
      says: 'further browser origins that may connect, with commas',
    }),
    /** As the user wrote them. */
    serverArgs: cut < 0 ? [] : argv.slice(cut + 1),
  }
  const otherPorts = [given.loadbalancerPort, ...(given.isWebOn ? [given.webPort] : [])]
  const config = { ...given, servers: servers ?? serverCount(cores, given.serverPort, otherPorts) }
  const ports = [...otherPorts, ...serverPorts(config)]
  const fixed = ports.filter((each) => each !== 0)
  if (new Set(fixed).size < fixed.length) read.problem(`two parts would share a port: ${fixed.join(', ')}`)
  if (Math.max(...ports) > 65_535) read.problem('--server-port leaves no room for all servers below 65536')
  return read.done(config)
}

export type StartConfig = ReturnType<typeof readStartConfig>

/** One for each server; all 0 if the first is. */
export function serverPorts(config: { serverPort: number; servers: number }): number[] {
  return Array.from({ length: config.servers }, (_, i) =>
    config.serverPort === 0 ? 0 : config.serverPort + i,
  )
}

/** @throws ConfigError, HelpAsked */
export function readStatusConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: STATUS_USAGE })
  return read.done({ loadbalancer: loadbalancer(read) ?? DEFAULT_LOADBALANCER })
}

/** The server's id or port comes first, before the flags. @throws ConfigError, HelpAsked */
export function readDrainConfig(argv: readonly string[], env: Env) {
  const [server = '', ...flags] = argv[0]?.startsWith('-') === false ? argv : ['', ...argv]
  const read = new Settings(flags, env, { usage: DRAIN_USAGE })
  if (server === '') read.problem('name a server by its id or its port: npm run fleet -- drain 8081')
  return read.done({
    server,
    isCancel: read.onOff('cancel', { default: false, says: 'the server takes clients and rooms again' }),
    dataDir: dataDir(read),
    fleetSecret: fleetSecret(read),
    /** Where not said, the one of the fleet that runs on this data. */
    loadbalancer: loadbalancer(read),
  })
}

export type DrainConfig = ReturnType<typeof readDrainConfig>

/** @throws ConfigError, HelpAsked */
export function readRollConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: ROLL_USAGE })
  return read.done({
    clients: read.int('load', {
      default: 6,
      min: 1,
      max: 1_000,
      says: 'clients that write and read meanwhile, in a room of their own',
    }),
    dataDir: dataDir(read),
    fleetSecret: fleetSecret(read),
  })
}

export type RollConfig = ReturnType<typeof readRollConfig>

function loadbalancer(read: Settings): string | undefined {
  return read.optionalUrl('loadbalancer', { says: `the balancer (default ${DEFAULT_LOADBALANCER})` })
}

function dataDir(read: Settings): string {
  return read.string('data', { default: join(ROOT, 'data'), says: 'folder of all data and logs' })
}

function fleetSecret(read: Settings): string | undefined {
  return read.secret('FLEET_SECRET', {
    says: 'shared by all processes; without it the one in the data folder',
  })
}
