import type { ServerResponse } from 'node:http'
import type { Gate } from './mount.ts'
import type { Lines } from './route.ts'

/** As much has to be taken within this time, by whoever is sent something that he may take long to read. */
const PART_BYTES = 16 * 1024
const STILL_MS = 10_000

/**
 * Sends lines no faster than they are read. There may be no end to them, so neither is there to the time: but who takes nothing
 * for a while is cut off and counted, as others wait for what he holds.
 */
export async function sendLines(
  response: ServerResponse,
  { status, type, lines, ended }: Lines,
  { metrics, stillMs = STILL_MS }: Pick<Gate, 'metrics' | 'stillMs'>,
): Promise<void> {
  try {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
    for await (const line of lines) {
      for (const part of partsOf(Buffer.from(line))) {
        if (response.destroyed) return // he is gone, and has ended it himself
        if (response.write(part) || (await isTaken(response, stillMs))) continue
        if (!response.destroyed) metrics.stillReaders.inc()
        response.destroy()
        return
      }
    }
    response.end()
  } finally {
    ended?.()
  }
}

function* partsOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES)
}

/** @returns false: it was not, in all that time, or there is nobody any more to take it */
function isTaken(response: ServerResponse, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (outcome: boolean) => {
      clearTimeout(timer)
      response.off('drain', taken).off('close', gone)
      resolve(outcome)
    }
    const taken = () => end(true)
    const gone = () => end(false)
    const timer = setTimeout(gone, withinMs)
    response.once('drain', taken).once('close', gone)
  })
}
