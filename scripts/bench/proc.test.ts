import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  cpuMsOf,
  fileLimit,
  machineCpuMs,
  parseCpuMs,
  parseMachineCpuMs,
  parseRssKib,
  rssKibOf,
} from './proc.ts'

describe('what /proc says of a process', () => {
  test('user and system time are added, though the name of the program holds spaces and brackets', () => {
    const line =
      '4711 (a (b) 9 9 c) S 1 4711 4711 0 -1 4194304 1500 0 3 0 123 45 0 0 20 0 11 0 99999 1000000 2500 18446744073709551615'
    assert.equal(parseCpuMs(line), 1_680)
  })

  test('the resident size is read in KiB, and not taken from its neighbours', () => {
    assert.equal(parseRssKib('VmHWM:\t   99999 kB\nVmRSS:\t   51234 kB\nRssAnon:\t 3 kB\n'), 51_234)
  })

  test('what the machine used is that of all cores, with what its host took, without idle time and interrupts', () => {
    assert.equal(parseMachineCpuMs('cpu  100 20 3 99999 7 8 9 4 0 0\ncpu0 50 10 1 5 5 5 5 0 0 0\n'), 1_270)
  })

  test('what cannot be read is undefined, not zero', () => {
    assert.equal(parseCpuMs('nothing of the kind'), undefined)
    assert.equal(parseRssKib(''), undefined)
    assert.equal(parseMachineCpuMs(''), undefined)
    assert.equal(cpuMsOf(2 ** 30), undefined)
    assert.equal(rssKibOf(2 ** 30), undefined)
  })

  test('this process itself has used CPU and memory', { skip: process.platform !== 'linux' }, () => {
    assert.ok((cpuMsOf(process.pid) ?? 0) > 0)
    assert.ok((rssKibOf(process.pid) ?? 0) > 10_000)
    assert.ok((machineCpuMs() ?? 0) >= (cpuMsOf(process.pid) ?? 0))
    assert.ok((fileLimit() ?? 0) > 0)
  })
})
