import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a store that met damage leaves for its next opening: that the file has to be checked, and which room it was met in. The
 * process that met it ends: nothing it knows can be relied on.
 */

const FILE = 'chat.suspect'

export function suspect(dir: string, room?: string): void {
  try {
    const rooms = new Set(suspected(dir) ?? [])
    if (room !== undefined) rooms.add(room)
    writeFileSync(join(dir, FILE), JSON.stringify([...rooms]))
  } catch {
    // The disk that is damaged may take no note either: then the damage is met again.
  }
}

/** Rooms in which damage was met; undefined: none was met at all. */
export function suspected(dir: string): string[] | undefined {
  const path = join(dir, FILE)
  if (!existsSync(path)) return undefined
  try {
    const rooms: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(rooms) ? rooms.filter((room) => typeof room === 'string') : []
  } catch {
    return []
  }
}

export function clearSuspicion(dir: string): void {
  rmSync(join(dir, FILE), { force: true })
}
