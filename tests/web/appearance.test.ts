// How the app looks, to eyes and to those who cannot use them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { judge } from './accessibility.ts'
import { openTheatre } from './browser.ts'
import { inLog } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('the looks of the web app', () => {
  for (const colorScheme of ['light', 'dark'] as const)
    test(`no serious fault of accessibility, ${colorScheme}, on desktop and phone`, async (t) => {
      const stage = await theatre.stage(t)
      const motion = { colorScheme, reducedMotion: 'reduce' } as const
      const ana = await stage.visitor('/', motion)
      await judge(ana.page)
      await ana.enter('ana')
      const bo = await stage.person('bo', '/', { ...motion, viewport: { width: 390, height: 844 } })
      await bo.say('ana: see https://example.com')
      await inLog(bo.page, 'ana: see https://example.com').waitFor()
      await ana.say('I see')
      await inLog(ana.page, 'I see').waitFor()
      await ana.page.locator('mark').waitFor()
      await judge(ana.page)
      await ana.page.getByRole('button', { name: 'New room' }).click()
      await judge(ana.page)
      await ana.page.keyboard.press('Escape')
      await judge(bo.page)
      await bo.page.getByRole('button', { name: 'Rooms' }).click()
      await bo.page.getByRole('link', { name: 'General' }).waitFor()
      await judge(bo.page)
      await bo.page.keyboard.press('Escape')
      await bo.page.getByRole('button', { name: /^People/ }).click()
      await bo.page.getByRole('heading', { name: 'Here now' }).waitFor()
      await judge(bo.page)
      assert.deepEqual([...ana.complaints, ...bo.complaints], [])
    })

  test('the theme follows the system until one chooses, and the choice stays', async (t) => {
    const stage = await theatre.stage(t, { servers: 0 })
    const { page } = await stage.visitor('/', { colorScheme: 'dark' })
    // Waited for: the page hears of the system's choice when it draws next.
    const becomesDark = (isDark: boolean) =>
      page.waitForFunction((dark) => document.documentElement.classList.contains('dark') === dark, isDark)
    await becomesDark(true)
    await page.emulateMedia({ colorScheme: 'light' })
    await becomesDark(false)
    await page.getByRole('button', { name: 'Dark theme' }).click()
    await becomesDark(true)
    await page.reload()
    await becomesDark(true)
  })
})
