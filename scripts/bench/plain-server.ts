// The chat server that Flotilla is measured against: `ws` and `better-sqlite3` the way such servers are usually written.
// One process; a set of sockets per room; on a send: insert, answer, then `ws.send` of one JSON text to every member.
//
//   node scripts/bench/plain-server.ts --port 0 --data DIR [--sync normal|full|off]
//
// What it does not promise: SQLite is in WAL with `synchronous=NORMAL`, as is usual, so an acked message may be gone after a
// power failure; a repeated send is stored twice; nothing bounds what a slow client makes it hold; there is no second server.
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import Database from 'better-sqlite3'
import { WebSocketServer, type WebSocket } from 'ws'
import { configOrExit, Settings } from '@flotilla/protocol/node/settings.ts'

const HISTORY = 50

const config = configOrExit(() => {
  const read = new Settings(process.argv.slice(2), process.env, {
    usage: 'The plain server of the benchmark:',
  })
  return read.done({
    port: read.int('port', { default: 0, max: 65_535, says: 'port, 0 = any free one' }),
    data: read.string('data', { default: 'data/plain', says: 'folder of plain.db' }),
    sync: read.oneOf('sync', ['normal', 'full', 'off'], { default: 'normal', says: "SQLite's synchronous" }),
  })
})

mkdirSync(config.data, { recursive: true })
const db = new Database(join(config.data, 'plain.db'))
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${config.sync}`)
db.exec(`CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT, client_id TEXT, username TEXT, message TEXT, timestamp INTEGER);
  CREATE INDEX IF NOT EXISTS by_room ON messages (room, id)`)
const insert = db.prepare(
  'INSERT INTO messages (room, client_id, username, message, timestamp) VALUES (?, ?, ?, ?, ?)',
)
const latest = db.prepare<[string, number], Row>(
  'SELECT id, client_id, username, message, timestamp FROM messages WHERE room = ? ORDER BY id DESC LIMIT ?',
)

interface Row {
  id: number
  client_id: string
  username: string
  message: string
  timestamp: number
}
interface Request {
  type: string
  room: string
  id: string
  text: string
}

const rooms = new Map<string, Set<WebSocket>>()
const server = new WebSocketServer({ host: '127.0.0.1', port: config.port, path: '/ws', backlog: 4_096 })
server.on('connection', (ws, request) => {
  const name = new URL(request.url ?? '/', 'ws://server').searchParams.get('username') ?? 'somebody'
  const joined = new Set<string>()
  ws.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Request
    if (frame.type === 'join') {
      joined.add(frame.room)
      enter(ws, frame.room)
    } else if (frame.type === 'send') send(ws, name, frame)
  })
  ws.on('error', () => ws.terminate())
  ws.on('close', () => {
    for (const room of joined) rooms.get(room)?.delete(ws)
  })
})

function enter(ws: WebSocket, room: string): void {
  let members = rooms.get(room)
  if (members === undefined) rooms.set(room, (members = new Set()))
  members.add(ws)
  const rows = latest.all(room, HISTORY).reverse()
  const head = rows.at(-1)?.id ?? 0
  ws.send(JSON.stringify({ type: 'joined', room, log: 'plain', head, first: rows[0]?.id ?? head + 1 }))
  for (const { id, client_id, username, message, timestamp } of rows) {
    ws.send(encode(room, id, client_id, username, message, timestamp))
  }
}

function send(ws: WebSocket, name: string, { room, id, text }: Request): void {
  const ts = Date.now()
  const seq = Number(insert.run(room, id, name, text, ts).lastInsertRowid)
  ws.send(JSON.stringify({ type: 'ack', room, id, seq, ts }))
  const message = encode(room, seq, id, name, text, ts)
  for (const member of rooms.get(room) ?? []) member.send(message)
}

function encode(room: string, seq: number, id: string, name: string, text: string, ts: number): string {
  return JSON.stringify({ type: 'message', room, seq, id, user: { id: `guest:${name}`, name }, text, ts })
}

server.on('listening', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ ready: true, id: 'plain', url: `ws://127.0.0.1:${port}/ws` })}\n`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    db.close()
    process.exit(0)
  })
}
