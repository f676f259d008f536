// The fleet page in a real browser, on real processes that are killed under its eyes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { atEnd, until } from '../fleet/harness.ts'
import { judge } from './accessibility.ts'
import { openTheatre, type Stage } from './browser.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const hostOf = ({ url }: { url: string }) => new URL(url).host
const card = (page: Page, server: { url: string }) =>
  page.locator(`[data-slot=server-card][data-server="${hostOf(server)}"]`)
const isIn = (page: Page, server: { url: string }, state: string) =>
  card(page, server)
    .and(page.locator(`[data-state=${state}]`))
    .waitFor()
const listeners = async ({ fleet }: Stage) => {
  const metrics = await (await fetch(`${fleet.loadbalancer.url}/metrics`)).text()
  return /^flotilla_balancer_event_listeners (\d+)$/m.exec(metrics)?.[1]
}
const happened = (page: Page, words: string | RegExp) => page.getByRole('log').getByText(words)

describe('the fleet page', () => {
  test('a stranger with the link sees the servers; a killed one turns down and is up again, with no reload', async (t) => {
    const stage = await theatre.stage(t)
    const [victim, other] = stage.fleet.servers
    assert.ok(victim && other)
    const { page, complaints } = await stage.visitor('/fleet')
    await page.evaluate(() => Object.assign(window, { isSamePage: true }))
    for (const server of [victim, other]) {
      await isIn(page, server, 'up')
      await card(page, server).getByText('0 of 10,000 clients').waitFor()
    }
    await page.getByText('Nothing yet.').waitFor()
    victim.kill('SIGKILL')
    await isIn(page, victim, 'down')
    await card(page, victim).getByText('Down', { exact: true }).waitFor()
    await happened(page, `${hostOf(victim)} is down`).waitFor()
    await page.locator('[data-slot=totals]').getByText('1of 2').waitFor()
    await victim.restart()
    await isIn(page, victim, 'up')
    await happened(page, `${hostOf(victim)} is up again after a restart`).waitFor()
    await isIn(page, other, 'up')
    assert.equal(await page.evaluate(() => 'isSamePage' in window), true)
    assert.deepEqual(complaints, [])
  })

  test('who is in the chat goes there by a link, sees where he is and what his room does, and comes back', async (t) => {
    const stage = await theatre.stage(t)
    const ana = await stage.person('ana')
    const server = await ana.server()
    await ana.page.getByRole('link', { name: /^Fleet/ }).click()
    await ana.page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor()
    assert.equal(new URL(ana.page.url()).pathname, '/fleet')
    const own = card(ana.page, server)
    await own.getByText('You are here').waitFor()
    await own.getByText('1 of 10,000 clients').waitFor()
    assert.equal(await ana.page.getByText('You are here').count(), 1)

    // What happened before one listened is no news.
    await until('one listens', async () => (await listeners(stage)) === '1')
    // The home of General dies: the room finds another one, and who was connected there moves.
    server.kill('SIGKILL')
    const [other] = stage.fleet.servers.filter(({ id }) => id !== server.id)
    assert.ok(other)
    await happened(ana.page, `#General moved to ${hostOf(other)}, from ${hostOf(server)}`).waitFor()
    await until('one is on another server', async () => {
      const name = await ana.page.locator('[data-slot=server-card][data-own]').getAttribute('data-server')
      return name !== hostOf(server)
    })
    await ana.page.getByRole('link', { name: 'Back to the chat' }).click()
    await ana.page.getByRole('textbox', { name: /^Message/ }).waitFor()
    await ana.page.goBack()
    await ana.page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor()
  })

  test('without the balancer the page says so and keeps what it knew; it goes on by itself', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const [server] = stage.fleet.servers
    assert.ok(server)
    const { page } = await stage.visitor('/fleet')
    await isIn(page, server, 'up')
    stage.fleet.loadbalancer.kill('SIGKILL')
    const note = page.locator('[data-slot=away-note]')
    await note.waitFor()
    await note.getByText(/what it said last, \d+ s ago/).waitFor()
    await isIn(page, server, 'up')
    await stage.fleet.loadbalancer.restart()
    await note.waitFor({ state: 'detached' })
    await isIn(page, server, 'up')
    await page.getByText('The balancer answers again').waitFor()
  })

  test('a tab that nobody sees listens to nothing, and is up to date when it is seen again', async (t) => {
    const stage = await theatre.stage(t)
    const [victim] = stage.fleet.servers
    assert.ok(victim)
    const { page, complaints } = await stage.visitor('/fleet')
    // A headless browser shows all of its tabs.
    const show = (visibilityState: 'visible' | 'hidden') =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { value, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, visibilityState)
    await isIn(page, victim, 'up')
    await until('one listens', async () => (await listeners(stage)) === '1')
    await show('hidden')
    await until('nobody listens', async () => (await listeners(stage)) === '0')
    victim.kill('SIGKILL')
    await until('it is down', async () =>
      (await stage.fleet.registry()).some(({ id, state }) => id === victim.id && state === 'down'),
    )
    await isIn(page, victim, 'up')
    await show('visible')
    await isIn(page, victim, 'down')
    assert.deepEqual(complaints, [])
  })

  test('on a phone one sees which server one is on, above the talk and in the sheet of rooms', async (t) => {
    const stage = await theatre.stage(t)
    const bo = await stage.person('bo', '/', { viewport: { width: 390, height: 844 } })
    const host = hostOf(await bo.server())
    const status = bo.page.locator('[data-slot=connection-status]').getByText(`on ${host}`)
    assert.ok(await status.isVisible())
    await bo.page.getByRole('button', { name: 'Rooms' }).click()
    await bo.page.getByRole('dialog').getByRole('link', { name: 'Fleet' }).getByText(`on ${host}`).waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const)
    test(`no serious fault of accessibility, ${colorScheme}, whatever state the servers are in, on desktop and phone`, async (t) => {
      const stage = await theatre.stage(t, { servers: 3 })
      const motion = { colorScheme, reducedMotion: 'reduce' } as const
      const { page, complaints } = await stage.visitor('/fleet', motion)
      const [dead, quiet, well] = stage.fleet.servers
      assert.ok(dead && quiet && well)
      await isIn(page, well, 'up')
      dead.kill('SIGKILL')
      quiet.kill('SIGSTOP')
      atEnd(t, () => quiet.kill('SIGCONT')) // before it is told to end
      await isIn(page, quiet, 'late')
      await judge(page)
      await isIn(page, dead, 'down')
      await judge(page)
      await page.setViewportSize({ width: 390, height: 844 })
      await judge(page)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
      await page.keyboard.press('Tab')
      assert.equal(
        await page.evaluate(() => document.activeElement?.getAttribute('aria-label')),
        'Back to the chat',
      )
      assert.deepEqual(complaints, [])
    })
})
