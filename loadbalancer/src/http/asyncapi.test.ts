import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_FRAMES } from '@flotilla/protocol/frames.ts'
import { SERVER_FRAMES } from '@flotilla/protocol/server-frames.ts'
import { startBalancer } from '../../test/fleet.ts'

interface Document {
  asyncapi: string
  operations: Record<string, { action: string; messages: { $ref: string }[] }>
  components: { messages: Record<string, { name: string; description: string; payload: Payload }> }
}
interface Payload {
  type: string
  properties: Record<string, { const?: string; pattern?: string }>
  required: string[]
}

/** What `#/a/b` points to. */
function at(document: unknown, pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], document)
}

test('the AsyncAPI document has every frame of both sides, each with its schema and a sentence', async (t) => {
  const balancer = await startBalancer(t)
  const { body } = await balancer.get('/asyncapi.json')
  const document = body as Document
  assert.match(document.asyncapi, /^3\./)
  const { messages } = document.components
  assert.deepEqual(Object.keys(messages).sort(), [
    ...Object.keys(CLIENT_FRAMES)
      .map((type) => `client.${type}`)
      .sort(),
    ...Object.keys(SERVER_FRAMES)
      .map((type) => `server.${type}`)
      .sort(),
  ])
  for (const [name, { payload, description, ...message }] of Object.entries(messages)) {
    assert.equal(name.split('.')[1], message.name)
    assert.equal(payload.properties['type']?.const, message.name, name)
    assert.ok(payload.required.includes('type'), name)
    assert.match(description, /\.$/, name)
    for (const { pattern } of Object.values(payload.properties)) {
      if (pattern !== undefined) assert.doesNotThrow(() => new RegExp(pattern, 'u'), name)
    }
  }
  assert.deepEqual(
    Object.values(document.operations).map(({ action, messages: said }) => [action, said.length]),
    [
      ['receive', Object.keys(CLIENT_FRAMES).length],
      ['send', Object.keys(SERVER_FRAMES).length],
    ],
  )
})

test('each reference in the AsyncAPI document leads somewhere', async (t) => {
  const balancer = await startBalancer(t)
  const { body, text } = await balancer.get('/asyncapi.json')
  const referred = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, pointer = '']) => pointer)
  assert.ok(referred.length > 50)
  for (const pointer of referred) assert.notEqual(at(body, pointer), undefined, pointer)
})
