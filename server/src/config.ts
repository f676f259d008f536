import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'
import type { ServerLimits } from './limits.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type Config = ReturnType<typeof readConfig>

/** Reads flags, then their environment twins, once. Throws ConfigError, one line naming every fault. */
export function readConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: 'A chat server: npm run server -- [flags]' })
  const rate = read.int('rate', {
    default: LIMITS.rate,
    says: 'sends per sender in any 10 s; 0 = no limit',
  })
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
    rate,
    /** Whoever comes back joins all his rooms again, from all his windows. */
    joins: read.int('joins', {
      default: JOINS_PER_SEND * rate,
      says: `joins per user in any 10 s, if not ${JOINS_PER_SEND} x --rate; 0 = no limit`,
    }),
    lines: read.int('lines', {
      default: LINES_PER_SEND * rate,
      says: `lines of a connection in 10 s, above which it is not read for the rest of them, if not ${LINES_PER_SEND} x --rate; 0 = no limit`,
    }),
    limits: readLimits(read),
    perUser: read.int('per-user', { default: 100, says: 'connections per account; 0 = no limit' }),
    unauthenticated: read.int('unauthenticated', {
      default: 10_000,
      min: 1,
      says: 'connections that have not said yet who they are; beyond, the oldest of them is cut off',
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
  const { textChars, frameBytes } = config.limits
  if (frameBytes < LARGEST_CHAR_BYTES * textChars + SEND_BYTES) {
    read.problem(
      `--frame-bytes must be at least ${LARGEST_CHAR_BYTES} x --text-chars + ${SEND_BYTES}: any text has to fit into a frame`,
    )
  }
  if (config.publicUrl?.endsWith('/ws') === false) read.problem('--public-url must end in /ws')
  return read.done(config)
}

/** Without limits of their own, joins and lines go with what may be sent: where that is unlimited, so are they. */
const JOINS_PER_SEND = 30
const LINES_PER_SEND = 100

/** What one UTF-16 unit may take in JSON, as `\u0000`, and what a send holds besides its text. */
const LARGEST_CHAR_BYTES = 6
const SEND_BYTES = 1_024

/** The bounds keep out what no client could live with, and what would let one of them take the memory of all. */
function readLimits(read: Settings): ServerLimits {
  const highWaterBytes = read.int('unsent-bytes', {
    default: LIMITS.highWaterBytes,
    min: 4_096,
    max: 4_194_304,
    says: 'unsent bytes of a client, or a link, above which it is not written to; it goes on below a quarter of them',
  })
  return {
    textChars: read.int('text-chars', {
      default: LIMITS.textChars,
      min: 1,
      max: 16_000,
      says: 'longest text of a message, in UTF-16 code units',
    }),
    frameBytes: read.int('frame-bytes', {
      default: LIMITS.frameBytes,
      min: 2_048,
      max: 1_048_576,
      says: 'largest frame of a client',
    }),
    fragments: read.int('fragments', {
      default: LIMITS.fragments,
      min: 1,
      max: 1_024,
      says: 'fragments of one frame',
    }),
    bufferedChunks: read.int('buffered-chunks', {
      default: LIMITS.bufferedChunks,
      min: 16,
      max: 65_536,
      says: 'pieces in which one frame may come in from the network',
    }),
    handshakeMs: read.int('handshake-ms', {
      default: LIMITS.handshakeMs,
      min: 100,
      max: 60_000,
      says: 'time for the request of a handshake to come in',
    }),
    rateBurst: read.int('rate-burst', {
      default: LIMITS.rateBurst,
      min: 1,
      max: 10_000,
      says: 'sends of --rate that may come at once',
    }),
    unackedSends: read.int('unacked-sends', {
      default: LIMITS.unackedSends,
      min: 1,
      max: 1_024,
      says: 'unacked sends of a client above which its socket is not read',
    }),
    highWaterBytes,
    lowWaterBytes: highWaterBytes / 4,
    noProgressMs: read.int('no-progress-ms', {
      default: LIMITS.noProgressMs,
      min: 1_000,
      max: 600_000,
      says: 'time after which a client that takes nothing of what it is sent is closed',
    }),
  }
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
