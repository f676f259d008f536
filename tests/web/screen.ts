// What the tests of the web app look at, and those who are in it.
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { until } from '../fleet/harness.ts'
import type { Stage, Visitor } from './browser.ts'

export const said = (page: Page, text: string) =>
  page.locator('[data-slot=message-item]').filter({ has: page.getByText(text, { exact: true }) })
/** It is in the log, not only on its way. */
export const inLog = (page: Page, text: string) => said(page, text).and(page.locator('[data-state=said]'))
export const log = (page: Page) => page.getByRole('log')

export const seesPeople = (page: Page, count: number) =>
  page.getByRole('region', { name: 'People here' }).getByText(String(count), { exact: true }).waitFor()

/** Two people on two servers, wherever the balancer would have put the second; each sees the other in the room. */
export async function pair(stage: Stage): Promise<[Visitor, Visitor]> {
  const ana = await stage.person('ana')
  // A client that was sent somewhere is counted there for a while only; from then on it has to have been reported.
  await until('the balancer knows of the first', async () =>
    (await stage.fleet.registry()).some(({ clients }) => clients === 1),
  )
  const bo = await stage.person('bo')
  assert.notEqual(
    (await ana.server()).id,
    (await bo.server()).id,
    'the balancer spreads two people over two servers',
  )
  for (const { page } of [ana, bo]) await seesPeople(page, 2)
  return [ana, bo]
}

/** Fills a room by the client library: `text 1` … `text n`, each acked. */
export async function fill(stage: Stage, room: string, count: number): Promise<void> {
  const client = new ChatClient({
    loadbalancers: [stage.fleet.loadbalancer.url],
    identity: { username: 'chronicler' },
  })
  client.start()
  const chatRoom = client.room(room)
  for (let index = 1; index <= count; index += 1) chatRoom.send(`text ${index}`)
  await until(
    `${count} messages are acked`,
    () => chatRoom.state.status === 'live' && chatRoom.pending.length === 0,
  )
  client.close()
}
