// Dialogs and sheets in a real browser: what is pressed or typed next goes where one sees it go, however slow the machine.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openTheatre } from './browser.ts'
import { inLog } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

describe('dialogs of the web app', () => {
  test('on a phone a room is made from the sheet of rooms: the sheet goes, the dialog stays', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page, complaints } = await stage.person('ana', '/', PHONE)
    await page.getByRole('button', { name: 'Rooms' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'New room' }).click()
    // The sheet's end is told by an event of its own, after the dialog has come.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
    await page.getByLabel('Name', { exact: true }).fill('Bilge pumps')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Bilge pumps' }).waitFor()
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
  })

  test('whoever made a room can write in it at once', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page } = await stage.person('ana')
    await page.getByRole('button', { name: 'New room' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Bilge pumps')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Bilge pumps' }).waitFor()
    await page.keyboard.type('anyone below?')
    await page.keyboard.press('Enter')
    await inLog(page, 'anyone below?').waitFor()
  })

  test('a name that is refused can be written anew at once', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const { page } = await stage.person('ana')
    await page.getByRole('button', { name: 'New room' }).click()
    const field = page.getByLabel('Name', { exact: true })
    await field.fill('up\u202Edown')
    await page.getByRole('button', { name: 'Create room' }).click()
    await page.getByRole('alert').getByText('That name can’t be used.').waitFor()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('Bilge pumps')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Bilge pumps' }).waitFor()
  })

  test('a dialog goes by a click beside it, but not by one that began inside', async (t) => {
    const stage = await theatre.stage(t, { servers: 0 })
    const ana = await stage.visitor()
    const { page } = ana
    await page.getByLabel('Your name').fill('ana')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Share this room' }).click()
    const link = page.getByLabel('Link to this room')
    await page.getByText('Whoever opens this link').hover()
    await page.mouse.down()
    await page.mouse.move(20, 20, { steps: 4 })
    await page.mouse.up()
    assert.equal(await page.locator('dialog[open]').count(), 1)
    await page.mouse.click(20, 20)
    await link.waitFor({ state: 'hidden' })
  })

  test('whoever gave up on a room that is slow in the making is not moved there while writing elsewhere', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ana = await stage.person('ana')
    const { page } = ana
    const held = Promise.withResolvers<void>()
    await page.route('**/api/rooms', async (route) => {
      if (route.request().method() === 'POST') await held.promise
      await route.continue()
    })
    await page.getByRole('button', { name: 'New room' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Bilge pumps')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Creating…' }).waitFor()
    await page.keyboard.press('Escape')
    await ana.say('never mind')
    held.resolve()
    // The room is there for all that, in the list.
    await page.getByRole('link', { name: 'Bilge pumps' }).waitFor()
    await ana.say('still here')
    await inLog(page, 'still here').waitFor()
    assert.equal(new URL(page.url()).pathname, '/')
    await page.getByRole('button', { name: 'New room' }).click()
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), '')
  })
})
