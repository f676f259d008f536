import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type Config = ReturnType<typeof readConfig>

/** Reads flags, then their environment twins, once. Throws ConfigError, one line naming every fault. */
export function readConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: 'A chat server: npm run server -- [flags]' })
  const config = {
    host: read.string('host', { default: '127.0.0.1', says: 'address to serve on' }),
    port: read.int('port', { default: 8080, max: 65_535, says: 'port to serve on; 0 = any free one' }),
    /** Root of all data, or a folder that already holds a server. */
    data: resolve(read.string('data', { default: join(ROOT, 'data'), says: 'folder for data' })),
    loadbalancers: read.urls('loadbalancer', {
      default: ['http://127.0.0.1:9000'],
      says: 'balancers to report to, parted by commas',
    }),
    publicUrl: read.optionalUrl('public-url', {
      protocols: ['ws:', 'wss:'],
      says: 'where clients reach this server, if not at ws://host:port/ws',
    }),
    /** Not `host` and `port` where something stands between: a container's port mapping, a proxy. */
    advertise: read.optionalString('advertise', {
      says: 'host:port where the balancer and other servers reach this one, if not at --host and --port',
    }),
    /** Clients this server takes before it turns more away. */
    capacity: read.int('capacity', { default: 10_000, min: 1, says: 'clients it takes' }),
    store: read.oneOf('store', ['sqlite', 'postgres'], { default: 'sqlite', says: 'where rooms are kept' }),
    bus: read.oneOf('bus', ['links', 'redis'], { default: 'links', says: 'how servers talk to each other' }),
    rate: read.int('rate', {
      default: LIMITS.rate,
      says: `sends per sender in any 10 s, at most ${LIMITS.rateBurst} of them at once; 0 = no limit`,
    }),
    perIp: read.int('per-ip', { default: 0, says: 'connections per address; 0 = no limit' }),
    guests: read.onOff('guests', {
      default: env['NODE_ENV'] !== 'production',
      says: 'whether guests may come in by name',
    }),
    origins: read.urls('origins', {
      default: [
        'http://localhost:5173',
        'http://127.0.0.1:5173',
        'http://localhost:9000',
        'http://127.0.0.1:9000',
      ],
      says: 'browser origins that may connect, parted by commas',
    }),
    drainMs: read.int('drain-ms', {
      default: 10_000,
      max: 600_000,
      says: 'longest drain, at SIGTERM or by order',
    }),
    logLevel: read.oneOf('log-level', LOG_LEVELS, {
      default: 'info',
      says: 'least level written to chat.log',
    }),
    fleetSecret: read.secret('FLEET_SECRET', {
      says: 'shared by all processes of the fleet; made and kept in the data folder if absent',
    }),
  }
  if (config.store === 'postgres') read.problem('--store postgres is not built yet: use sqlite')
  if (config.bus === 'redis') read.problem('--bus redis is not built yet: use links')
  if (config.advertise !== undefined && parseAddress(config.advertise) === undefined) {
    read.problem(`--advertise must be like host:port, not ${JSON.stringify(config.advertise)}`)
  }
  if (config.publicUrl?.endsWith('/ws') === false) read.problem('--public-url must end in /ws')
  return read.done(config)
}

/** `host:port`, an IPv6 address in brackets; undefined if it is anything else. The host comes back without brackets. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const [, host = '', digits = ''] = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (host === '' || port < 1 || port > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port }
}

/**
 * The folder of the server on `port`: `data` itself if it already holds a server, else `server-<port>` in it; and the
 * root the fleet's secret lies in.
 */
export function dataFolder(data: string, port: number): { dir: string; root: string } {
  if (existsSync(join(data, ID_FILE))) return { dir: data, root: resolve(data, '..') }
  return { dir: join(data, `server-${port}`), root: data }
}

/** Holds the server's id, made once. */
export const ID_FILE = 'server.id'
