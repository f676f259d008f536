// Socket.IO as its documentation shows it: rooms, an event for a message, an acknowledgement. Nothing is stored.
//
//   node scripts/bench/peers/socketio-server.ts
//
// What it does not promise: its ack says that the event was handled, not that anything is kept; a client that was away misses
// what was said; a repeated send is delivered twice; nothing bounds what a slow client makes it hold.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { Server } from 'socket.io'

interface FromClient {
  join(room: string, done: () => void): void
  send(room: string, id: string, text: string, done: (id: string) => void): void
}
interface FromServer {
  message(message: { room: string; id: string; user: string; text: string; ts: number }): void
}

const http = createServer()
const io = new Server<FromClient, FromServer>(http, { transports: ['websocket'], serveClient: false })
io.on('connection', (socket) => {
  const { username } = socket.handshake.query
  const user = typeof username === 'string' ? username : 'somebody'
  socket.on('join', (room, done) => {
    void socket.join(room)
    done()
  })
  socket.on('send', (room, id, text, done) => {
    done(id)
    io.to(room).emit('message', { room, id, user, text, ts: Date.now() })
  })
})
http.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  const { port } = http.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ ready: true, id: 'socket.io', url: `ws://127.0.0.1:${port}` })}\n`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
