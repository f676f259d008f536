import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { Fleet } from '../test/kit.ts'
import { RawSocket } from '../test/raw-socket.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

const FLAGS = {
  '--text-chars': 8_000,
  '--frame-bytes': 50_000,
  '--fragments': 3,
  '--rate': 30,
  '--rate-burst': 4,
  '--unacked-sends': 5,
  '--unsent-bytes': 16_384,
  '--no-progress-ms': 12_000,
}

describe('a server with limits of its own', () => {
  let fleet: Fleet
  let room: string
  const clock = new WarpClock()
  before(async () => {
    fleet = await Fleet.start({
      clock,
      flags: Object.entries(FLAGS).flatMap(([flag, value]) => [flag, `${value}`]),
    })
    room = await fleet.room()
  })
  after(() => fleet.close())
  const url = () => fleet.servers[0]?.url ?? ''

  test('[L6] tells them in its welcome', async () => {
    const { limits } = await (await fleet.client()).frame('welcome')
    assert.deepEqual(limits, {
      textChars: 8_000,
      frameBytes: 50_000,
      historyEntries: 200,
      unackedSends: 5,
      rate: 30,
      rateMs: 10_000,
    })
  })

  test('[S6] [S7] takes texts and bursts up to them, and no further', async () => {
    const ada = await fleet.member(room, 0, 'ada')
    assert.equal((await ada.send(room, 'long', 'x'.repeat(8_000))).seq, 1)
    const send = (id: string, text: string) => ada.ask({ type: 'send', room, id, text })
    assert.equal((await send('longer', 'x'.repeat(8_001))).code, 'too_long')
    await clock.pass(10_000)
    ada.say(...['1', '2', '3', '4', '5'].map((id) => ({ type: 'send', room, id, text: 'x' })))
    assert.equal((await ada.frame('error', ({ id }) => id === '5')).code, 'rate_limited')
    await ada.frame('ack', ({ id }) => id === '4')
  })

  test('[F7] closes at larger frames, and at more fragments', async () => {
    const large = await fleet.client()
    large.say(`{"type":"ping"}${' '.repeat(50_000 - 15)}`)
    await large.frame('pong')
    large.say(`{"type":"ping"}${' '.repeat(50_000 - 14)}`)
    assert.equal(await large.close(), 1009)
    const raw = await RawSocket.open(url(), 'fragments')
    raw.frame('{"type":', { fin: false })
    for (let i = 0; i < 3; i += 1) raw.frame(' ', { opcode: 0, fin: false })
    await until('the close', () => raw.closeCode !== undefined)
    assert.equal(raw.closeCode, 1008)
    raw.destroy()
  })

  test('[C6] gives a handshake up sooner', async () => {
    // One for this alone: on a busy machine nobody else would always come in so soon.
    const hasty = await fleet.open({ flags: ['--handshake-ms', '300'] })
    const silent = await RawSocket.connect(hasty.url)
    silent.socket.write('GET /ws?username=slow HTTP/1.1\r\nHost: x\r\nUpgrade: webso')
    await until('it is cut off', () => silent.isEnded)
    await fleet.stop(hasty)
  })

  test('[R10] [S6] a client of the library goes by what its server says', async (t) => {
    const client = new ChatClient({ loadbalancers: [fleet.balancer.url], identity: { username: 'lib' } })
    t.after(() => client.close())
    assert.equal(client.textChars, 4_000)
    client.start()
    const chat = client.room(room)
    const [acked, refused]: [string[], string[]] = [[], []]
    chat.listen({ ack: ({ id }) => acked.push(id), refused: ({ id, code }) => refused.push(`${id} ${code}`) })
    await until('it is in', () => chat.state.status === 'live')
    assert.equal(client.textChars, 8_000)
    chat.send('x'.repeat(8_000), { id: 'a' })
    chat.send('x'.repeat(8_001), { id: 'b' })
    await until('both are settled', () => acked.length + refused.length === 2)
    assert.deepEqual([acked, refused], [['a'], ['b too_long']])
  })
})
