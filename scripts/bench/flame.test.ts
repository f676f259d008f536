import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { flameOf, flameSvg } from './flame.ts'
import type { CpuProfile } from './profile.ts'

const url = pathToFileURL('/repo/server/src/rooms/pump.ts').href
const frame = (functionName: string, at = '') => ({ functionName, url: at, lineNumber: 20 })
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 6] },
    { id: 2, callFrame: frame('pump', url), children: [4] },
    { id: 3, callFrame: frame('(idle)') },
    { id: 4, callFrame: frame('write', url) },
    { id: 5, callFrame: frame('write', url) },
    { id: 6, callFrame: frame('pump', url), children: [5] },
  ],
  startTime: 1_000,
  samples: [2, 4, 3, 5, 2, 3],
  timeDeltas: [0, 100, 200, 1_000, 300, 400],
}

test('who is called from the same place is one frame, as wide as all of its time; idle time is none', () => {
  const flame = flameOf(PROFILE, { fromUs: 0, toUs: 10_000 }, '/repo')
  assert.deepEqual(flame, {
    name: 'busy',
    us: 1_000,
    calls: [
      {
        name: 'pump server/src/rooms/pump.ts:21',
        us: 1_000,
        calls: [{ name: 'write server/src/rooms/pump.ts:21', us: 500, calls: [] }],
      },
    ],
  })
})

test('only what lies in the window counts', () => {
  assert.equal(flameOf(PROFILE, { fromUs: 0, toUs: 1_050 }, '/repo').us, 100)
})

test('frames are as wide as their part, and what stands in names is escaped', () => {
  const svg = flameSvg({ name: '<a>', us: 1_000, calls: [{ name: 'b', us: 250, calls: [] }] }, 'W1 & more')
  assert.match(svg, /<title>&lt;a>: 100\.0 %, 1 ms<\/title><rect x="0\.0" y="30" width="1200\.0"/)
  assert.match(svg, /<title>b: 25\.0 %, 0 ms<\/title><rect x="0\.0" y="47" width="300\.0"/)
  assert.match(svg, /W1 &amp; more/)
})
