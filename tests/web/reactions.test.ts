// Emoji put to messages: by mouse, keys and finger, on a real fleet and on lines that fail.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { until } from '../fleet/harness.ts'
import { judge } from './accessibility.ts'
import { openTheatre, type Stage } from './browser.ts'
import { inLog, log, pair, said } from './screen.ts'
import { aloneOn, ANA } from './scripted.ts'

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const item = (page: Page, text: string) => said(page, text)
const chip = (page: Page, text: string, label: string | RegExp) =>
  item(page, text).getByRole('button', { name: label, exact: typeof label === 'string' })

/** From the bar that shows when one points at the message. */
async function react(page: Page, text: string, name: string): Promise<void> {
  await item(page, text).hover()
  await item(page, text)
    .getByRole('button', { name: /^React to this message/ })
    .click()
  await page.getByRole('menuitemcheckbox', { name, exact: true }).click()
}

describe('reactions in the web app', () => {
  test('one is put from the bar, both see by whom, and a click on it joins in or takes it back', async (t) => {
    const stage = await theatre.stage(t)
    const [ana, bo] = await pair(stage)
    await ana.say('land ahead')
    await inLog(bo.page, 'land ahead').waitFor()
    await react(bo.page, 'land ahead', 'Hooray')
    await chip(bo.page, 'land ahead', '🎉 1: you').waitFor()
    const seen = chip(ana.page, 'land ahead', '🎉 1: bo')
    await seen.waitFor()
    assert.equal(await seen.getAttribute('aria-pressed'), 'false')
    await seen.hover()
    await ana.page.getByRole('tooltip', { name: 'bo' }).waitFor()
    await seen.click()
    const both = chip(ana.page, 'land ahead', '🎉 2: bo and you')
    await both.waitFor()
    assert.equal(await both.getAttribute('aria-pressed'), 'true')
    await chip(bo.page, 'land ahead', '🎉 2: you and ana').waitFor()
    await chip(bo.page, 'land ahead', '🎉 2: you and ana').click()
    await chip(ana.page, 'land ahead', '🎉 1: you').waitFor()
    await chip(ana.page, 'land ahead', '🎉 1: you').click()
    for (const { page } of [ana, bo])
      await page.locator('[data-slot=reactions]').waitFor({ state: 'detached' })
    assert.equal(await ana.page.locator('[data-slot=message-item]').count(), 1, 'no line but the message')
    assert.deepEqual([...ana.complaints, ...bo.complaints], [])
  })

  test('all of it can be done by keys, and the focus comes back to where it was', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page, say } = await withSay(stage)
    await say('land ahead')
    const isOn = (name: string) =>
      until(`${name} has the focus`, () =>
        page.evaluate((label) => document.activeElement?.getAttribute('aria-label') === label, name),
      )
    await page.getByRole('button', { name: 'Share the link' }).focus()
    await page.keyboard.press('Tab')
    await isOn('React to this message of ana')
    await page.keyboard.press('Enter')
    await isOn('Thumbs up')
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowDown']) await page.keyboard.press(key)
    await isOn('Thank you')
    await page.keyboard.press('ArrowUp')
    await isOn('Heart')
    await page.keyboard.press('Enter')
    await chip(page, 'land ahead', '❤️ 1: you').waitFor()
    await isOn('React to this message of ana')
    // Past the menu's button, which is next.
    await page.keyboard.press('Shift+Tab')
    await isOn('Add a reaction')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Space')
    await page.locator('[data-slot=reactions]').waitFor({ state: 'detached' })
  })

  test('on a phone they are in the menu of the message, under a finger', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page, say } = await withSay(stage, PHONE)
    await say('land ahead')
    const more = item(page, 'land ahead').getByRole('button', { name: /^What to do/ })
    await more.tap()
    const thumb = page.getByRole('menuitemcheckbox', { name: 'Thumbs up' })
    const box = await thumb.boundingBox()
    assert.ok(box && box.width >= 40 && box.height >= 40, JSON.stringify(box))
    await thumb.tap()
    const mine = chip(page, 'land ahead', '👍 1: you')
    await mine.waitFor()
    await judge(page)
    await item(page, 'land ahead').getByRole('button', { name: 'Add a reaction' }).tap()
    await page.getByRole('menuitemcheckbox', { name: 'Fire' }).tap()
    await chip(page, 'land ahead', '🔥 1: you').waitFor()
    await mine.tap()
    await mine.waitFor({ state: 'detached' })
    await more.tap()
    await page.getByRole('menuitem', { name: 'Who reacted' }).tap()
    const who = page.getByRole('dialog', { name: 'Reactions' })
    await who.getByText('ana', { exact: true }).waitFor()
    await judge(page)
  })

  test('one is shown while it is on its way; one that is refused goes, and one is told', async (t) => {
    const { page, line, complaints } = await aloneOn(t, theatre, { head: 1 })
    await react(page, 'text 1', 'Thumbs up')
    const sent = await line.next('react')
    const mine = chip(page, 'text 1', '👍 1: you')
    await mine.and(page.locator('[data-sending]')).waitFor()
    const { id, target, emoji, on } = sent
    line.say({ ...{ type: 'react', room: 'general', seq: 2, id, user: ANA, target, emoji, on, ts: 2 } })
    await mine.and(page.locator(':not([data-sending])')).waitFor()

    await mine.click()
    await mine.waitFor({ state: 'detached' })
    const back = await line.next('react')
    assert.equal(back.on, false)
    line.say({ type: 'error', code: 'forbidden', message: '', room: 'general', id: back.id, ref: back.ref })
    await mine.waitFor()
    await page.getByRole('alert').getByText('You may not react here.').waitFor()
    await page.getByRole('button', { name: 'All right' }).click()
    await page.getByText('You may not react here.').waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
  })

  test('of messages not loaded yet they are kept until one reads there, and a page of nothing else hides no message', async (t) => {
    const stage = await theatre.stage(t, { servers: 1, serverArgs: ['--rate', '0'] })
    const client = new ChatClient({
      loadbalancers: [stage.fleet.loadbalancer.url],
      identity: { username: 'chronicler' },
    })
    t.after(() => client.close())
    client.start()
    const room = client.room('general')
    for (let index = 1; index <= 80; index += 1) room.send(`text ${index}`)
    for (let index = 1; index <= 80; index += 1) room.react(index, '👍', true)
    await until('all is in the log', () => {
      const { state, pending, changes } = room
      return state.status === 'live' && pending.length + changes.length === 0
    })
    const { page } = await stage.person('ana')
    await chip(page, 'text 80', '👍 1: chronicler').waitFor()
    await log(page).hover()
    await until('the first message is in view', async () => {
      await page.mouse.wheel(0, -1_000)
      return said(page, 'text 1').isVisible()
    })
    await chip(page, 'text 1', '👍 1: chronicler').waitFor()
  })
})

