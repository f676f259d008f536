import { join, resolve } from 'node:path'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'

const ROOT = resolve(import.meta.dirname, '../..')
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type Config = ReturnType<typeof readConfig>

/** Reads flags, then their environment twins, once. Throws ConfigError, one line naming every fault. */
export function readConfig(argv: readonly string[], env: Env) {
  const read = new Settings(argv, env, { usage: 'The balancer of a Flotilla fleet. Flags:' })
  const config = {
    host: read.string('host', { default: '127.0.0.1', says: 'address to listen on' }),
    /** 0 = any free one. */
    port: read.int('port', { default: 9000, max: 65_535, says: 'port to listen on, 0 = any free one' }),
    /** Of the whole fleet: the balancer's own files lie in `loadbalancer/` below, the secret beside that. */
    dataRoot: resolve(
      read.string('data', { default: join(ROOT, 'data'), says: 'folder of the data of the fleet' }),
    ),
    /** Where browsers reach this balancer, if not at host:port. */
    publicUrl: read.optionalUrl('public-url', { says: 'where browsers reach this balancer' }),
    /** People may come in by a name alone. */
    guests: read.onOff('guests', {
      default: env['NODE_ENV'] !== 'production',
      says: 'on: people may come in by a name alone',
    }),
    /** Whose pages may call this balancer from a browser, besides its own. */
    origins: read
      .urls('origins', {
        default: ['http://localhost:5173', 'http://127.0.0.1:5173'],
        says: 'origins whose pages may call, with commas',
      })
      .map((url) => new URL(url).origin),
    logLevel: read.oneOf('log-level', LOG_LEVELS, { default: 'info', says: LOG_LEVELS.join(', ') }),
    /** Believe the last address of X-Forwarded-For: only behind a proxy that sets it. */
    trustProxy: read.onOff('trust-proxy', {
      default: false,
      says: 'on: believe the last address of X-Forwarded-For',
    }),
    /** Logins per address and 10 s; 0 = no limit. */
    loginRate: read.int('login-rate', { default: 100, says: 'logins per address and 10 s, 0 = no limit' }),
    /** Accounts made per address and hour; 0 = no limit. */
    signupRate: read.int('signup-rate', {
      default: 100,
      says: 'accounts made per address and hour, 0 = no limit',
    }),
    /** The fleet's secret; without it, that of the file. */
    fleetSecret: read.secret('FLEET_SECRET', { says: 'secret of the fleet, else kept in a file' }),
    /** The built web app, served if it is there. */
    webDir: resolve(
      read.string('web-dir', {
        default: join(ROOT, 'chat-app', 'dist'),
        says: 'folder of the built web app, served if it is there',
      }),
    ),
  }
  return read.done(config)
}
