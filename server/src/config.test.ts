import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
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

describe('the limits', () => {
  test('are those of the protocol if nothing is said', () => {
    for (const [name, value] of Object.entries(readConfig([], {}).limits)) {
      assert.equal(value, LIMITS[name as keyof typeof LIMITS], name)
    }
  })

  test('are set by flags, and by the environment', () => {
    const flags = ['--text-chars', '100', '--unsent-bytes', '8192', '--rate-burst', '3']
    const { limits } = readConfig(flags, { NO_PROGRESS_MS: '5000' })
    const { textChars, highWaterBytes, lowWaterBytes, rateBurst, noProgressMs } = limits
    assert.deepEqual(
      { textChars, highWaterBytes, lowWaterBytes, rateBurst, noProgressMs },
      { textChars: 100, highWaterBytes: 8_192, lowWaterBytes: 2_048, rateBurst: 3, noProgressMs: 5_000 },
    )
  })

  for (const [flag, value] of [
    ['--text-chars', '0'],
    ['--text-chars', '16001'],
    ['--frame-bytes', '2047'],
    ['--fragments', '0'],
    ['--buffered-chunks', '15'],
    ['--handshake-ms', '99'],
    ['--rate-burst', '0'],
    ['--unacked-sends', '0'],
    ['--unsent-bytes', '4095'],
    ['--unsent-bytes', '4194305'],
    ['--no-progress-ms', '999'],
  ] as const) {
    test(`${flag} is refused out of its bounds: ${value}`, () => {
      assert.throws(
        () => readConfig([flag, value], {}),
        (error) => error instanceof ConfigError && error.message.includes(flag),
      )
    })
  }

  test('a frame that could not hold every text is refused', () => {
    assert.throws(
      () => readConfig(['--text-chars', '11000'], {}),
      (error) => error instanceof ConfigError && error.message.includes('--frame-bytes must be at least'),
    )
    const { limits } = readConfig(['--text-chars', '11000', '--frame-bytes', '67024'], {})
    assert.deepEqual([limits.textChars, limits.frameBytes], [11_000, 67_024])
  })
})
