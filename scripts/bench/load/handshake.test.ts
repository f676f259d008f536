import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { handshake, HandshakeAnswer } from './handshake.ts'

const GOOD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'

describe('a handshake', () => {
  test('is understood by a server, which chooses the subprotocol that is offered', async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(handshake({ path: '/ws?a=b', host: `127.0.0.1:${port}`, subprotocols: 'mqtt' }))
    const [ws, request] = (await once(server, 'connection')) as [{ protocol: string }, { url: string }]
    assert.deepEqual([ws.protocol, request.url], ['mqtt', '/ws?a=b'])
    const answer = new HandshakeAnswer()
    for await (const part of socket) {
      const rest = answer.take((part as Buffer).toString('latin1'))
      if (rest === undefined) continue
      assert.equal(rest, '')
      break
    }
  })

  test('is done when the answer is whole, wherever its parts are cut, and what follows is handed on', () => {
    const all = `${GOOD}\x81\x02hi`
    for (let cut = 0; cut <= all.length; cut += 1) {
      const answer = new HandshakeAnswer()
      const first = answer.take(all.slice(0, cut))
      if (cut < GOOD.length) {
        assert.equal(first, undefined)
        assert.equal(answer.take(all.slice(cut)), '\x81\x02hi')
      } else assert.equal(first, all.slice(GOOD.length, cut))
    }
  })

  test('that is refused says why, and an answer without an end is none', () => {
    const refused = 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\nfull'
    assert.throws(() => new HandshakeAnswer().take(refused), /refused: HTTP\/1\.1 503/)
    assert.throws(() => new HandshakeAnswer().take('x'.repeat(70_000)), /without an end/)
  })
})
