import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './folder.ts'

/** What processes of one fleet know each other by: `FLEET_SECRET`, or a file that the first of them makes. */

const FILE = 'fleet.secret'

/**
 * The secret of the fleet whose data lies in `dataRoot` (`data/`, not a folder of one process): `given` if there
 * is one, else what `fleet.secret` holds there, made now (mode 0600) if it is missing. Any number of processes may
 * start at once: all come back with the same one.
 * @throws if the folder cannot be written, or the file holds no secret
 */
export function findFleetSecret(dataRoot: string, given?: string): string {
  if (given !== undefined) return given
  const file = join(dataRoot, FILE)
  return read(file) ?? make(dataRoot, file)
}

/** Whether an `Authorization` header bears the secret. Takes as long for a wrong one as for the right one. */
export function bearsFleetSecret(authorization: string | undefined, secret: string): boolean {
  const match = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization ?? '')
  // Equal digests of equal length: neither the length nor the common start of a guess shows in the time.
  return match?.[1] !== undefined && timingSafeEqual(digest(match[1]), digest(secret))
}

function read(file: string): string | undefined {
  let text
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (/^[\x21-\x7e]{16,4096}$/.test(text)) return text
  throw new Error(`${file} holds no secret: delete it, or set FLEET_SECRET`)
}

function make(dataRoot: string, file: string): string {
  makeFolder(dataRoot)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, `${randomBytes(32).toString('base64url')}\n`)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  try {
    // A link appears whole or not at all, and only once: whoever is second reads what the first one wrote.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const secret = read(file)
  if (secret === undefined) throw new Error(`${file} vanished while it was made`)
  return secret
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
