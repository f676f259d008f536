// More of everything than anybody may ask for.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { PASSWORD, type Tester } from './api-tester.ts'
import { atEnd, until } from './harness.ts'
import { actsOn, HASH, room } from './openapi.calls.ts'
import type { Scene } from './openapi.rooms.ts'

/** Questions about rooms that a person has in 10 s. */
const READS = 300

export async function tooMuch(t: TestContext, stranger: () => Tester, { sam }: Scene): Promise<void> {
  const rita = await stranger().signUp('rita')
  const made = await rita.does('post /api/rooms', { name: 'Too much', visibility: 'private' })
  const roomId = String(made['roomId'])
  const parts = { roomId, hash: HASH }
  /** So many, a few at a time. */
  const often = async (n: number, call: string, body?: unknown) => {
    const one = () => rita.call(call, body, { parts })
    for (let done = 0; done < n; done += 50) {
      await Promise.all(Array.from({ length: Math.min(50, n - done) }, one))
    }
  }
  await often(12, `post ${room('/reports')}`, { seq: 1, reason: 'x' })
  // Several at a time are `busy`.
  for (const call of [`get ${room('/export')}`, 'get /api/me/export']) {
    await often(5, call)
    await rita.call(call, undefined, { parts })
  }
  await rita.does('post /api/direct', { username: 'sam' })
  await often(101, `post ${room('/leave')}`)
  // None of them matters to what follows, should one be done after all.
  for (const [call, body] of actsOn(sam)) await rita.call(call, body, { parts })
  for (const method of ['put', 'delete'])
    await rita.call(`${method} /api/blocks/{userId}`, undefined, { parts: { userId: sam.id } })
  await often(1_001, 'post /api/rooms', { name: 'Another' })
  await rita.call('post /api/direct', { username: 'mo' })
  const reads = ['members', 'links', 'audit', 'reports'].map((list) => `get ${room(`/${list}`)}`)
  await often(READS + 1, reads[0] as string)
  for (const call of [...reads, `get ${room()}`, `post ${room()}`, `delete ${room()}`]) {
    await rita.call(call, undefined, { parts })
  }
  await rita.call(`post ${room('/preview')}`, {}, { parts })
  for (let i = 0; i < 11; i += 1) {
    const { body } = await rita.call('patch /api/me', { username: `rita-${i}` })
    if (typeof body['token'] === 'string') rita.headers['authorization'] = `Bearer ${body['token']}`
  }
  await often(12, 'post /api/login', { username: 'rita', password: 'wrong horse' })
  await often(12, 'post /api/me/password', { old: 'wrong horse', new: `${PASSWORD}!` })
  await rita.call('delete /api/me', { password: 'wrong horse' })
  await passwordsAtOnce(stranger)
  // Each takes a connection of its own.
  const listeners: Socket[] = []
  atEnd(t, () => listeners.forEach((socket) => socket.destroy()))
  const { port } = new URL(stranger().url)
  await until('too many listen', async () => {
    const socket = connect(Number(port), '127.0.0.1')
    listeners.push(socket)
    socket.write('GET /events HTTP/1.1\r\nhost: x\r\n\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    if (!data.toString().startsWith('HTTP/1.1 429')) return false
    return (await stranger().call('get /events')).answer === 'rate_limited'
  })
}

/** More passwords than can be looked at. */
async function passwordsAtOnce(stranger: () => Tester): Promise<void> {
  const pat = await stranger().signUp('pat')
  let round = 0
  const wanted = ['post /api/signup', 'post /api/login', 'post /api/me/password', 'delete /api/me']
  await until('no more passwords can be looked at', async () => {
    round += 1
    const crowd = Array.from({ length: 150 }, (_, i) =>
      stranger().call('post /api/signup', { username: `crowd-${round}-${i}`, password: PASSWORD }),
    )
    await Promise.all([
      ...crowd,
      stranger().call('post /api/login', { username: 'pat', password: PASSWORD }),
      pat.call('post /api/me/password', { old: PASSWORD, new: PASSWORD }),
      pat.call('delete /api/me', { password: 'wrong horse' }),
    ])
    return wanted.every((call) => pat.produced.has(`${call} busy`))
  })
}
