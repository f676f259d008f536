import { setFlagsFromString } from 'node:v8'

/** One chat server as a process: sets how the engine works, then runs it. */

// New objects get 1 MiB, which does not grow. By default it grows to 32 MiB and more with the first thousands of joins and never
// shrinks: half of what an idle connection cost. What the server makes lives shorter than that, or as long as a client stays.
setFlagsFromString('--semi-space-growth-factor=1')
const { runServer } = await import('./run.ts') // not before: what it imports would let it grow already
await runServer()
