import { closeSync, openSync, readFileSync, readSync, writeSync, constants } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/**
 * The number of the last commit, kept beside the chat file and written after each: a witness of what the file held. A file whose
 * own number is lower has lost commits: its WAL was damaged or removed, or it is an older copy. The mark itself is not
 * synced: after a power cut it may be behind, never ahead.
 */

const MARK_FILE = 'chat.mark'
const DIGITS = 16
const BYTES = DIGITS + 1 + 8 + 1

export class Mark {
  readonly #fd: number
  readonly #bytes = Buffer.alloc(BYTES)
  /** What was found there; 0: nothing that can be relied on. */
  readonly found: number

  /** @throws if the folder cannot be written to */
  constructor(dir: string) {
    this.#fd = openSync(join(dir, MARK_FILE), constants.O_RDWR | constants.O_CREAT, 0o644)
    this.found = this.read()
  }

  read(): number {
    const length = readSync(this.#fd, this.#bytes, 0, BYTES, 0)
    return numberIn(this.#bytes.toString('latin1', 0, length))
  }

  /** In place and of one length, so that a full disk does not stand in the way. */
  write(commitNo: number): void {
    const number = String(commitNo).padStart(DIGITS, '0')
    this.#bytes.write(`${number} ${crcOf(number)}\n`, 'latin1')
    writeSync(this.#fd, this.#bytes, 0, BYTES, 0)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** As it stands in another server's folder; 0: none that can be relied on. */
export function markIn(dir: string): number {
  try {
    return numberIn(readFileSync(join(dir, MARK_FILE), 'latin1'))
  } catch {
    return 0
  }
}

/** For another server's folder, after a commit was made in its file. A witness more: where it cannot be had, all goes on. */
export function raiseMark(dir: string, commitNo: number): void {
  try {
    const mark = new Mark(dir)
    if (mark.found < commitNo) mark.write(commitNo)
    mark.close()
  } catch {
    // The folder of a dead server may be read-only.
  }
}

function numberIn(text: string): number {
  const number = text.slice(0, DIGITS)
  if (!/^\d{16} [0-9a-f]{8}\n$/.test(text) || text.slice(DIGITS + 1, -1) !== crcOf(number)) return 0
  return Number(number)
}

function crcOf(number: string): string {
  return crc32(number).toString(16).padStart(8, '0')
}
