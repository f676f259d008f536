import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs'

/** A folder whose space can be taken away and given back: a tmpfs, where this user may mount one (Linux, root). */

const BYTES = 4 * 1024 ** 3
/** The server writes while it is measured: then it is measured again. */
const TRIES = 20

export class SmallDisk {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns undefined where it cannot be had */
  static mount(folder: string): SmallDisk | undefined {
    if (process.platform !== 'linux') return undefined
    mkdirSync(folder, { recursive: true })
    return mount('-t', 'tmpfs', '-o', `size=${BYTES}`, 'tmpfs', folder) ? new SmallDisk(folder) : undefined
  }

  /** Not a byte is left free. @returns false if that could not be had */
  fill(): boolean {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { blocks, bfree, bsize } = statfsSync(this.#folder)
      // Refused if it holds more than that by now.
      if (bfree === 0 || this.#resize((blocks - bfree) * bsize)) return true
    }
    return false
  }

  free(): void {
    this.#resize(BYTES)
  }

  /** Nobody may have a file open in it any more. What it holds stands in a plain folder then. */
  unmount(): void {
    this.free()
    const aside = `${this.#folder}-copy`
    cpSync(this.#folder, aside, { recursive: true })
    spawnSync('umount', [this.#folder])
    rmSync(this.#folder, { recursive: true })
    renameSync(aside, this.#folder)
  }

  #resize(bytes: number): boolean {
    return mount('-o', `remount,size=${bytes}`, this.#folder)
  }
}

/**
 * Lets go of what runs left behind that were killed: every tmpfs in a folder `<prefix><pid>-…` whose process is gone.
 * One that somebody still uses cannot be unmounted, and stays.
 * @returns what is not mounted any more
 */
export function sweepDisks(prefix: string): string[] {
  if (process.platform !== 'linux') return []
  return tmpfsFolders()
    .filter((folder) => folder.startsWith(prefix))
    .filter((folder) => !isAlive(Number(/^\d+(?=-)/.exec(folder.slice(prefix.length))?.[0] ?? process.pid)))
    .filter((folder) => spawnSync('umount', [folder], { stdio: 'ignore' }).status === 0)
}

function tmpfsFolders(): string[] {
  const lines = readFileSync('/proc/mounts', 'utf8').split('\n')
  return lines.flatMap((line) => {
    const [, folder = '', type] = line.split(' ')
    return type === 'tmpfs' ? [folder] : []
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function mount(...args: string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0
}
