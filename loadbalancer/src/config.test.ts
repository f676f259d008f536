import assert from 'node:assert/strict'
import { isAbsolute } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '@flotilla/protocol/node/settings.ts'
import { readConfig } from './config.ts'

test('without flags it is the balancer of a laptop', () => {
  const { host, port, guests, origins, trustProxy, fleetSecret, dataRoot } = readConfig([], {})
  assert.deepEqual(
    { host, port, guests, trustProxy, fleetSecret },
    {
      host: '127.0.0.1',
      port: 9000,
      guests: true,
      trustProxy: false,
      fleetSecret: undefined,
    },
  )
  assert.deepEqual(origins, ['http://localhost:5173', 'http://127.0.0.1:5173'])
  assert.ok(isAbsolute(dataRoot) && dataRoot.endsWith('data'))
})

test('in production guests are let in only if that was said', () => {
  assert.equal(readConfig([], { NODE_ENV: 'production' }).guests, false)
  assert.equal(readConfig(['--guests', 'on'], { NODE_ENV: 'production' }).guests, true)
})

test('origins are reduced to what a browser sends as such', () => {
  assert.deepEqual(readConfig(['--origins', 'https://Chat.Example/app,http://x:80'], {}).origins, [
    'https://chat.example',
    'http://x',
  ])
})

test('every fault is named in one line', () => {
  assert.throws(
    () => readConfig(['--port', 'x', '--guest', 'on', '--log-level', 'loud'], { LOGIN_RATE: '-3' }),
    (error) =>
      error instanceof ConfigError &&
      ['--port', '--guest', '--log-level', 'LOGIN_RATE'].every((name) => error.message.includes(name)) &&
      !error.message.includes('\n'),
  )
})
