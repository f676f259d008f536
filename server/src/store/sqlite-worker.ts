import { parentPort, workerData } from 'node:worker_threads'
import { meaningOf, oneLine, openChatFile, whyUnusable, type FileOptions } from './sqlite-file.ts'
import type { Answer, Ask } from './sqlite-messages.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, StoreDamaged } from './store.ts'
import { takeOver } from './take-over.ts'

/**
 * The thread that commits. It opens the file, says `opened`, and then answers one request after the other; only a take-over lets
 * appends through between its steps. Checkpoints are the reader's work: see `#checkpoint` in sqlite-store.ts.
 */

export interface WriterOptions extends FileOptions {
  self: string
}

/**
 * Frames (of 4 KiB) waiting in the WAL at which the reader is asked to bring them into the file. With fewer, the same pages are
 * written again and again; with more, the WAL's index outgrows its first 32 KiB (4,062 frames). Of 1,000 to 4,000 this
 * gave the lowest p99 of a commit at 1,000 and at 8,000 sends/s.
 */
const CHECKPOINT_DUE_FRAMES = 4_000
/** The reader cannot keep up, or is gone: then commits wait for a checkpoint of the writer's own. */
const CHECKPOINT_NOW_FRAMES = 16_000
/** Rows stored between two looks at the WAL; each brings one to three frames. */
const ROWS_PER_LOOK = 250

const port = parentPort!
const { self, ...file } = workerData as WriterOptions

function main(): void {
  let writer: SqliteWriter
  try {
    writer = new SqliteWriter(openChatFile(file))
  } catch (cause) {
    const why = whyUnusable(cause, file.dir)
    say({ event: why instanceof StoreDamaged ? 'damaged' : 'unusable', message: why.message })
    port.close()
    return
  }
  let rowsUnlooked = 0
  let isCheckpointAsked = false
  /** Take-overs one after the other: each step of one sees what the last left. */
  let takeOvers: Promise<unknown> = Promise.resolve()

  const look = (): void => {
    rowsUnlooked = 0
    const frames = writer.waitingFrames()
    if (frames >= CHECKPOINT_NOW_FRAMES) writer.checkpoint()
    else if (frames >= CHECKPOINT_DUE_FRAMES && !isCheckpointAsked) {
      isCheckpointAsked = true
      say({ event: 'checkpoint-due' })
    }
  }

  port.on('message', (ask: Ask) => {
    switch (ask.ask) {
      case 'append':
        answer(ask.id, () => writer.append(ask.cells))
        rowsUnlooked += 1 + ask.cells.length / 8
        if (rowsUnlooked >= ROWS_PER_LOOK) attempt(look)
        return
      case 'take': {
        const { id, room, epoch } = ask
        const from = ask.from.filter((other) => other.id !== self)
        if (from.length === 0) {
          answer(id, () => {
            const taken = writer.take(room, epoch)
            return taken === 'elsewhere' ? 'fenced' : taken
          })
          return
        }
        takeOvers = takeOvers.then(async () => {
          try {
            const steps = takeOver(writer, self, room, epoch, from)
            let step = steps.next()
            while (!step.done) {
              await new Promise(setImmediate) // what came in meanwhile, appends above all, goes first
              step = steps.next()
            }
            say({ id, value: step.value })
          } catch (cause) {
            fail(id, cause)
          }
        })
        return
      }
      case 'held':
        answer(ask.id, () => writer.held())
        return
      case 'checkpoint':
        // The reader has brought nearly all of it over; the few frames that came since keep the WAL from starting over.
        isCheckpointAsked = false
        answer(ask.id, () => writer.checkpoint())
        return
      case 'close':
        void takeOvers.then(() => answer(ask.id, () => void writer.db.close()))
        return
      case 'read':
        throw new Error('the writer does not read')
    }
  })
  say({ event: 'opened' })
}

/** Carries out what is said to be safe to fail: a checkpoint that finds no space is tried again with the next one. */
function attempt(work: () => void): void {
  try {
    work()
  } catch (cause) {
    if (meaningOf(cause) === 'lost') throw cause
  }
}

function answer(id: number, work: () => unknown): void {
  let value: unknown
  try {
    value = work()
  } catch (cause) {
    fail(id, cause)
    return
  }
  say({ id, value })
}

function fail(id: number, cause: unknown): void {
  const message = oneLine(cause instanceof Error ? cause.message : String(cause))
  say({ id, failed: cause instanceof SourceUnavailable ? 'source' : meaningOf(cause), message })
}

function say(message: Answer): void {
  port.postMessage(message)
}

main()