describe('where one may not write', () => {
  test('reactions are seen and not offered: in an archived room, and to whoever is muted, until that ends', async (t) => {
    const { page, line } = await aloneOn(t, theatre, { head: 1 })
    const bert = { id: 'guest:bert', name: 'bert' }
    const entry = { room: 'general', user: bert, ts: 2 }
    line.say(
      { ...entry, type: 'react', seq: 2, id: 'r', target: 1, emoji: '🎉', on: true },
      { ...entry, type: 'system', seq: 3, id: 'a', event: 'archive' },
    )
    const seen = chip(page, 'text 1', '🎉 1: bert')
    const offered = item(page, 'text 1').getByRole('button', { name: /react/i })
    const isClosed = async () => {
      await seen.and(page.locator('[aria-disabled=true]')).waitFor()
      assert.equal(await offered.count(), 0)
    }
    await page.getByText('This room is archived.').waitFor()
    await isClosed()
    line.say({ ...entry, type: 'system', seq: 4, id: 'b', event: 'unarchive' })
    await offered.first().waitFor({ state: 'attached' })
    const data = { user: ANA, until: Date.now() + 3_600_000 }
    line.say({ ...entry, type: 'system', seq: 5, id: 'c', event: 'mute', data })
    await page.getByText('You are muted here until').waitFor()
    await isClosed()
    line.say({
      ...entry,
      type: 'system',
      seq: 6,
      id: 'd',
      event: 'mute',
      data: { user: ANA, until: Date.now() + 300 },
    })
    await offered.first().waitFor({ state: 'attached' })
    await page.getByRole('textbox', { name: /^Message/ }).waitFor()
  })

  test('what was deleted has none', async (t) => {
    const { page, line } = await aloneOn(t, theatre, { head: 1 })
    const entry = { room: 'general', user: ANA, ts: 2, target: 1 }
    line.say({ ...entry, type: 'react', seq: 2, id: 'r', emoji: '🎉', on: true })
    await page.locator('[data-slot=reactions]').waitFor()
    line.say({ ...entry, type: 'delete', seq: 3, id: 'd' })
    await page.getByText('This message was deleted.').waitFor()
    assert.equal(await page.locator('[data-slot=reactions]').count(), 0)
    assert.equal(await page.locator('[data-slot=message-item]').getByRole('button').count(), 0)
  })
})

/** `ana`, whose words are in the log when `say` is done. */
async function withSay(stage: Stage, options = {}) {
  const ana = await stage.person('ana', '/', options)
  const say = async (text: string) => {
    await ana.say(text)
    await inLog(ana.page, text).waitFor()
  }
  return { page: ana.page, say }
}
