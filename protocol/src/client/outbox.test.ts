import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PENDING, Outbox, type PendingSend } from './outbox.ts'

function outboxWith(...ids: string[]) {
  const outbox = new Outbox()
  for (const id of ids) outbox.add(pending(id))
  return outbox
}

const pending = (id: string): PendingSend => ({ id, text: `text ${id}`, state: 'sending', at: 1 })

let refs = 0
/** What goes out now, as `id` or `id<after`. */
const out = (outbox: Outbox, most = Infinity) =>
  outbox.take(most, () => ++refs).map(({ id, after }) => (after === undefined ? id : `${id}<${after}`))
const shown = (outbox: Outbox) => outbox.pending.map(({ id, state, code }) => `${id}:${code ?? state}`)

describe('an outbox', () => {
  test('[R9] sends in order, each after the last one that is not acked', () => {
    const outbox = outboxWith('a', 'b')
    assert.deepEqual(out(outbox), ['a', 'b<a'])
    outbox.add(pending('c'))
    assert.deepEqual(out(outbox), ['c<b'])
    for (const id of ['a', 'b', 'c']) outbox.settle(id, 1, 1)
    outbox.add(pending('d'))
    assert.deepEqual(out(outbox), ['d'])
    assert.deepEqual(out(outbox), [], 'nothing goes out twice by itself')
  })

  test('[R10] sends no more than there are places for, and the rest in order later', () => {
    const outbox = outboxWith('a', 'b', 'c')
    assert.deepEqual(out(outbox, 2), ['a', 'b<a'])
    assert.equal(outbox.inFlight, 2)
    outbox.settle('a', 1, 1)
    assert.deepEqual(out(outbox, 1), ['c<b'])
  })

  test('[R10] has 64 under way at most, and 10,000 pending', () => {
    const outbox = outboxWith(...Array.from({ length: MAX_PENDING }, (_, i) => `m${i}`))
    assert.equal(outbox.add(pending('more')), false)
    assert.equal(out(outbox).length, 64)
    outbox.settle('m3', 1, 1)
    assert.deepEqual(out(outbox), ['m64<m63'])
    assert.equal(outbox.add(pending('more')), true)
  })

  test('[R13] on a new connection all unacked go out again, from the first, with the acked left out', () => {
    const outbox = outboxWith('a', 'b', 'c')
    out(outbox)
    outbox.settle('a', 1, 0)
    outbox.restart()
    assert.deepEqual(out(outbox), ['b', 'c<b'])
  })

  test('[R14] an acked send is shown until its entry is, then gone; the ack is news once', () => {
    const outbox = outboxWith('a', 'b')
    out(outbox)
    assert.equal(outbox.settle('b', 8, 6), true)
    assert.equal(outbox.settle('b', 8, 6), false)
    assert.deepEqual(shown(outbox), ['a:sending', 'b:sending'])
    outbox.see(7)
    assert.deepEqual(shown(outbox), ['a:sending', 'b:sending'])
    outbox.see(8)
    assert.deepEqual(shown(outbox), ['a:sending'])
    assert.equal(outbox.settle('a', 7, 8), true)
    assert.deepEqual(shown(outbox), [])
    assert.equal(outbox.settle('a', 7, 8), false)
  })

  test('[R11] a hold stops everything; after it one goes out, and one more with each ack', () => {
    const outbox = outboxWith('a', 'b', 'c', 'd')
    out(outbox)
    outbox.hold()
    outbox.add(pending('e'))
    assert.deepEqual(out(outbox), [])
    outbox.release()
    assert.deepEqual(out(outbox), ['a'])
    assert.deepEqual(out(outbox), [])
    outbox.settle('a', 1, 1)
    assert.deepEqual(out(outbox), ['b', 'c<b'])
    outbox.settle('b', 2, 2)
    assert.deepEqual(out(outbox), ['d<c', 'e<d'])
  })

  test('[R11] tries count holds in a row, until something is acked', () => {
    const outbox = outboxWith('a')
    for (const tries of [1, 2, 3]) {
      out(outbox)
      outbox.hold()
      outbox.hold()
      assert.equal(outbox.tries, tries)
      outbox.release()
    }
    outbox.settle('a', 1, 1)
    assert.equal(outbox.tries, 0)
  })

  test('[R11] an error that answers an earlier try of the same send is known as old', () => {
    const outbox = outboxWith('a')
    const [first] = outbox.take(1, () => 1)
    assert.equal(outbox.isCurrent('a', first!.ref), true)
    outbox.restart()
    assert.equal(outbox.isCurrent('a', 1), false, 'waiting to go out again')
    outbox.take(1, () => 2)
    assert.equal(outbox.isCurrent('a', 1), false)
    assert.equal(outbox.isCurrent('a', 2), true)
    assert.equal(outbox.isCurrent('a', undefined), true, 'a server that echoes no ref')
  })

  test('[R12] after a final refusal what followed goes out again, without naming the refused', () => {
    const outbox = outboxWith('a', 'b', 'c', 'd')
    out(outbox)
    outbox.fail('b', 'too_long')
    assert.deepEqual(shown(outbox), ['a:sending', 'b:too_long', 'c:sending', 'd:sending'])
    assert.deepEqual(out(outbox), ['c<a', 'd<c'])
  })

  test('a failed send is retried under its id, behind what was sent since', () => {
    const outbox = outboxWith('a', 'b')
    out(outbox)
    outbox.fail('a', 'forbidden')
    assert.deepEqual(out(outbox), ['b'])
    assert.equal(outbox.retry('a'), true)
    assert.equal(outbox.retry('a'), false)
    assert.deepEqual(shown(outbox), ['b:sending', 'a:sending'])
    assert.deepEqual(out(outbox), ['a<b'])
  })

  test('only what failed or never went out is discarded: the rest may be in the log', () => {
    const outbox = outboxWith('a', 'b', 'c')
    out(outbox, 2)
    outbox.fail('a', 'forbidden')
    assert.equal(outbox.discard('a'), true)
    assert.equal(outbox.discard('b'), false)
    outbox.restart()
    assert.equal(outbox.discard('b'), false)
    assert.equal(outbox.discard('c'), true)
    assert.deepEqual(shown(outbox), ['b:sending'])
  })

  test('a failed send whose entry appears after all was sent', () => {
    const outbox = outboxWith('a')
    out(outbox)
    outbox.fail('a', 'forbidden')
    assert.equal(outbox.settle('a', 5, 5), true)
    assert.deepEqual(shown(outbox), [])
  })

  test('pending is the same array until something in it changes', () => {
    const outbox = outboxWith('a')
    const before = outbox.pending
    out(outbox)
    assert.equal(outbox.pending, before)
    outbox.settle('a', 3, 1)
    assert.notEqual(outbox.pending, before)
  })
})
