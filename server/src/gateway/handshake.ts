import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The server's side of the WebSocket handshake (RFC 6455, section 4.2). */

/** What is asked of a request: one that Node read, or one that was read here. */
export type HandshakeRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[+/0-9A-Za-z]{22}==$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** @returns the head of the answer that makes a WebSocket of the connection, or undefined if the request does not ask for one */
export function acceptHandshake({ method, headers }: HandshakeRequest): string | undefined {
  const key = headers['sec-websocket-key']
  const isAsked = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
  if (!isAsked || headers['sec-websocket-version'] !== '13' || key === undefined || !KEY.test(key))
    return undefined
  const offered = offeredProtocols(headers['sec-websocket-protocol'])
  if (offered === undefined) return undefined
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${hash('sha1', key + GUID, 'base64')}\r\n` +
    (offered.includes('chat.v1') ? 'Sec-WebSocket-Protocol: chat.v1\r\n\r\n' : '\r\n')
  )
}

/** @returns undefined if the header is none that the RFC allows */
function offeredProtocols(header: string | undefined): string[] | undefined {
  if (header === undefined) return []
  const offered = header.split(',').map((one) => one.trim())
  return offered.every((one) => TOKEN.test(one)) && new Set(offered).size === offered.length
    ? offered
    : undefined
}
