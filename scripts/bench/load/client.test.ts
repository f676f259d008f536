import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { LoadClient, type Crowd } from './client.ts'
import { flotillaDialect } from './flotilla-dialect.ts'

const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'
const frame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])

test('a client that is put off comes back by itself, and is in the room then', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    const isFirst = connections === 1
    socket.on('error', () => undefined)
    socket.once('data', () => {
      if (isFirst) {
        const away = frame('{"type":"error","code":"busy","retryMs":1}')
        socket.end(Buffer.concat([Buffer.from(UPGRADED), away, Buffer.from([0x88, 2, 0x03, 0xf5])]))
      } else {
        socket.write(UPGRADED)
        socket.once('data', () => socket.write(frame('{"type":"joined","room":"general"}')))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const heard: string[] = []
  const crowd: Crowd = {
    acked: () => heard.push('acked'),
    arrived: () => heard.push('arrived'),
    putOff: () => heard.push('put off'),
    failed: (code) => heard.push(code),
  }
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`)
  const client = new LoadClient(flotillaDialect, {
    url,
    name: 'ann',
    room: 'general',
    isSampled: false,
    crowd,
  })
  await client.whenJoined
  client.leave()
  assert.equal(connections, 2)
  assert.deepEqual(heard, ['put off'])
})
