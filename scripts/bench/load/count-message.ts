import type { Me } from './dialect.ts'
import { readSendId, type SendIdRead } from './send-id.ts'

/** A message has come that says its id at `bytes[at …]`: counts it, and times it for who is sampled. `read` is used again for each. */
export function countMessage(me: Me, bytes: Buffer, at: number, end: number, read: SendIdRead): void {
  me.received += 1
  if (me.isSampled && readSendId(bytes, at, end, read)) me.arrived(read.run, read.k)
}
