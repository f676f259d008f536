// Preloaded into every child of a fleet (`node --import`): a child whose parent is gone, even by `kill -9`, ends
// too. Otherwise it would go on holding its port and its data folder, and the next start would find both taken.
import { isMainThread } from 'node:worker_threads'

/** A child that does not manage to end by itself in this time is ended. */
const LAST_WORDS_MS = 5_000

// Worker threads are preloaded with this as well; the channel to the parent is the main thread's alone.
if (isMainThread && process.channel) {
  process.once('disconnect', () => {
    // To itself as a signal, so that the program's own way to stop runs: sockets closed, the store flushed.
    process.kill(process.pid, 'SIGINT')
    setTimeout(() => process.exit(1), LAST_WORDS_MS).unref()
  })
  process.channel.unref() // watching the parent must not keep a child alive that is done
}
