import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '@flotilla/protocol/node/settings.ts'
import { parseAddress, readConfig } from './config.ts'

describe('where a server says it is reached', () => {
  test('is a host and a port, an IPv6 address in brackets', () => {
    assert.deepEqual(parseAddress('chat-1.example:8080'), { host: 'chat-1.example', port: 8080 })
    assert.deepEqual(parseAddress('127.0.0.1:65535'), { host: '127.0.0.1', port: 65_535 })
    assert.deepEqual(parseAddress('[::1]:1'), { host: '::1', port: 1 })
  })

  for (const text of [
    '',
    'host',
    'host:0',
    'host:65536',
    ':8080',
    '::1:8080',
    'http://host:80',
    'host:80/x',
    'a b:1',
  ]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseAddress(text), undefined)
    })
  }

  test('is refused at start, by the name of the flag, where it is nothing of the kind', () => {
    assert.throws(
      () => readConfig(['--advertise', 'http://host:80'], {}),
      (error) => error instanceof ConfigError && error.message.includes('--advertise must be like host:port'),
    )
    assert.equal(readConfig(['--advertise', 'host:80'], {}).advertise, 'host:80')
  })
})
