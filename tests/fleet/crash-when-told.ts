// Loaded before everything else (`node --import`): of all processes that have it, the first to find the file FLOTILLA_CRASH_FILE
// takes it away and ends at once, as one does that has a bug.
import { rmSync } from 'node:fs'
import process from 'node:process'

const file = process.env['FLOTILLA_CRASH_FILE']!
const LOOK_MS = 20

setInterval(() => {
  try {
    rmSync(file)
  } catch {
    return // it is not there
  }
  process.exit(3)
}, LOOK_MS).unref()
