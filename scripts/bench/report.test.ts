import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, describeSection, type Section } from './report.ts'

const SECTION: Section = {
  title: 'Chat',
  columns: [
    { key: 'perSecond', head: 'deliveries/s', digits: 0, isCompared: false },
    { key: 'cpuUs', head: 'CPU us', digits: 2, isCompared: true },
  ],
  rows: [
    {
      label: 'W1',
      lines: [
        { target: 'flotilla', values: { perSecond: 200_000, cpuUs: 1.5 }, notes: [] },
        { target: 'plain', values: { perSecond: 199_000, cpuUs: 7.5 }, notes: ['saturated'] },
        { target: 'nats', values: { perSecond: 200_000, cpuUs: 3 }, notes: [] },
      ],
    },
    { label: 'screen', lines: [{ target: 'flotilla', values: { cpuUs: undefined }, notes: [] }] },
  ],
}

test('every row with several targets is followed by the ratio of each other one to Flotilla, of what is compared', () => {
  assert.deepEqual(describeSection(SECTION), [
    'Chat',
    '                          deliveries/s  CPU us',
    '  W1      flotilla        200,000       1.50',
    '          plain           199,000       7.50    saturated',
    '          nats            200,000       3.00',
    '          plain/flotilla  -             5.00',
    '          nats/flotilla   -             2.00',
    '  screen  flotilla        -             -',
  ])
})

test('a figure that was not measured, or is zero, gives no ratio', () => {
  const line = (target: string, cpuUs: number | undefined) => ({ target, values: { cpuUs }, notes: [] })
  const { columns } = SECTION
  assert.deepEqual(compare({ label: '', lines: [line('flotilla', 0), line('plain', 5)] }, columns), [
    undefined,
    undefined,
  ])
  assert.deepEqual(compare({ label: '', lines: [line('flotilla', 5), line('plain', undefined)] }, columns), [
    undefined,
    undefined,
  ])
})
