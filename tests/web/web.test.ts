// The web app in a real browser, on a real fleet.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { until } from '../fleet/harness.ts'
import { backup, restore } from '../../server/src/store/backup.ts'
import { openTheatre, type Stage, type Visitor } from './browser.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const said = (page: Page, text: string) =>
  page.locator('[data-slot=message-item]').filter({ has: page.getByText(text, { exact: true }) })
const inLog = (page: Page, text: string) => said(page, text).and(page.locator('[data-state=said]'))
const log = (page: Page) => page.getByRole('log')

const seesPeople = (page: Page, count: number) =>
  page.getByRole('region', { name: 'People here' }).getByText(String(count), { exact: true }).waitFor()

/** Two people on two servers, wherever the balancer would have put the second; each sees the other in the room. */
async function pair(stage: Stage): Promise<[Visitor, Visitor]> {
  const ana = await stage.person('ana')
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
async function fill(stage: Stage, room: string, count: number): Promise<void> {
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

describe('the web app', () => {
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
      const after = await placeOf(page, before.text)
      assert.ok(Math.abs(after - before.top) <= 2, `${before.text} moved from ${before.top} to ${after}`)
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
    await ana.page.getByRole('button', { name: /new message|Latest/ }).waitFor({ state: 'detached' })
  })

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
    // The rooms of the dead server are its own until it is back.
    await home.restart()
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
    await failed.getByRole('button', { name: 'Try again' }).click()
    await inLog(page, 'may I?').waitFor()
    assert.equal(await said(page, 'may I?').count(), 1)
    assert.deepEqual(ana.complaints, [])
  })

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
    await ana.page.keyboard.press('Escape')

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
    await ana.page.getByLabel('Your name').fill('a:b')
    await ana.page.keyboard.press('Enter')
    await ana.page.getByText('That name can’t be used.').waitFor()
    await ana.enter('ana')
    await ana.page.reload()
    await ana.page.getByRole('textbox', { name: /^Message/ }).waitFor()
    await ana.page.getByRole('button', { name: 'Leave' }).click()
    assert.equal(await ana.page.getByLabel('Your name').inputValue(), 'ana')
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

  test('the composer: Shift+Enter is a line, Enter sends, too long cannot be sent', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ana = await stage.person('ana')
    const composer = ana.page.getByRole('textbox', { name: /^Message/ })
    assert.ok(await composer.evaluate((field) => field === document.activeElement), 'one can type at once')
    await composer.fill('x'.repeat(4_001))
    await ana.page.getByText('-1 left').waitFor()
    assert.ok(await ana.page.getByRole('button', { name: 'Send' }).isDisabled())
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

async function judge(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  assert.deepEqual(
    grave.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
    ),
    [],
  )
}

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
