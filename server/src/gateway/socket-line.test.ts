import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { textFrame } from '../rooms/ring.ts'
import { SocketLine } from './socket-line.ts'

/** A line and the client at its other end, who reads nothing until he is resumed. */
async function open(t: TestContext) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection') as Promise<[WebSocket, { socket: Socket }]>
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  t.after(() => client.terminate())
  const upgraded = once(client, 'upgrade') as Promise<[{ socket: Socket }]>
  const [ws, { socket }] = await connected
  const [{ socket: clientSocket }] = await upgraded
  clientSocket.pause()
  const heard: string[] = []
  client.on('message', (data: Buffer) => heard.push(data.toString('utf8', 0, 20).trim()))
  return { line: new SocketLine(ws, socket), ws, socket, client, clientSocket, heard }
}

const frame = (n: number, bytes = 0) => textFrame(`${n}`.padEnd(20 + bytes))
const upTo = (n: number) => Array.from({ length: n }, (_, i) => `${i + 1}`)

describe('the line to a client', () => {
  test('keeps the order of what is written, together or not, whatever waits already', async (t) => {
    const { line, ws, socket, clientSocket, heard } = await open(t)
    let n = 0
    // More than the system takes of a client that does not read.
    for (let i = 0; i < 30; i += 1) {
      line.write(frame((n += 1), 400_000))
      line.write(frame((n += 1)))
      ws.ping()
      line.together(() => {
        line.write(frame((n += 1), 5_000))
        line.write(frame((n += 1)))
      })
      line.write(frame((n += 1)))
    }
    assert.ok(line.unsentBytes > 1_000_000)
    assert.ok(line.sentBytes + line.unsentBytes === socket.bytesWritten)
    const drained = once(socket, 'drain')
    clientSocket.resume()
    await drained
    while (heard.length < n) await once(clientSocket, 'data')
    assert.deepEqual(heard, upTo(n))
    while (line.unsentBytes > 0) await once(socket, 'drain')
  })

  test('has nothing unsent when the system took it all, and says nothing of it', async (t) => {
    const { line, socket, clientSocket, client, heard } = await open(t)
    let drains = 0
    socket.on('drain', () => (drains += 1))
    for (const n of [1, 2, 3]) line.write(frame(n, 1_000))
    assert.equal(line.unsentBytes, 0)
    clientSocket.resume()
    while (heard.length < 3) await once(client, 'message')
    assert.equal(drains, 0)
  })

  test('that is cut off while much waits is closed, and takes what is still written', async (t) => {
    const { line, ws, socket } = await open(t)
    socket.on('error', () => {})
    ws.on('error', () => {})
    for (let i = 0; i < 30; i += 1) line.write(frame(i, 400_000))
    line.terminate()
    line.write(frame(1))
    await once(ws, 'close')
    assert.equal(line.isOpen, false)
    assert.equal(line.unsentBytes, 0)
  })
})
