import { createHash, randomBytes } from 'node:crypto'
import type { Secret } from './account-store.ts'

/**
 * What stands in the cookies. The refresh cookie is `<session>.<family><turn>`: the family stays for the life of the session, the
 * turn is another one each time. So a secret that was used before is told from one that never was: it has the family. Only
 * hashes are kept; the secrets are random and long, so a plain SHA-256 is enough.
 */

export const REFRESH_COOKIE = 'flotilla_refresh'
export const DEVICE_COOKIE = 'flotilla_device'
const FAMILY_BYTES = 16
const TURN_BYTES = 32
const DEVICE_BYTES = 24
/** Accounts one browser may be known to. */
const MAX_DEVICES = 5

export interface RefreshToken {
  session: string
  family: Buffer
  turn: Buffer
}

export function newRefreshToken(session: string): RefreshToken {
  return { session, family: randomBytes(FAMILY_BYTES), turn: randomBytes(TURN_BYTES) }
}

export function nextTurn({ session, family }: RefreshToken): RefreshToken {
  return { session, family, turn: randomBytes(TURN_BYTES) }
}

export function writeRefreshToken({ session, family, turn }: RefreshToken): string {
  return `${session}.${Buffer.concat([family, turn]).toString('base64url')}`
}

export function readRefreshToken(text: string | undefined): RefreshToken | undefined {
  const [, session, secret] = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{64})$/.exec(text ?? '') ?? []
  if (session === undefined || secret === undefined) return undefined
  const bytes = Buffer.from(secret, 'base64url')
  return { session, family: bytes.subarray(0, FAMILY_BYTES), turn: bytes.subarray(FAMILY_BYTES) }
}

export function hashed({ family, turn }: RefreshToken): Secret {
  return { family: sha256(family), turn: sha256(turn) }
}

/** The devices a browser says it is, each known to one account or more; the last first. */
export function readDevices(text: string | undefined): string[] {
  const all = (text ?? '').split('.').filter((device) => /^[A-Za-z0-9_-]{32}$/.test(device))
  return all.slice(0, MAX_DEVICES)
}

/** With one more, and what to keep of that. */
export function withNewDevice(devices: readonly string[]): { cookie: string; device: Buffer } {
  const device = randomBytes(DEVICE_BYTES).toString('base64url')
  return { cookie: [device, ...devices].slice(0, MAX_DEVICES).join('.'), device: sha256(device) }
}

export function sha256(of: Buffer | string): Buffer {
  return createHash('sha256').update(of).digest()
}

export function newId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}
