import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import { PortBlock } from './port-block.ts'

async function held(t: TestContext, random?: () => number): Promise<PortBlock> {
  const block = await PortBlock.hold(random)
  t.after(() => block.release())
  return block
}

test('ports of two blocks are never the same, though nobody listens at them', async (t) => {
  const same = () => 0.5
  const [one, other] = [await held(t, same), await held(t, same)]
  const ports = []
  for (let i = 0; i < 50; i += 1) ports.push(await one.next(), await other.next())
  assert.equal(new Set(ports).size, 100)
})

test('a port at which somebody listens who knows nothing of blocks is passed over', async (t) => {
  const block = await held(t)
  const port = await block.next()
  const stranger = createServer().listen(port + 1, '127.0.0.1')
  t.after(() => stranger.close())
  await once(stranger, 'listening')
  assert.notEqual(await block.next(), port + 1)
})

test('when all are given there are no more, and none is given twice', async (t) => {
  const block = await held(t)
  const ports = new Set<number>()
  await assert.rejects(async () => {
    for (;;) {
      const port = await block.next()
      assert.ok(!ports.has(port))
      ports.add(port)
    }
  }, /are given$/)
  assert.ok(ports.size > 50)
})

test('a block that is let go of is somebody else’s', async (t) => {
  const chance = Math.random()
  const first = await PortBlock.hold(() => chance)
  const port = await first.next()
  first.release()
  assert.equal(await (await held(t, () => chance)).next(), port)
})
