import { runServer } from './run.ts'

/** One chat server as a process. */

await runServer()
