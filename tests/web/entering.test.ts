// Names, rooms and links to them, in a real browser.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openTheatre } from './browser.ts'
import { inLog } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('entering the web app', () => {
  test('a room that one makes is entered by its link, after the name', async (t) => {
    const stage = await theatre.stage(t)
    const ana = await stage.person('ana')
    await ana.page.getByRole('button', { name: 'New room' }).click()
    await ana.page.getByLabel('Name', { exact: true }).fill('Bilge pumps')
    await ana.page.keyboard.press('Enter')
    await ana.page.getByRole('heading', { name: 'Bilge pumps' }).waitFor()
    await ana.page.getByText('It is quiet in #Bilge pumps').waitFor()
    await ana.say('anyone below?')
    await inLog(ana.page, 'anyone below?').waitFor()
    await ana.page.getByRole('button', { name: 'Share this room' }).click()
    const link = await ana.page.getByLabel('Link to this room').inputValue()
    assert.match(link, new RegExp(`^${stage.url}/r/[A-Za-z0-9_-]+$`))
    // Escape closes it even when a tooltip that is still there has taken the key for its own.
    await ana.page.evaluate(() =>
      window.addEventListener('keydown', (event) => event.preventDefault(), { capture: true, once: true }),
    )
    await ana.page.keyboard.press('Escape')
    await ana.page.getByRole('dialog').waitFor({ state: 'hidden' })

    const bo = await stage.person('bo', new URL(link).pathname)
    await bo.page.getByRole('heading', { name: 'Bilge pumps' }).waitFor()
    await inLog(bo.page, 'anyone below?').waitFor()
    await bo.say('here')
    await inLog(ana.page, 'here').waitFor()

    // In another room a number says that someone spoke.
    await bo.page.getByRole('link', { name: 'General' }).click()
    await bo.page.getByText('It is quiet in #').waitFor()
    await ana.say('bo: still there?')
    await bo.page.getByRole('link', { name: 'Bilge pumps' }).getByLabel('1 unread').waitFor()
    await bo.page.goBack()
    await inLog(bo.page, 'bo: still there?').waitFor()
    assert.equal(await bo.page.locator('[data-slot=message-item] mark').textContent(), 'bo')
    assert.deepEqual([...ana.complaints, ...bo.complaints], [])
  })

  test('a link to no room says so, and leads on', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ana = await stage.person('ana', '/r/no-such-room')
    await ana.page.getByText('There is no such room').waitFor()
    await ana.page.getByRole('button', { name: 'Go to #general' }).click()
    await ana.page.getByText('It is quiet in #').waitFor()
    assert.equal(new URL(ana.page.url()).pathname, '/')
  })

  test('a name that cannot be used is refused in words, and a good one is remembered', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ana = await stage.visitor()
    const field = ana.page.getByLabel('Your name')
    await field.fill('a:b')
    await ana.page.getByRole('button', { name: 'Come aboard' }).click()
    await ana.page.getByText('That name can’t be used.').waitFor()
    await ana.page.keyboard.press('Backspace') // one can write on where it is wrong
    await ana.page.keyboard.press('Backspace')
    assert.equal(await field.inputValue(), 'a')
    await ana.enter('ana')
    await ana.page.reload()
    await ana.page.getByRole('textbox', { name: /^Message/ }).waitFor()
    await ana.page.getByRole('button', { name: 'Leave' }).click()
    assert.equal(await ana.page.getByLabel('Your name').inputValue(), 'ana')
  })
})
