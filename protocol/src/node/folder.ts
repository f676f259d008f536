import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder with all those above it, if it is not there. Not by `mkdirSync` with `recursive`: that never comes back where
 * a folder that exists says of what is made in it that there is no such thing, as `/proc` does.
 * @throws as `mkdirSync`, if it cannot be made or is no folder
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    const above = dirname(folder)
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw error
    makeFolder(above)
    makeFolder(folder) // another process may have made it by now
  }
}
