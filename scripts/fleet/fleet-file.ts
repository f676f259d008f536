// `fleet.json` in the data folder: where the supervisor that runs there is asked. The secret it wants lies beside it.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'

export interface FleetFile {
  /** `http://127.0.0.1:…` of the supervisor's control. */
  control: string
  loadbalancer: string
  /** Of the supervisor. */
  pid: number
}

const FILE = 'fleet.json'

export function writeFleetFile(dataDir: string, file: FleetFile): void {
  writeFileSync(join(dataDir, FILE), `${JSON.stringify(file)}\n`)
}

/** Undefined if no fleet was started on this data, or it was taken down. */
export function readFleetFile(dataDir: string): FleetFile | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as FleetFile
  } catch {
    return undefined
  }
}

export function removeFleetFile(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true })
}

/** Without making one: a command must not leave a secret where no fleet is. Undefined if there is none. */
export function knownFleetSecret(dataDir: string, given: string | undefined): string | undefined {
  if (given !== undefined) return given
  return existsSync(join(dataDir, 'fleet.secret')) ? findFleetSecret(dataDir) : undefined
}
