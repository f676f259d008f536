import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { describeSelfTimes, frameName, selfTimes, type CpuProfile } from './profile.ts'

const url = pathToFileURL('/repo/server/src/rooms/pump.ts').href
const frame = (functionName: string, at = '') => ({ functionName, url: at, lineNumber: 20 })
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 4, 5] },
    { id: 2, callFrame: frame('pump', url) },
    { id: 3, callFrame: frame('(idle)') },
    { id: 4, callFrame: frame('(garbage collector)') },
    { id: 5, callFrame: frame('pump', url) },
  ],
  startTime: 1_000,
  samples: [2, 3, 4, 5, 2],
  timeDeltas: [0, 300, 500, 100, 600],
}

test('self time is added up by function, wherever it was called from, without idle time', () => {
  assert.deepEqual(selfTimes(PROFILE, { fromUs: 0, toUs: 10_000 }, '/repo'), [
    { where: 'pump server/src/rooms/pump.ts:21', us: 900, part: 0.9 },
    { where: '(garbage collector)', us: 100, part: 0.1 },
  ])
})

test('only what lies in the window counts', () => {
  const window = { fromUs: 1_100, toUs: 1_850 }
  const times = selfTimes(PROFILE, window, '/repo')
  assert.deepEqual(times, [{ where: '(garbage collector)', us: 100, part: 1 }])
  assert.equal(describeSelfTimes(times, window, 5)[0], 'busy 13 % of the window')
})

test('no frame names a folder of the machine, be its packages where they may', () => {
  const at = (path: string) => frameName(frame('go', pathToFileURL(path).href), '/repo')
  assert.equal(at('/repo/node_modules/ws/lib/sender.js'), 'go ws/lib/sender.js:21')
  assert.equal(at('/home/me/node_modules/ws/lib/sender.js'), 'go ws/lib/sender.js:21')
  assert.equal(at('/home/me/elsewhere.ts'), 'go elsewhere.ts:21')
  assert.equal(frameName(frame('go', 'node:net'), '/repo'), 'go node:net:21')
})
