// The app under a finger.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { account, button } from './account-steps.ts'
import { openTheatre, type Visitor } from './browser.ts'
import { inLog, said } from './screen.ts'

const PHONE = {
  ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  // What is measured has arrived where it goes.
  reducedMotion: 'reduce',
} as const

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('the web app on a phone', () => {
  test('the button of a message and the mark of one’s own have a place each', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page, say } = await sayer(await stage.person('ana', '/', PHONE))
    for (const text of ['one', 'two', 'a long one: '.repeat(12).trim()]) {
      await say(text)
      const row = said(page, text)
      const more = await row.getByRole('button', { name: /^What to do/ }).boundingBox()
      const mark = await row.locator('[data-slot=state-mark]').boundingBox()
      const words = await row.locator('[data-slot=message-text]').boundingBox()
      assert.ok(more && mark && words)
      assert.ok(
        mark.x >= words.x + words.width && mark.x + mark.width <= more.x,
        JSON.stringify([words, mark, more]),
      )
      assert.ok(more.x + more.width <= PHONE.viewport.width)
    }
  })

  test('what is to be hit is 40 pixels wide and high, and nothing else lies over it', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ana = await account(stage, 'ana', PHONE)
    const { page, say } = await sayer(ana)
    assert.deepEqual(await smallTargets(page), [])
    await say('one')
    await say('two')
    await said(page, 'one')
      .getByRole('button', { name: /^What to do/ })
      .tap()
    await page.getByRole('menuitem', { name: 'Edit' }).waitFor()
    assert.deepEqual(await smallTargets(page, '[role=menu]'), [])
    await page.getByRole('menuitemcheckbox', { name: 'Heart' }).tap()
    await page.locator('[data-slot=reaction]').waitFor()
    await page.getByRole('menu').waitFor({ state: 'detached' })
    assert.deepEqual(await smallTargets(page), [])
    await button(page, 'Rooms').tap()
    await page.getByRole('link', { name: 'General' }).waitFor()
    assert.deepEqual(await smallTargets(page, 'dialog[open]'), [])
    await button(page, 'New room').tap()
    await page.getByLabel('Name', { exact: true }).fill('Deck')
    assert.deepEqual(await smallTargets(page, 'dialog[open]'), [])
    await button(page, 'Create room').tap()
    await page.getByRole('heading', { name: 'Deck', exact: true }).waitFor()
    await button(page, 'About this room').tap()
    for (const tab of ['About', 'People', 'Settings', 'Log']) {
      await page.getByRole('tab', { name: tab }).tap()
      await page.getByRole('tabpanel', { name: tab }).waitFor()
      assert.deepEqual(await smallTargets(page, 'dialog[open]'), [], tab)
    }
  })
})

async function sayer(one: Visitor) {
  const say = async (text: string) => {
    await one.say(text)
    await inLog(one.page, text).waitFor()
  }
  return { page: one.page, say }
}

/** Names of what can be tapped in sight, where a finger that is off by 19 pixels would meet something else. Links in a text are as high as their line. */
async function smallTargets(page: Page, within = 'body'): Promise<string[]> {
  return page.evaluate((selector) => {
    const OFF_PX = 19
    const all = document.querySelectorAll<HTMLElement>(
      `${selector} :is(button, [role^=menuitem], nav a, input, select, textarea):not(:disabled, [type=radio])`,
    )
    const isHit = (one: HTMLElement, x: number, y: number) => {
      const met = document.elementFromPoint(x, y)
      return met !== null && (one.contains(met) || met.closest('label')?.contains(one) === true)
    }
    return [...all].flatMap((one) => {
      const { left, top, width, height } = one.getBoundingClientRect()
      const [x, y] = [left + width / 2, top + height / 2]
      const isInSight = width > 0 && y > OFF_PX && y < innerHeight - OFF_PX && isHit(one, x, y)
      if (!isInSight || getComputedStyle(one).display === 'inline') return []
      const isLarge = [
        [x - OFF_PX, y],
        [x + OFF_PX, y],
        [x, y - OFF_PX],
        [x, y + OFF_PX],
      ].every(([px, py]) => isHit(one, px!, py!))
      return isLarge ? [] : [`${one.getAttribute('aria-label') ?? one.textContent} ${width}x${height}`]
    })
  }, within)
}
