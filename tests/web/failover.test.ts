// What a browser shows when servers die, are set back, or are not there.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { backup, restore } from '../../server/src/store/backup.ts'
import { openTheatre } from './browser.ts'
import { inLog, pair, said } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('the web app, when servers fail', () => {
  test('a server killed under one: the app moves by itself, and what was written meanwhile arrives once', async (t) => {
    const stage = await theatre.stage(t)
    const [ana, bo] = await pair(stage)
    await ana.say('before')
    await inLog(bo.page, 'before').waitFor()
    const home = await ana.server()
    const saysSo = await sees(ana.page, 'Reconnecting…')
    const saysWhere = await sees(ana.page, `Moved to ${new URL((await bo.server()).url).host}`)
    home.kill('SIGKILL')
    await saysSo()
    await ana.say('written in the dark')
    await said(ana.page, 'written in the dark').waitFor()
    await saysWhere()
    // The dead server stays dead: another one has taken its rooms over, with all that was said in them.
    for (const { page } of [ana, bo]) {
      await inLog(page, 'written in the dark').waitFor()
      assert.equal(await said(page, 'written in the dark').count(), 1)
      assert.equal(await said(page, 'before').count(), 1)
    }
    await bo.say('after')
    await inLog(ana.page, 'after').waitFor()
  })

  test('a room that was set back to a backup: what is lost is not shown any more, and one goes on from what is there', async (t) => {
    const stage = await theatre.stage(t)
    const ana = await stage.person('ana')
    await ana.say('kept')
    await inLog(ana.page, 'kept').waitFor()
    const home = await ana.server()
    for (const server of stage.fleet.servers) if (server.id !== home.id) await server.stop()
    const safe = join(home.dataDir, 'safe.db')
    backup(home.dataDir, safe)
    await ana.say('lost')
    await inLog(ana.page, 'lost').waitFor()
    home.kill('SIGKILL')
    await home.exited
    restore(safe, home.dataDir, Date.now())
    await home.restart()
    await said(ana.page, 'lost').waitFor({ state: 'detached' })
    await inLog(ana.page, 'kept').waitFor()
    await ana.say('after')
    await inLog(ana.page, 'after').waitFor()
    assert.equal(await said(ana.page, 'kept').count(), 1)
  })

  test('without a server one is told, keeps writing, and goes on when one comes', async (t) => {
    const stage = await theatre.stage(t, { servers: 0 })
    const ana = await stage.visitor()
    // The app is to wait for the button: by itself it would try again after a second or two, and maybe be there first.
    await ana.page.route('**/get', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, headers: { ...response.headers(), 'retry-after': '60' } })
    })
    await ana.page.getByLabel('Your name').fill('ana')
    await ana.page.keyboard.press('Enter')
    await ana.page.getByText('No chat server is free').first().waitFor()
    await ana.say('early bird')
    await stage.fleet.addServer(['--origins', stage.url])
    await stage.fleet.complete()
    await ana.page.getByRole('button', { name: 'Try now' }).click()
    await inLog(ana.page, 'early bird').waitFor({ timeout: 40_000 }) // less than it would have waited by itself
    await ana.page.keyboard.type('here I am')
    await ana.page.keyboard.press('Enter')
    await inLog(ana.page, 'here I am').waitFor()
  })
})

/** Watches for words in the connection's status, however shortly they stand there. @returns the wait for them */
async function sees(page: Page, words: string): Promise<() => Promise<void>> {
  const watch = await page.locator('[data-slot=connection-status]').evaluateHandle((status, sought) => {
    const seen = new Promise<void>((resolve) => {
      new MutationObserver(() => {
        if (status.textContent?.includes(sought)) resolve()
      }).observe(status, { subtree: true, childList: true, characterData: true })
    })
    return { seen } // bare, it would be waited for right here
  }, words)
  return () => watch.evaluate(({ seen }) => seen)
}
