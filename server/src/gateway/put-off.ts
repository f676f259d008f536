import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { ERRORS } from '@flotilla/protocol/errors.ts'
import type { ErrorFrame } from '@flotilla/protocol/frames.ts'
import type { Clock } from '../clock.ts'
import { textFrame } from '../rooms/ring.ts'
import type { HandshakeRequest } from './doors.ts'

/** From RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TRY_LATER: CloseCode = 1013
/** A client that does not hang up is cut off after this long, whatever it does. */
const HANG_UP_MS = 5_000

/**
 * Sends a client away until `retryMs` have passed [C8]. A browser can read nothing of a failed upgrade, so it is upgraded to be told;
 * in one write, with nothing made that a session is made of: there may be thousands of them.
 * @returns false if the request is none that can be upgraded
 */
export function putOff(request: HandshakeRequest, socket: Socket, retryMs: number, clock: Clock): boolean {
  const key = request.headers['sec-websocket-key']
  if (key === undefined || request.method !== 'GET') return false
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  const protocol = request.headers['sec-websocket-protocol']
    ?.split(',')
    .some((one) => one.trim() === 'chat.v1')
  const head =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n${protocol === true ? 'Sec-WebSocket-Protocol: chat.v1\r\n' : ''}\r\n`
  const frame: ErrorFrame = { type: 'error', code: 'busy', message: ERRORS.busy.says, retryMs }
  const close = Buffer.from([0x88, 0x02, TRY_LATER >> 8, TRY_LATER & 0xff])
  // Not `setTimeout` of the socket: whoever goes on sending would stay for ever, and is counted nowhere.
  const cancel = clock.after(HANG_UP_MS, () => socket.destroy())
  socket.once('close', cancel)
  socket.resume() // its own close frame: unread it would make a reset of our end
  socket.end(Buffer.concat([Buffer.from(head), textFrame(JSON.stringify(frame)), close]))
  return true
}
