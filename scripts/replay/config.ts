import { basename } from 'node:path'
import { Settings, type Env } from '@flotilla/protocol/node/settings.ts'

const USAGE = `npm run replay -- FILE [flags]
Runs an IRC log through a fleet, each nick a client, and verifies that nothing was lost, doubled or altered.`

/** @throws ConfigError, one line naming every fault; HelpAsked */
export function readReplayConfig(argv: readonly string[], env: Env) {
  const { file, flags } = takeFile(argv)
  const read = new Settings(flags, env, { usage: USAGE })
  const loadbalancer = read.optionalUrl('loadbalancer', {
    says: 'balancer of a running fleet, instead of an own one',
  })
  const speed = read.optionalString('speed', {
    says: 'times faster than it was said (default: as fast as acks come)',
  })
  const config = {
    file: file ?? '',
    loadbalancer,
    servers: read.int('servers', { default: 3, min: 1, max: 64, says: 'chat servers of the own fleet' }),
    /** Undefined: as fast as acks come. */
    speed: speed === undefined ? undefined : Number(speed),
    room: read.optionalString('room', {
      says: 'id or name of the room, made if need be (default: general in an own fleet, else a new one)',
    }),
    isOrdered: !read.onOff('unordered', {
      default: false,
      says: 'every nick as fast as it can: only its own order is verified',
    }),
    isKilling: read.onOff('kill', {
      default: false,
      says: "kill -9 the room's home half way; it is started again",
    }),
    isKept: read.onOff('keep', { default: false, says: 'keep the data of the own fleet' }),
    roomName: `${basename(file ?? '').slice(0, 40)} ${new Date().toISOString().slice(0, 16).replace('T', ' ')}`,
  }
  if (file === undefined) read.problem('no FILE is given')
  if (config.speed !== undefined && !(config.speed > 0)) read.problem('--speed must be a number above 0')
  if (config.speed !== undefined && !config.isOrdered)
    read.problem('--speed and --unordered exclude each other')
  if (loadbalancer !== undefined && config.isKilling) read.problem('--kill needs an own fleet')
  return read.done(config)
}

export type ReplayConfig = ReturnType<typeof readReplayConfig>

/** The file stands first or last: elsewhere it could be a flag's value. */
function takeFile(argv: readonly string[]): { file: string | undefined; flags: readonly string[] } {
  const [first, ...others] = argv
  if (first !== undefined && !first.startsWith('-')) return { file: first, flags: others }
  const last = argv.at(-1)
  if (last !== undefined && !last.startsWith('-')) return { file: last, flags: argv.slice(0, -1) }
  return { file: undefined, flags: argv }
}
