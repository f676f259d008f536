import { spawnSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A folder with little space that can be filled up and freed: a small tmpfs, where this user may mount one (Linux, root). */

const MEGABYTES = 192
const BALLAST = 'ballast'
const PIECE = Buffer.alloc(64 * 1024)

export class SmallDisk {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns undefined where it cannot be had */
  static mount(folder: string): SmallDisk | undefined {
    if (process.platform !== 'linux') return undefined
    mkdirSync(folder, { recursive: true })
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', folder])
    return status === 0 ? new SmallDisk(folder) : undefined
  }

  /** Not a byte is left free. */
  fill(): void {
    const file = openSync(join(this.#folder, BALLAST), 'a')
    try {
      for (let bytes = PIECE.length; bytes >= 1;) {
        try {
          writeSync(file, PIECE, 0, bytes)
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
          bytes = Math.floor(bytes / 16)
        }
      }
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(join(this.#folder, BALLAST), { force: true })
  }

  /** Nobody may have a file open in it any more. What it holds stands in a plain folder then. */
  unmount(): void {
    const aside = `${this.#folder}-copy`
    cpSync(this.#folder, aside, { recursive: true })
    spawnSync('umount', [this.#folder])
    rmSync(this.#folder, { recursive: true })
    renameSync(aside, this.#folder)
  }
}
