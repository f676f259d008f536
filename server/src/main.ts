import { setFlagsFromString } from 'node:v8'

/** One chat server as a process: sets how the engine works, then runs it. */

// Room for new objects is to be 4 MiB. By default it grows to 16 MiB and more, twice, with the first thousands of joins, and stays:
// half of what an idle connection cost. With 1 MiB, where it begins, a join costs a tenth more, and what is on its way ends among what
// stays. Node's own flag (--max-semi-space-size=4) would count for each thread: half a KiB more for each of 20,000 connections. Here the
// main thread's is let grow once, by the factor, with the first import; the store's threads keep their 1 MiB.
setFlagsFromString('--semi-space-growth-factor=4')
await import('@flotilla/protocol/frames.ts')
setFlagsFromString('--semi-space-growth-factor=1')
const { runServer } = await import('./run.ts')
await runServer()
