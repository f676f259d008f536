import { parentPort, workerData } from 'node:worker_threads'
import type { RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import { BehindCopier } from './behind-copier.ts'
import { Damage } from './checksum.ts'
import { clearAtStart, COMPACT_UP_TO_BYTES, Erasures } from './erasure.ts'
import { forgetChunk, raiseFloor } from './forgetting.ts'
import { FormerHomes } from './former-homes.ts'
import { Mark } from './mark.ts'
import { mend } from './mend.ts'
import { forgottenBefore } from './retention.ts'
import { COPY_CHUNK } from './room-copy.ts'
import { busy, meaningOf, oneLine, openChatFile, whyUnusable, type FileOptions } from './sqlite-file.ts'
import { DRAFT_CELLS, type Answer, type Ask } from './sqlite-messages.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, StoreDamaged, type Swept } from './store.ts'
import { clearSuspicion, suspect, suspected } from './suspicion.ts'
import { TAIL } from './take-over.ts'
import { TakeOvers } from './take-overs.ts'

/**
 * The thread that commits. It opens the file, says `opened`, and then answers one request after the other; only take-overs, and
 * what is copied behind them, let appends through between their steps. Checkpoints are the reader's work: see `#checkpoint` in
 * sqlite-store.ts.
 */

export interface WriterOptions extends FileOptions {
  self: string
  tail?: number | undefined
  isCopyingBehind?: boolean | undefined
  compactUpToBytes?: number | undefined
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
const {
  self,
  tail = TAIL,
  isCopyingBehind = true,
  compactUpToBytes = COMPACT_UP_TO_BYTES,
  ...file
} = workerData as WriterOptions

/** The file, checked as far as there is reason to, and whether it has lost commits. */
function openWriter(): { writer: SqliteWriter; isRenewed: boolean } {
  const suspects = suspected(file.dir)
  const db = openChatFile({ ...file, isSuspected: suspects !== undefined })
  try {
    if (suspects !== undefined) mend(db, suspects)
    clearSuspicion(file.dir)
    const mark = new Mark(file.dir)
    const writer = new SqliteWriter(db, mark)
    clearAtStart(writer, compactUpToBytes)
    const isRenewed = mark.found > writer.commitNo
    if (isRenewed) writer.renewLogs(mark.found)
    mark.write(writer.commitNo)
    return { writer, isRenewed }
  } catch (cause) {
    db.close()
    throw cause
  }
}

function main(): void {
  let opened: ReturnType<typeof openWriter>
  try {
    opened = openWriter()
  } catch (cause) {
    const why = whyUnusable(cause, file.dir)
    say({ event: why instanceof StoreDamaged ? 'damaged' : 'unusable', message: why.message })
    port.close()
    return
  }
  const { writer, isRenewed } = opened
  let rowsUnlooked = 0
  let isCheckpointAsked = false
  let isClosing = false

  const look = (): void => {
    rowsUnlooked = 0
    const frames = writer.waitingFrames()
    if (frames >= CHECKPOINT_NOW_FRAMES) writer.checkpoint()
    else if (frames >= CHECKPOINT_DUE_FRAMES && !isCheckpointAsked) {
      isCheckpointAsked = true
      say({ event: 'checkpoint-due' })
    }
  }
  const stored = (rows: number): void => {
    rowsUnlooked += rows
    if (rowsUnlooked >= ROWS_PER_LOOK) attempt(look)
  }

  const behind = new BehindCopier({
    writer,
    stored,
    onWhole: (room) => say({ event: 'whole', ...room }),
    onRenewed: (room) => say({ event: 'renewed', room }),
    onFailed: (room, message) => say({ event: 'copy-failed', room, message: oneLine(message) }),
    onLost: (cause) => {
      suspect(file.dir, roomOf(cause))
      throw cause // nobody waits for it: the thread ends, and with it the store
    },
  })
  const takeOvers = new TakeOvers({ writer, self, tail, stored })
  const formerHomes = new FormerHomes(writer)
  const erasures = new Erasures({ writer, compactUpToBytes, stored })

  const forget = async (room: RoomId, beforeTs: number): Promise<Seq | 'fenced'> => {
    const forgetting = raiseFloor(writer, room, beforeTs)
    if (forgetting === 'fenced') return 'fenced'
    const { row, hasBecomeWhole } = forgetting
    if (hasBecomeWhole) say({ event: 'whole', room, epoch: row.epoch, head: row.head })
    for (let at: Seq | undefined = 1; at !== undefined && !isClosing;) {
      at = forgetChunk(writer, row, at)
      stored(COPY_CHUNK)
      await new Promise(setImmediate) // what came in meanwhile, appends above all, goes first
    }
    return row.floor
  }

  const sweep = async (now: number): Promise<Swept[]> => {
    const swept: Swept[] = []
    for (const { room } of writer.held()) {
      if (isClosing) break
      const row = writer.row(room)
      const beforeTs = row && forgottenBefore(writer.record.restsOf(row), now)
      if (row !== undefined && beforeTs !== undefined) {
        const floor = await forget(room, beforeTs)
        if (floor !== 'fenced' && floor > row.floor) swept.push({ room, floor })
      } else await new Promise(setImmediate)
      const steps = formerHomes.forget(room)
      while (!isClosing && steps.next().done !== true) await new Promise(setImmediate)
      steps.return(undefined)
    }
    return swept
  }

  const forgetName = async (userId: UserId): Promise<void> => {
    for (const { room, movedTo } of writer.rooms.all()) {
      if (movedTo === null) continue
      if (isClosing) throw busy('it is being closed')
      writer.forgetName(room, userId)
      await new Promise(setImmediate)
    }
  }

  port.on('message', (ask: Ask) => {
    switch (ask.ask) {
      case 'append':
        answer(ask.id, () => writer.append(ask.cells))
        stored(1 + ask.cells.length / DRAFT_CELLS)
        return
      case 'take': {
        const { id, room, epoch, genesis } = ask
        const from = ask.from.filter((other) => other.id !== self)
        if (from.length === 0) {
          answer(id, () => {
            const taken = writer.take(room, epoch, genesis)
            return taken === 'elsewhere' ? 'fenced' : taken
          })
          return
        }
        takeOvers.take(room, epoch, from, genesis).then(
          (value) => {
            // Deleted elsewhere: what of it is here must not stay either.
            if (value === 'erased')
              return answerLater(
                id,
                erasures.erase(room).then(() => value),
              )
            say({ id, value })
            if (typeof value !== 'string' && !value.isWhole && isCopyingBehind) behind.add(room)
          },
          (cause: unknown) => fail(id, cause),
        )
        return
      }
      case 'held':
        answer(ask.id, () => writer.held())
        return
      case 'renew-logs':
        answer(ask.id, () => writer.renewLogs(ask.above))
        return
      case 'checkpoint':
        // The reader has brought nearly all of it over; the few frames that came since keep the WAL from starting over.
        isCheckpointAsked = false
        answer(ask.id, () => writer.checkpoint())
        return
      case 'close':
        behind.stop()
        isClosing = true
        void Promise.all([takeOvers.settled(), erasures.stop()]).then(() =>
          answer(ask.id, () => writer.close()),
        )
        return
      case 'erase':
        answerLater(ask.id, erasures.erase(ask.room))
        return
      case 'forget':
        answerLater(ask.id, forget(ask.room, ask.beforeTs))
        return
      case 'sweep':
        answerLater(ask.id, sweep(ask.now))
        return
      case 'forget-name':
        answerLater(ask.id, forgetName(ask.userId))
        return
      case 'read':
      case 'audit':
      case 'rooms-of':
      case 'entries-of':
        throw new Error('the writer does not read')
    }
  })
  say({ event: 'opened', isRenewed })
  if (isCopyingBehind) behind.start()
  // What fails now is tried again with the next one, and at the next start.
  erasures.resume().catch((cause: unknown) => attempt(() => rethrow(cause)))
}

function rethrow(cause: unknown): never {
  throw cause
}

/** Carries out what is said to be safe to fail: a checkpoint that finds no space is tried again with the next one. */
function attempt(work: () => void): void {
  try {
    work()
  } catch (cause) {
    if (meaningOf(cause) === 'lost') throw cause
  }
}

function answerLater(id: number, value: Promise<unknown>): void {
  value.then(
    (given) => say({ id, value: given }),
    (cause: unknown) => fail(id, cause),
  )
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
  const failed = cause instanceof SourceUnavailable ? 'source' : meaningOf(cause)
  if (failed === 'lost') suspect(file.dir, roomOf(cause))
  say({ id, failed, message })
}

/** Whose entries are to be looked at, before all is well again. */
function roomOf(cause: unknown): RoomId | undefined {
  return cause instanceof Damage ? cause.room : undefined
}

function say(message: Answer): void {
  port.postMessage(message)
}

main()
