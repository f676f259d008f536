import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Placed } from '@flotilla/protocol/control.ts'
import { Peer, register, startBalancer, until } from '../../test/fleet.ts'
import { signedIn } from '../../test/people.ts'
import { StandInHome } from '../../test/stand-in-home.ts'

/** A balancer and a server that reported its commit 9 and has erased the only room that ever was deleted. */
async function deleted(t: TestContext) {
  const balancer = await startBalancer(t)
  const place = async (room: string) =>
    (await balancer.tell('/internal/place', { room, server: 'a' })).body as Placed
  const home = new StandInHome('a', async (room) => (await place(room)).genesis)
  const peer: Peer = await Peer.start(t, 'a', (request, response) => {
    if (request.url?.startsWith('/internal/rooms/')) void home.answer(request, response)
    else response.end(JSON.stringify(peer.health()))
  })
  await register(balancer, peer)
  peer.commitNo = 9
  await balancer.tell('/update', peer.report())
  const ann = await signedIn(balancer, 'ann')
  const made = await ann.call('POST', '/api/rooms', { name: 'Tea', visibility: 'private' })
  const { roomId } = made.body as { roomId: string }
  assert.deepEqual((await ann.call('DELETE', `/api/rooms/${roomId}`)).body, { pending: 0 })
  const erasures = () => home.asked.filter((path) => path === `/internal/rooms/${roomId}/erase`).length
  assert.equal(erasures(), 1)
  /** Another run of the server begins. */
  const begins = async (more: Parameters<Peer['registration']>[0]) => {
    peer.inc = `next-${peer.inc}`
    await register(balancer, peer, more)
  }
  return { home, ann, erasures, begins }
}

describe('a server that was set back has what it erased again', () => {
  for (const [how, more] of [
    ['has fewer commits than it reported', { commitNo: 8 }],
    ['says that it found so itself, and counts on from above', { commitNo: 10, renewed: true }],
  ] as const)
    test(`one that ${how} is told of deleted rooms again`, async (t) => {
      const { begins, erasures } = await deleted(t)
      await begins(more)
      await until(() => erasures() === 2)
    })

  test('one that has all it reported is not', async (t) => {
    const { home, begins, erasures, ann } = await deleted(t)
    await begins({ commitNo: 9 })
    // What is deleted next is erased in the same rounds as what would be erased again.
    const { body } = await ann.call('POST', '/api/rooms', { name: 'Next', visibility: 'private' })
    const { roomId } = body as { roomId: string }
    await ann.call('DELETE', `/api/rooms/${roomId}`)
    await until(() => home.erased.has(roomId))
    assert.equal(erasures(), 1)
  })
})
