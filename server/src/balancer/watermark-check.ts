import type { Logger } from 'pino'
import type { CommitCounters } from '../rooms/committer.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { Store } from '../store/store.ts'

/**
 * Compares the store with the highest commit the balancer ever heard of. A store below it has lost something, be it that its
 * folder was set back: its logs get other ids, clients are told to start again, and the rooms are asked of the directory, which may
 * know another home. Called with each registration, before anything is reported.
 */
export function watermarkCheck(parts: {
  store: Store
  rooms: Rooms
  counters: CommitCounters
  log: Logger
}): (watermark: number) => Promise<void> {
  const { store, rooms, counters, log } = parts
  return async (watermark) => {
    if (watermark <= counters.commitNo) return
    log.error(
      { watermark, commitNo: counters.commitNo },
      'the store is older than it was: its logs are renewed',
    )
    const renewing = store.renewLogs(watermark)
    // Twice: now, so that nothing more goes out under the old ids, and for what was being opened just then.
    rooms.doubt()
    counters.commitNo = Math.max(await renewing, counters.commitNo)
    rooms.doubt()
  }
}
