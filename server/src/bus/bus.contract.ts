import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { LinkMessage } from '@flotilla/protocol/link.ts'
import type { Bus, BusListener, ServerId } from './bus.ts'

/** What a bus told its listener, in order. */
export class Heard implements BusListener {
  readonly events: string[] = []
  readonly messages: { from: ServerId; message: LinkMessage; lines: string }[] = []
  #waiting: (() => void)[] = []

  message(from: ServerId, message: LinkMessage, lines: Buffer): void {
    this.messages.push({ from, message, lines: lines.toString() })
    this.#wake()
  }
  up(peer: ServerId): void {
    this.#event(`up ${peer}`)
  }
  down(peer: ServerId): void {
    this.#event(`down ${peer}`)
  }
  drained(peer: ServerId): void {
    this.#event(`drained ${peer}`)
  }
  #event(event: string): void {
    this.events.push(event)
    this.#wake()
  }
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
  /** Resolves when what was heard fulfils `is`. */
  async until(is: (heard: Heard) => boolean): Promise<void> {
    while (!is(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/** Two servers, `a` and `b`, that know where the other is. `kill` ends one as a crash would. */
export interface BusPair {
  a: Bus
  b: Bus
  kill: (bus: Bus) => Promise<void>
}

const typing = (name: string): LinkMessage => ({
  t: 'typing',
  room: 'r',
  user: { id: `guest:${name}`, name },
})

export function describeBus(name: string, open: (t: TestContext) => Promise<BusPair>): void {
  const listening = async (t: TestContext) => {
    const pair = await open(t)
    const [atA, atB] = [new Heard(), new Heard()]
    pair.a.listen(atA)
    pair.b.listen(atB)
    return { ...pair, atA, atB }
  }

  describe(`${name} keeps the Bus contract`, () => {
    test('[B1] a message and its lines arrive whole, whatever bytes they hold', async (t) => {
      const { a, atB } = await listening(t)
      const lines = Buffer.from('{"text":"\u0000 ☃ \u2028 💬"}\n{"x":"\\n"}')
      a.send('b', { t: 'entries', room: 'r', epoch: 2, log: 'l', from: 1, to: 2 }, lines)
      a.send('b', typing('ann'))
      await atB.until(({ messages }) => messages.length === 2)
      assert.deepEqual(atB.messages[0], {
        from: 'a',
        message: { t: 'entries', room: 'r', epoch: 2, log: 'l', from: 1, to: 2 },
        lines: lines.toString(),
      })
      assert.deepEqual(atB.messages[1], { from: 'a', message: typing('ann'), lines: '' })
    })

    test('[B1] both ways, many in one turn', async (t) => {
      const { a, b, atA, atB } = await listening(t)
      for (let i = 0; i < 500; i += 1) {
        a.send('b', typing(`a${i}`))
        b.send('a', typing(`b${i}`))
      }
      await atB.until(({ messages }) => messages.length === 500)
      await atA.until(({ messages }) => messages.length === 500)
      assert.deepEqual(atB.messages[499]?.message, typing('a499'))
    })

    test('[B2] a message to nobody is dropped without a word', async (t) => {
      const { a, atA, atB } = await listening(t)
      a.send('nobody', typing('ann'))
      a.send('b', typing('bob'))
      await atB.until(({ messages }) => messages.length === 1)
      assert.equal(a.isUp('nobody'), false)
      assert.ok(!atA.events.includes('up nobody'))
    })

    test('[B3] a peer is up when it can be reached, and down when it is gone', async (t) => {
      const { a, b, atA, kill } = await listening(t)
      a.reach('b')
      await atA.until(({ events }) => events.includes('up b'))
      assert.equal(a.isUp('b'), true)
      await kill(b)
      await atA.until(({ events }) => events.includes('down b'))
      assert.equal(a.isUp('b'), false)
      assert.deepEqual(
        atA.events.filter((event) => event.endsWith(' b')),
        ['up b', 'down b'],
      )
    })
  })
}
