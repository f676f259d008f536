import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentName } from './agent-name.ts'

test('a browser is called by the name people know', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
  assert.equal(agentName(chrome), 'Chrome on Linux')
  assert.equal(
    agentName(`${chrome} Edg/141.0.0.0`.replace('X11; Linux x86_64', 'Windows NT 10.0')),
    'Edge on Windows',
  )
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
  assert.equal(agentName(iphone), 'Safari on iOS')
  assert.equal(
    agentName('Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0'),
    'Firefox on Android',
  )
})

test('what is no browser is not taken for one', () => {
  assert.equal(agentName(undefined), 'Unknown device')
  assert.equal(agentName(''), 'Unknown device')
  assert.equal(agentName('curl/8.5.0'), 'Another program')
})
