// Loaded before everything else (`node --import`): of all processes that have it, the first to find the file FLOTILLA_CRASH_FILE
// takes it away and ends at once, as one does that has a bug.
import { rmSync } from 'node:fs'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

const file = process.env['FLOTILLA_CRASH_FILE']!
const LOOK_MS = 20

function look(): void {
  try {
    rmSync(file)
  } catch {
    return // it is not there
  }
  process.exit(3)
}

// A thread that ends takes its process along in another way.
if (isMainThread) setInterval(look, LOOK_MS).unref()
