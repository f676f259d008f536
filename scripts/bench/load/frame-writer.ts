const TEXT = 0x81
const BINARY = 0x82
const PONG = 0x8a

/** A text frame as a client has to write it: masked, by a fresh mask, so that the server unmasks as it would anybody's. */
export function textFrame(text: string): Buffer {
  return masked(TEXT, Buffer.from(text))
}

export function binaryFrame(body: Buffer): Buffer {
  return masked(BINARY, body)
}

export function pongFrame(payload: Buffer): Buffer {
  return masked(PONG, payload)
}

function masked(first: number, body: Buffer): Buffer {
  if (body.length > 65_535) throw new Error('the load generator sends no frames above 64 KiB')
  const isShort = body.length < 126
  const start = isShort ? 6 : 8
  const frame = Buffer.allocUnsafe(start + body.length)
  frame[0] = first
  frame[1] = 0x80 | (isShort ? body.length : 126)
  if (!isShort) frame.writeUInt16BE(body.length, 2)
  frame.writeUInt32BE((Math.random() * 0x1_0000_0000) >>> 0, start - 4)
  for (let i = 0; i < body.length; i += 1) {
    frame[start + i] = (body[i] as number) ^ (frame[start - 4 + (i & 3)] as number)
  }
  return frame
}
