import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOfPath } from './address.ts'

test('only /fleet itself is the fleet page; all else is the chat', () => {
  assert.equal(pageOfPath('/fleet'), 'fleet')
  assert.equal(pageOfPath('/fleet/'), 'fleet')
  for (const path of ['/', '/r/fleet', '/fleets', '/r/abc', '/fleet/abc'])
    assert.equal(pageOfPath(path), 'chat')
})
