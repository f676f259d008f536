// Says more than any server can, to find out how much the load generator can take: messages without end to everybody
// who joined, as fast as sockets take them, made once for all. Nothing of what it hears is looked at.
//
//   node scripts/bench/flood-server.ts <lines in a frame>
import { createServer, type AddressInfo, type Socket } from 'node:net'
import process from 'node:process'
import { encodeEntry } from '@flotilla/protocol/frames.ts'

const MOST_UNSENT_BYTES = 64 * 1024
const TEXT = 'x'.repeat(120)

const linesPerFrame = Number(process.argv[2] ?? '1')
const sockets = new Set<Socket>()
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    // What comes next is the join.
    socket.once('data', () => {
      socket.write(textFrame('{"type":"joined","room":"flood"}'))
      socket.resume()
      sockets.add(socket)
    })
  })
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => socket.destroy())
})

let seq = 0
function flood(): void {
  if (sockets.size > 0) {
    const frame = textFrame(Array.from({ length: linesPerFrame }, nextMessage).join('\n'))
    for (const socket of sockets) {
      if (socket.writableLength < MOST_UNSENT_BYTES) socket.write(frame)
    }
  }
  setImmediate(flood)
}

function nextMessage(): string {
  seq += 1
  const user = { id: 'guest:flood', name: 'flood' }
  return encodeEntry({
    type: 'message',
    room: 'flood',
    seq,
    id: `1.0-${seq}`,
    user,
    text: TEXT,
    ts: Date.now(),
  })
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ ready: true, id: 'flood', url: `ws://127.0.0.1:${port}/ws` })}\n`)
  flood()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))

/** As a server writes it: not masked. */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.from(
    body.length < 126 ? [0x81, body.length] : [0x81, 126, body.length >> 8, body.length & 0xff],
  )
  if (body.length > 0xffff) throw new Error('a frame of more than 64 KiB cannot be made here')
  return Buffer.concat([head, body])
}
