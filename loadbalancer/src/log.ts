import { pino, type Logger } from 'pino'
import { createStream } from 'rotating-file-stream'

export type { Logger }

/**
 * JSON lines in `folder/loadbalancer.log`, rotated: at most 5 × 10 MB. No tokens, passwords or texts go in.
 * `close` resolves when what was logged is written.
 */
export function openLog(folder: string, level: string): { log: Logger; close: () => Promise<void> } {
  const file = createStream('loadbalancer.log', { path: folder, size: '10M', maxFiles: 5 })
  let isBroken = false
  let isClosed = false
  file.on('error', (error) => {
    if (isClosed) return // what was still under way says something when all is over
    // A full disk must not end the fleet's balancer; but neither may its log end in silence.
    if (!isBroken) process.stderr.write(`The log cannot be written: ${error.message}\n`)
    isBroken = true
  })
  const log = pino({ level, base: null, redact: ['*.token', '*.password', '*.authorization'] }, file)
  const close = () =>
    new Promise<void>((done) => {
      isClosed = true
      if (isBroken) done()
      else file.end(() => done())
    })
  return { log, close }
}
