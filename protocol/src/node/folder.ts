import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder with all those above it, if it is not there. Not by `mkdirSync` with `recursive`: that never comes back where
 * a folder that exists says of what is made in it that there is no such thing, as `/proc` does.
 * @throws as `mkdirSync`, if it cannot be made or is no folder
 */
export function makeFolder(folder: string): void {
  if (isMade(folder)) return
  const above = dirname(folder)
  if (above !== folder && !existsSync(above)) makeFolder(above)
  // Once more: another process may have made that above, or all of it, since.
  if (!isMade(folder)) mkdirSync(folder)
}

/** Whether it is there now. @throws as `mkdirSync`, unless what is missing is above it */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return true
    if (code !== 'ENOENT') throw error
    return false
  }
}
