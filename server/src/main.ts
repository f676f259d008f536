import { setFlagsFromString } from 'node:v8'

/** One chat server as a process: sets how the engine works, then runs it. */

// Room for new objects is to be 8 MiB. By default it grows to 16 MiB and more, twice, with the first thousands of joins, and stays:
// 2 KiB of each of 20,000 idle connections. With less, what is on its way ends among what stays: with 4 MiB half a KiB of each, and a
// tenth of the CPU of a join. Node's own flag (--max-semi-space-size) would count for each thread; here the main thread's is let grow
// once, by the factor, with the first import, and the store's threads keep their 1 MiB.
setFlagsFromString('--semi-space-growth-factor=8')
await import('@flotilla/protocol/frames.ts')
setFlagsFromString('--semi-space-growth-factor=1')
const { runServer } = await import('./run.ts')
await runServer()
