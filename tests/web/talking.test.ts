// Talking in a real browser, on a real fleet.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../fleet/harness.ts'
import { openTheatre } from './browser.ts'
import { inLog, log, pair, said, seesPeople } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

describe('talking in the web app', () => {
  test('two people on two servers talk: each message is there once, and both see who is here', async (t) => {
    const stage = await theatre.stage(t)
    const [ana, bo] = await pair(stage)
    await ana.say('ahoy from ana')
    await inLog(bo.page, 'ahoy from ana').waitFor()
    await bo.say('ahoy from bo')
    await inLog(ana.page, 'ahoy from bo').waitFor()
    for (const { page, complaints } of [ana, bo]) {
      await inLog(page, 'ahoy from ana').waitFor()
      assert.equal(await said(page, 'ahoy from ana').count(), 1)
      assert.equal(await said(page, 'ahoy from bo').count(), 1)
      await seesPeople(page, 2)
      assert.deepEqual(complaints, [])
    }
  })

  test('who types is shown to the others, and no longer once the message is there', async (t) => {
    const stage = await theatre.stage(t)
    const [ana, bo] = await pair(stage)
    await ana.page.getByRole('textbox').pressSequentially('hm')
    const line = bo.page.locator('[data-slot=typing-line]')
    await line.getByText('ana is typing').waitFor()
    await ana.page.keyboard.press('Enter')
    await inLog(bo.page, 'hm').waitFor()
    await until('the line is empty', async () => (await line.textContent()) === '')
  })

  test('what is finally refused stays as failed, and can be tried again or discarded', async (t) => {
    const stage = await theatre.stage(t)
    const ana = await stage.visitor()
    const { page } = ana
    // A refusal that real servers give seldom, put into the real line: everything else passes through.
    let refuses = true
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer()
      socket.onMessage((message) => {
        const frame = JSON.parse(String(message).split('\n')[0] ?? '') as { type: string; id: string }
        if (frame.type === 'send' && refuses)
          socket.send(
            JSON.stringify({ type: 'error', code: 'forbidden', message: '', room: 'general', id: frame.id }),
          )
        else server.send(message)
      })
    })
    await ana.enter('ana')
    await ana.say('may I?')
    await ana.say('never mind')
    const failed = page.locator('[data-slot=message-item][data-state=failed]')
    await failed.nth(1).waitFor()
    await failed.first().getByText('You may not write here.').waitFor()
    await failed.filter({ hasText: 'never mind' }).getByRole('button', { name: 'Discard' }).click()
    await said(page, 'never mind').waitFor({ state: 'detached' })
    refuses = false
    await page.keyboard.type('once more:') // where one writes is where one goes on
    await failed.getByRole('button', { name: 'Try again' }).click()
    await inLog(page, 'may I?').waitFor()
    await page.keyboard.type(' please')
    assert.equal(await page.getByRole('textbox', { name: /^Message/ }).inputValue(), 'once more: please')
    assert.equal(await said(page, 'may I?').count(), 1)
    assert.deepEqual(ana.complaints, [])
  })

  test('what is typed is shown as text: nothing in it runs, long words break, lines stay', async (t) => {
    const stage = await theatre.stage(t)
    const [ana, bo] = await pair(stage)
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    await ana.say(hostile)
    await said(bo.page, hostile).waitFor()
    assert.equal(await bo.page.locator('[data-slot=message-item] :is(img, script)').count(), 0)
    const link = 'javascript:alert(1) https://example.com/a'
    await ana.say(link)
    const anchor = bo.page.locator('[data-slot=message-item] a')
    await anchor.waitFor()
    assert.equal(await anchor.count(), 1)
    assert.equal(await anchor.getAttribute('href'), 'https://example.com/a')
    assert.match((await anchor.getAttribute('rel')) ?? '', /noopener/)
    const code = `${'x'.repeat(900)}\n${'  indented();\n'.repeat(221)}end`
    assert.ok(code.length > 3_990 && code.length <= 4_000)
    await ana.say(code)
    const long = bo.page.locator('[data-slot=message-text]').filter({ hasText: 'indented' })
    await long.waitFor()
    assert.equal(await long.textContent(), code)
    assert.ok(await bo.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    assert.ok(await log(bo.page).evaluate((list) => list.scrollWidth <= list.clientWidth))
    assert.deepEqual([...ana.complaints, ...bo.complaints], [])
  })

  test('the composer: Shift+Enter is a line, Enter sends, what is too long for the server cannot be sent', async (t) => {
    const stage = await theatre.stage(t, { servers: 1, serverArgs: ['--text-chars', '5000'] })
    const ana = await stage.person('ana')
    const composer = ana.page.getByRole('textbox', { name: /^Message/ })
    assert.ok(await composer.evaluate((field) => field === document.activeElement), 'one can type at once')
    await composer.fill('x'.repeat(5_001))
    await ana.page.getByText('-1 left').waitFor()
    assert.ok(await ana.page.getByRole('button', { name: 'Send' }).isDisabled())
    await composer.fill('x'.repeat(5_000))
    await ana.page.getByText('0 left', { exact: true }).waitFor()
    await composer.press('Enter')
    await inLog(ana.page, 'x'.repeat(5_000)).waitFor()
    await composer.fill('')
    const low = (await composer.boundingBox())?.height ?? 0
    await composer.pressSequentially('one')
    await composer.press('Shift+Enter')
    await composer.pressSequentially('two')
    const high = (await composer.boundingBox())?.height ?? 0
    assert.ok(high > low, 'it grows with its lines')
    await composer.press('Enter')
    await ana.page.locator('[data-state=said]').getByText('one\ntwo').waitFor()
    assert.equal(await composer.inputValue(), '')
  })
})
