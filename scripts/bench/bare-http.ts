// What `GET /get` is measured against: `node:http` answering the same number of bytes, and nothing else.
//   node scripts/bench/bare-http.ts '{"id":"bare",…}'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

const body = process.argv[2] ?? '{"id":"bare"}'
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ ready: true, id: 'bare', url: `http://127.0.0.1:${port}` })}\n`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
