import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError, HelpAsked, Settings, type Env } from './settings.ts'

function read(argv: string[], env: Env = {}) {
  const settings = new Settings(argv, env, { usage: 'usage: thing [flags]' })
  return settings.done({
    port: settings.int('port', { default: 9000, max: 65_535, says: 'where it listens' }),
    host: settings.string('host', { default: '127.0.0.1' }),
    drainMs: settings.int('drain-ms', { default: 10_000 }),
    servers: settings.optionalInt('servers', { min: 1, max: 64 }),
    data: settings.optionalString('data'),
    publicUrl: settings.optionalUrl('public-url'),
    origins: settings.urls('origins', { default: ['http://localhost:5173'] }),
    store: settings.oneOf('store', ['sqlite', 'postgres'], { default: 'sqlite' }),
    guests: settings.onOff('guests', { default: true }),
    trustProxy: settings.onOff('trust-proxy', { default: false }),
    secret: settings.secret('FLEET_SECRET'),
  })
}

const refused = (argv: string[], env: Env, message: RegExp) =>
  assert.throws(
    () => read(argv, env),
    (error) => error instanceof ConfigError && message.test(error.message) && !error.message.includes('\n'),
  )

describe('Settings', () => {
  test('without flags and environment every default holds', () => {
    assert.deepEqual(read([]), {
      port: 9000,
      host: '127.0.0.1',
      drainMs: 10_000,
      servers: undefined,
      data: undefined,
      publicUrl: undefined,
      origins: ['http://localhost:5173'],
      store: 'sqlite',
      guests: true,
      trustProxy: false,
      secret: undefined,
    })
  })

  test('a flag is read in both forms, and wins over its environment twin', () => {
    assert.equal(read(['--port', '1'], { PORT: '2' }).port, 1)
    assert.equal(read(['--port=1'], { PORT: '2' }).port, 1)
    assert.equal(read([], { PORT: '2', DRAIN_MS: '3' }).port, 2)
    assert.equal(read([], { DRAIN_MS: '3' }).drainMs, 3)
  })

  test('an empty environment variable counts as none', () => {
    assert.equal(read([], { PORT: '', FLEET_SECRET: '' }).port, 9000)
  })

  test('URLs lose the slash at their end, lists their spaces', () => {
    assert.equal(read(['--public-url', 'https://chat.example/']).publicUrl, 'https://chat.example')
    assert.deepEqual(read(['--origins', 'http://a, http://b:1/']).origins, ['http://a', 'http://b:1'])
    assert.deepEqual(read(['--origins=']).origins, [])
  })

  test('on and off are said in words; the bare flag means on', () => {
    assert.equal(read(['--guests', 'off']).guests, false)
    assert.equal(read(['--trust-proxy']).trustProxy, true)
    assert.equal(read(['--trust-proxy', '--port', '5']).port, 5)
  })

  test('one line names every fault at once', () => {
    refused(
      ['--port', '70000', '--store=mysql', '--colour', 'red', '--host', '--guests', 'maybe', 'stray'],
      { DRAIN_MS: '-1' },
      /stray.*--port must be a whole number from 0 to 65535, not "70000".*--host needs a value.*DRAIN_MS must be.*--store must be one of sqlite, postgres.*--guests must be one of on, off.*unknown flag --colour/,
    )
  })

  test('what only looks like a number is refused', () => {
    for (const text of ['', '1.5', '0x10', '1e3', ' 1', 'NaN', '-1', '99999999999999999999'])
      refused([`--port=${text}`], {}, /--port/)
    refused(['--port', '-1'], {}, /--port must be/)
    refused(['--servers', '0'], {}, /--servers must be a whole number from 1 to 64, not "0"/)
    assert.equal(read(['--servers', '64']).servers, 64)
  })

  test('a URL of another kind is refused, and its password not shown', () => {
    refused(['--public-url', 'ftp://me:hunter2@host/'], {}, /^((?!hunter2).)*$/)
    refused(['--origins', 'http://ok,nonsense'], {}, /--origins must be a URL/)
  })

  test('a secret comes from the environment alone, and no fault shows it', () => {
    assert.equal(read([], { FLEET_SECRET: 'abc' }).secret, 'abc')
    refused([], { FLEET_SECRET: 'with space' }, /^FLEET_SECRET must be((?!with space).)*$/)
    refused(['--fleet-secret', 'x'], {}, /unknown flag --fleet-secret/)
  })

  test('--help lists what is read, with defaults', () => {
    assert.throws(
      () => read(['--help', '--wrong']),
      (error) =>
        error instanceof HelpAsked &&
        /^usage: thing/.test(error.message) &&
        /--port +where it listens \(default 9000\)/.test(error.message),
    )
  })
})
