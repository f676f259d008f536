import { join } from 'node:path'
import { pino, type Level, type Logger } from 'pino'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'

export const LOG_FILE = 'chat.log'

export interface LogOptions {
  /** The server's data folder; made if absent. */
  dir: string
  level: Level | 'silent'
  /** The server's id and the id of this run: in every line. */
  id: string
  inc: string
  /** Size at which `chat.log` becomes `chat.1.log`, and that `chat.2.log` … */
  maxBytes?: number
  /** Files kept, the live one included. */
  maxFiles?: number
  /** Where it is said that the log cannot be written; standard error unless a test listens. */
  complain?: (line: string) => void
  now?: () => number
}

export interface Log extends Logger {
  /** Writes out what is waiting; nothing is logged after that. */
  end(): Promise<void>
  /** Lines that could not be written since the start. */
  linesLost(): number
}

/** What no line may hold, at the top of the logged object or up to two levels down. */
const SECRET = ['token', 'authorization', 'cookie', 'password', 'secret', 'text']
/** Lines wait in memory for a slow disk up to here; further ones are lost, and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** After the file failed, it is opened again with the first line after this time. */
const RETRY_MS = 10_000

/**
 * The process's log: JSON lines in `<dir>/chat.log`, rotated by size. Never throws and never ends the process: a disk that takes no
 * log costs lines, which are counted, and one complaint per fault.
 */
export function createLog(options: LogOptions): Log {
  const file = new LogFile(options)
  const logger = pino(
    {
      level: options.level,
      base: { id: options.id, inc: options.inc },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
      serializers: {
        cause: pino.stdSerializers.err,
        // A token may come as a query parameter: see the doors.
        url: (url: unknown) =>
          typeof url === 'string' ? url.replace(/([?&]token=)[^&#]*/gi, '$1[redacted]') : url,
      },
    },
    file,
  )
  return Object.assign(logger, { end: () => file.end(), linesLost: () => file.linesLost })
}

/** A rotating file that outlives its own failures. */
class LogFile {
  linesLost = 0
  readonly #options: LogOptions
  readonly #complain: (line: string) => void
  readonly #now: () => number
  #stream: RotatingFileStream | undefined
  #failedAt = -Infinity
  #isEnded = false
  readonly #written = (cause?: Error | null): void => {
    if (cause) this.linesLost += 1
  }

  constructor(options: LogOptions) {
    this.#options = options
    this.#complain = options.complain ?? ((line) => void process.stderr.write(`${line}\n`))
    this.#now = options.now ?? Date.now
  }

  write(line: string): void {
    const stream = this.#open()
    if (stream === undefined || stream.writableLength > MAX_WAITING_BYTES) {
      this.linesLost += 1
      return
    }
    stream.write(line, this.#written)
  }

  async end(): Promise<void> {
    this.#isEnded = true
    const stream = this.#stream
    if (stream === undefined || stream.destroyed) return
    await new Promise<void>((resolve) => {
      stream.once('error', () => resolve())
      stream.end(resolve)
    })
  }

  #open(): RotatingFileStream | undefined {
    if (this.#isEnded) return undefined
    if (this.#stream !== undefined) return this.#stream
    if (this.#now() - this.#failedAt < RETRY_MS) return undefined
    const { dir, maxBytes = 10 * 1024 * 1024, maxFiles = 5 } = this.#options
    const stream = createStream(
      (index: unknown) => (typeof index === 'number' ? `chat.${index}.log` : LOG_FILE),
      { path: dir, size: `${maxBytes}B`, rotate: maxFiles - 1 },
    )
    stream.on('error', (cause) => {
      if (this.#stream !== stream) return
      this.#stream = undefined
      this.#failedAt = this.#now()
      this.#complain(
        `${join(dir, LOG_FILE)} cannot be written, lines are lost: ${cause.message}; next try in ${RETRY_MS / 1_000} s`,
      )
    })
    this.#stream = stream
    return stream
  }
}
