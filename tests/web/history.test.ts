// Reading back in a real browser, on a real fleet.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../fleet/harness.ts'
import { openTheatre } from './browser.ts'
import { fill, inLog, log, said } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('what was said before, in the web app', () => {
  test('history scrolls back to the first message, and what one reads stays in its place', async (t) => {
    const stage = await theatre.stage(t, { serverArgs: ['--rate', '0'] })
    await fill(stage, 'general', 300)
    const ana = await stage.visitor()
    const { page } = ana
    const answers = await holdHistory(page)
    await ana.enter('ana')
    await said(page, 'text 300').waitFor()
    assert.equal(await said(page, 'text 200').count(), 0)

    await log(page).hover()
    for (let pages = 0; pages < 3; pages += 1) {
      await until('one is at the first row loaded, and the page before it is asked for', async () => {
        await page.mouse.wheel(0, -1_000)
        return answers.held && (await log(page).evaluate((list) => list.scrollTop < 1))
      })
      const before = await placeOfOne(page)
      answers.release()
      await page.getByText('Earlier messages').waitFor({ state: 'detached' })
      await until('it is there, above', () => log(page).evaluate((list) => list.scrollTop > 100))
      // The rows above are as high as guessed until they are drawn.
      await until(`${before.text} is where it was`, async () => {
        return Math.abs((await placeOf(page, before.text)) - before.top) <= 2
      })
    }
    await until('the first message is in view', async () => {
      await page.mouse.wheel(0, -1_000)
      return said(page, 'text 1').isVisible()
    })
    await page.getByText('The beginning of #').waitFor()

    await page.getByRole('button', { name: 'Latest messages' }).click()
    await said(page, 'text 300').waitFor()
    assert.deepEqual(ana.complaints, [])
  })

  test('a page that is refused for now comes by itself; one refused again and again, when one asks for it', async (t) => {
    const stage = await theatre.stage(t, { servers: 1, serverArgs: ['--rate', '0'] })
    await fill(stage, 'general', 120)
    const ana = await stage.visitor()
    const { page } = ana
    const refusals = await refuseHistory(page)
    refusals.left = 1
    await ana.enter('ana')
    await said(page, 'text 120').waitFor()
    // Whoever is at the start has nowhere to scroll: nothing but the app itself asks again.
    await log(page).evaluate((list) => list.scrollTo(0, 0))
    await until('the first message is there', async () => {
      await log(page).evaluate((list) => list.scrollTo(0, 0))
      return said(page, 'text 1').isVisible()
    })
    assert.equal(refusals.left, 0)

    refusals.left = Infinity
    await page.reload()
    await said(page, 'text 120').waitFor()
    await log(page).evaluate((list) => list.scrollTo(0, 0))
    const notice = page.locator('[data-slot=no-older]')
    await notice.getByText('Earlier messages cannot be read now.').waitFor()
    refusals.left = 0
    await notice.getByRole('button', { name: 'Try again' }).click()
    await notice.waitFor({ state: 'detached' })
    assert.ok(await log(page).evaluate((list) => list === document.activeElement), 'keys scroll on')
    await until('the first message is there', async () => {
      await log(page).evaluate((list) => list.scrollTo(0, 0))
      return said(page, 'text 1').isVisible()
    })
    assert.deepEqual(ana.complaints, [])
  })

  test('whoever reads further up is not moved by new messages, but told how many there are', async (t) => {
    const stage = await theatre.stage(t, { serverArgs: ['--rate', '0'] })
    await fill(stage, 'general', 120)
    const [ana, bo] = [await stage.person('ana'), await stage.person('bo')]
    await said(ana.page, 'text 120').waitFor()
    await log(ana.page).hover()
    await ana.page.mouse.wheel(0, -700)
    await ana.page.getByRole('button', { name: 'Latest messages' }).waitFor()
    const before = await placeOfOne(ana.page)
    await bo.say('one')
    await bo.say('two')
    await ana.page.getByRole('button', { name: '2 new messages' }).waitFor()
    assert.ok(Math.abs((await placeOf(ana.page, before.text)) - before.top) <= 1)
    await ana.page.getByRole('button', { name: '2 new messages' }).click()
    await inLog(ana.page, 'two').waitFor()
    await ana.page.keyboard.type('three')
    await ana.page.keyboard.press('Enter')
    await inLog(ana.page, 'three').waitFor()
    await ana.page.getByRole('button', { name: /new message|Latest/ }).waitFor({ state: 'detached' })
  })
})

/**
 * A text in the upper part of the view, and where it stands. The text, not its row: a first row loses its name and
 * picture when the page before turns out to end with the same author.
 */
function placeOfOne(page: Page): Promise<{ text: string; top: number }> {
  return log(page).evaluate((list) => {
    const { top } = list.getBoundingClientRect()
    const text = [...list.querySelectorAll('[data-slot=message-text]')].find(
      (one) => one.getBoundingClientRect().top >= top + 20,
    )
    return { text: text?.textContent ?? '', top: text?.getBoundingClientRect().top ?? 0 }
  })
}

function placeOf(page: Page, text: string): Promise<number> {
  return said(page, text)
    .locator('[data-slot=message-text]')
    .evaluate((one) => one.getBoundingClientRect().top)
}

/** From the next connection on, pages of history wait at the door until they are let through. */
async function holdHistory(page: Page) {
  const held: (() => void)[] = []
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer()
    server.onMessage((message) => {
      if (String(message).includes('"type":"history"')) held.push(() => socket.send(message))
      else socket.send(message)
    })
  })
  return {
    get held() {
      return held.length > 0
    },
    release() {
      for (const pass of held.splice(0)) pass()
    },
  }
}

/** From the next connection on, as many questions for history as are `left` are refused, as a busy server does. */
async function refuseHistory(page: Page): Promise<{ left: number }> {
  const refusals = { left: 0 }
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      const { type, room, ref } = JSON.parse(String(message).split('\n')[0] ?? '') as Record<string, unknown>
      if (type !== 'history' || refusals.left === 0) return server.send(message)
      refusals.left -= 1
      socket.send(JSON.stringify({ type: 'error', code: 'busy', message: '', room, ref, retryMs: 50 }))
    })
  })
  return refusals
}
