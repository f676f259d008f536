import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { ERRORS } from '@flotilla/protocol/errors.ts'
import type { ErrorFrame } from '@flotilla/protocol/frames.ts'
import { textFrame } from '../rooms/ring.ts'

const TRY_LATER: CloseCode = 1013
/** A client that does not hang up is cut off after this long. */
const HANG_UP_MS = 5_000

/**
 * Sends a client away until `retryMs` have passed [C8]. A browser can read nothing of a failed upgrade, so it is upgraded to be told;
 * in one write, with nothing made that a session is made of: there may be thousands of them. `accepted`: the head of the answer to its handshake.
 */
export function putOff(accepted: string, socket: Socket, retryMs: number): void {
  const frame: ErrorFrame = { type: 'error', code: 'busy', message: ERRORS.busy.says, retryMs }
  const close = Buffer.from([0x88, 0x02, TRY_LATER >> 8, TRY_LATER & 0xff])
  socket.setTimeout(HANG_UP_MS, () => socket.destroy())
  socket.resume() // its own close frame: unread it would make a reset of our end
  socket.end(Buffer.concat([Buffer.from(accepted, 'latin1'), textFrame(JSON.stringify(frame)), close]))
}
