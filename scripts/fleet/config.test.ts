import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readStartConfig, serverPorts } from './config.ts'

const CORES = 2
const read = (...argv: string[]) => readStartConfig(argv, {}, CORES)

describe('the flags of npm start', () => {
  test('without any, the fleet stands where the design says', () => {
    const config = read()
    assert.deepEqual(serverPorts(config), [8080, 8081, 8082])
    assert.deepEqual([config.loadbalancerPort, config.webPort, config.host], [9000, 5173, '127.0.0.1'])
    assert.deepEqual(config.serverArgs, [])
  })

  test('a larger machine gets a server per core, as far as nothing else has their ports', () => {
    const many = (...argv: string[]) => serverPorts(readStartConfig(argv, {}, 16))
    assert.deepEqual([many().length, many().at(-1)], [16, 8095])
    assert.deepEqual(many('--server-port', '8990').at(-1), 8999)
    assert.deepEqual(many('--web-port', '8085').at(-1), 8084)
    assert.deepEqual(many('--web-port', '8085', '--web', 'off').at(-1), 8095)
    assert.deepEqual(many('--servers', '2'), [8080, 8081])
    assert.throws(() => many('--servers', '6', '--web-port', '8085'), /share a port/)
  })

  test('servers follow the first port, or take any free one each', () => {
    assert.deepEqual(serverPorts(read('--servers', '2', '--server-port', '7000')), [7000, 7001])
    assert.deepEqual(serverPorts(read('--servers', '2', '--server-port', '0')), [0, 0])
  })

  test('what stands behind -- is for the servers', () => {
    const config = read('--servers', '1', '--', '--rate', '0')
    assert.equal(config.servers, 1)
    assert.deepEqual(config.serverArgs, ['--rate', '0'])
  })

  test('ports that would meet are refused, unless the web app that has one is off', () => {
    assert.throws(() => read('--server-port', '8999'), /share a port.*9000/)
    assert.throws(() => read('--web-port', '8081'), /share a port/)
    assert.deepEqual(serverPorts(read('--web-port', '8081', '--web', 'off')), [8080, 8081, 8082])
    assert.throws(() => read('--server-port', '65534'), /no room/)
  })
})
