import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { LinkFrame } from './link-frame.ts'

const LENGTHS = [0, 100, 117, 118, 65_527, 65_528, 300_000]

/** A frame of one message whose payload has so many bytes beside the two lengths. */
function frameOf(bytes: number, isClient: boolean): Buffer {
  const frame = new LinkFrame()
  frame.add(
    'é'.repeat(Math.floor(Math.min(bytes, 50) / 2)),
    Buffer.alloc(bytes - 2 * Math.floor(Math.min(bytes, 50) / 2), 7),
  )
  assert.equal(frame.length, 8 + bytes)
  return frame.finish(isClient)
}

describe('a frame of a link', () => {
  test('is read by ws whichever side sent it, at all lengths a header tells apart', async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const adopted = once(server, 'connection') as Promise<[WebSocket, { socket: Socket }]>
    const dialled = new WebSocket(`ws://127.0.0.1:${port}`)
    t.after(() => dialled.terminate())
    const upgraded = once(dialled, 'upgrade') as Promise<[{ socket: Socket }]>
    await once(dialled, 'open')
    const [ws, { socket }] = await adopted
    const [{ socket: dialledSocket }] = await upgraded
    for (const bytes of LENGTHS) {
      for (const [from, to, isClient] of [
        [dialledSocket, ws, true],
        [socket, dialled, false],
      ] as const) {
        const heard = once(to, 'message') as Promise<[Buffer, boolean]>
        from.write(frameOf(bytes, isClient))
        const [data, isBinary] = await heard
        assert.equal(isBinary, true)
        assert.equal(data.length, 8 + bytes)
        assert.equal(data.readUInt32BE(0) + data.readUInt32BE(4), bytes)
      }
    }
  })

  test('holds its messages in order, each with its lengths', () => {
    const frame = new LinkFrame()
    frame.add('{"t":"ö"}', Buffer.from('abc'))
    frame.add('{}', Buffer.alloc(0))
    assert.equal(frame.messages, 2)
    const bytes = frame.finish(false)
    assert.equal(bytes[1], bytes.length - 2)
    const [first, second] = [bytes.subarray(2), bytes.subarray(2 + 8 + 10 + 3)]
    assert.deepEqual([first.readUInt32BE(0), first.readUInt32BE(4)], [10, 3])
    assert.equal(first.toString('utf8', 8, 21), '{"t":"ö"}abc')
    assert.deepEqual([second.readUInt32BE(0), second.readUInt32BE(4)], [2, 0])
    assert.equal(second.toString('utf8', 8), '{}')
  })
})
