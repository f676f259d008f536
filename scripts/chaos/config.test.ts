import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '@flotilla/protocol/node/settings.ts'
import { readChaosConfig } from './config.ts'

test('minutes, faults and seed are read as they are meant', () => {
  const { ms, kinds, seed } = readChaosConfig(
    ['--minutes', '0.5', '--faults', 'kill, cut', '--seed', '42'],
    {},
  )
  assert.deepEqual({ ms, kinds, seed }, { ms: 30_000, kinds: ['kill', 'cut'], seed: 42 })
})

test('without a seed there is one, to be named at the end', () => {
  assert.ok(Number.isSafeInteger(readChaosConfig([], {}).seed))
})

test('a wrong start names every fault', () => {
  assert.throws(
    () =>
      readChaosConfig(['--minutes', 'ten', '--faults', 'kill,quake', '--seed', 'x', '--servers', '0'], {}),
    (error) =>
      error instanceof ConfigError &&
      ['--minutes', '"quake"', '--seed', '--servers'].every((part) => error.message.includes(part)),
  )
})
