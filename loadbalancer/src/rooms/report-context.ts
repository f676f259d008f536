import type { LogEntry, RoomActs } from './room-acts.ts'
import type { ReportRecord } from './room-book.ts'

/** Entries shown on either side of a reported one. */
const CONTEXT = 5

/** A report with what was said around what it is about, as far as that is kept and can be read now: the report itself is shown. */
export async function inContext<T extends ReportRecord>(
  acts: RoomActs,
  roomId: string,
  report: T,
): Promise<T & { context: LogEntry[] }> {
  const read = await acts.read(roomId, { after: Math.max(0, report.seq - 1 - CONTEXT) }, 2 * CONTEXT + 1)
  return { ...report, context: 'refused' in read ? [] : read }
}
