import { pino, type Logger } from 'pino'
import { createStream } from 'rotating-file-stream'

export type { Logger }

/** What never goes into a log, wherever it stands in a record. */
const SECRET_PATHS = ['token', 'password', 'authorization', 'text', 'secret'].flatMap((name) => [
  name,
  `*.${name}`,
])

/**
 * The log of a process: JSON lines in `<folder>/<file>`, rotated, at most 5 × 10 MB. `base`: fields of every record.
 * `close` resolves when what was logged is written.
 */
export function openLog(options: {
  folder: string
  file: string
  level: string
  base: Record<string, string>
}): { log: Logger; close: () => Promise<void> } {
  const stream = createStream(options.file, { path: options.folder, size: '10M', maxFiles: 5 })
  let isBroken = false
  stream.on('error', (error) => {
    // A full disk must not end the process that logs; but neither may its log end in silence.
    if (!isBroken) process.stderr.write(`The log cannot be written: ${error.message}\n`)
    isBroken = true
  })
  const log = pino(
    {
      level: options.level,
      base: options.base,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: SECRET_PATHS,
    },
    stream,
  )
  const close = () => new Promise<void>((done) => (isBroken ? done() : stream.end(() => done())))
  return { log, close }
}
