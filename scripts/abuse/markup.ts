import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chromium, type Browser, type Page } from 'playwright-core'
import { normaliseName } from '@flotilla/protocol/frames.ts'
import { WebSocket } from 'ws'
import { ensureChromium, launchArgs } from '../browser.ts'
import { buildWebIfStale } from '../fleet/web-build.ts'
import { until } from '../fleet/until.ts'
import { Score, type Attack, type Target } from './attack.ts'
import { findGivingWay } from './giving-way.ts'
import { ask } from './knock.ts'
import { markupTexts } from './markup-corpus.ts'
import { Person } from './person.ts'
import { bearer, guestToken } from './tokens.ts'

const PATIENCE_MS = 60_000
/** The list on screen holds at least so many at once. */
const AT_ONCE = 20
const ROOMS = 500

/** What is typed is shown, and never runs: in messages, names, rooms and topics, in Chromium, with the app's policy and without. */
export const markupAttack: Attack = {
  name: 'markup',
  says: 'scripts in names, rooms, topics and messages in Chromium, with and without its policy',
  async run(target) {
    const score = new Score()
    await buildWebIfStale()
    const all = markupTexts()
    const texts = all.slice(0, Math.max(40, Math.ceil(all.length * target.scale)))
    await makeRooms(target, texts)
    const curator = await Person.signUp(target.balancer, 'Curator')
    const show: Show = {
      curator,
      said: await curator.makeRoom('public', 'Markup'),
      named: await curator.makeRoom('public', 'Topics'),
    }
    // Not `launch`: of what that starts nobody learns the process.
    const started = await chromium.launchServer({
      executablePath: await ensureChromium(),
      args: [...launchArgs],
      timeout: PATIENCE_MS,
    })
    try {
      if (target.givesWay) findGivingWay().pid(started.process().pid ?? -1)
      const browser = await chromium.connect(started.wsEndpoint(), { timeout: PATIENCE_MS })
      for (const bypassCSP of [false, true]) await readAll(target, { browser, bypassCSP, texts, show }, score)
    } finally {
      await started.close()
    }
    return score
  },
}

/** Rooms of their own: elsewhere the witnesses talk, and what is to be seen would soon be out of sight. */
interface Show {
  curator: Person
  /** Where each text is said. */
  said: string
  /** Whose topic each text is. */
  named: string
}

interface Reading {
  browser: Browser
  bypassCSP: boolean
  texts: readonly string[]
  show: Show
}

async function makeRooms({ balancer }: Target, texts: readonly string[]): Promise<void> {
  const token = await guestToken(balancer, 'builder')
  const names = texts.filter((text) => text.length <= 64 && !text.includes('\n')).slice(0, ROOMS)
  for (const name of names) {
    await ask(balancer, {
      method: 'POST',
      path: '/api/rooms',
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    })
  }
}

/** One reader sees every text: as a message, as a topic, and where it is short enough as the name of who says it. */
async function readAll(
  target: Target,
  { browser, bypassCSP, texts, show }: Reading,
  score: Score,
): Promise<void> {
  const { server, balancer } = target
  const context = await browser.newContext({ bypassCSP, viewport: { width: 1280, height: 900 } })
  context.setDefaultTimeout(PATIENCE_MS)
  const ran: string[] = []
  await context.exposeFunction('pwned', () => ran.push('pwned() was called'))
  const page = await context.newPage()
  context.on('dialog', (dialog) => {
    ran.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  const own = new Set([balancer, new URL(server.url).origin])
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (!own.has(origin) && protocol !== 'data:' && protocol !== 'blob:')
      ran.push(`a request to ${request.url()}`)
  })
  const under = bypassCSP ? 'without its policy' : 'under its policy'
  await page.goto(`${balancer}/r/${show.said}`)
  await page.getByLabel('Your name').fill(bypassCSP ? 'reader' : 'watcher')
  await page.keyboard.press('Enter')
  await page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
  const topics = await context.newPage()
  await topics.goto(`${balancer}/r/${show.named}`)
  await topics.locator('[data-slot=connection-status][data-mood=calm]').waitFor()

  for (let at = 0; at < texts.length; at += AT_ONCE) {
    const some = texts.slice(at, at + AT_ONCE)
    const { url } = target.server
    await Promise.all(
      some.map((text, index) => say(url, show.said, normaliseName(text) ?? `speaker-${index}`, text)),
    )
    const last = `seen ${at}`
    await say(url, show.said, 'chronicler', last)
    await page.getByText(last, { exact: true }).waitFor()
    await poke(page)
    for (const topic of [...some, last]) await set(show, topic)
    await topics.locator('[data-slot=topic]').getByText(last, { exact: true }).waitFor()
    await poke(topics)
    const links = [...(await linksIn(page)), ...(await linksIn(topics))]
    const bad = links.filter((link) => !/^(?:\/|https?:\/\/|#)/.test(link))
    for (const text of some)
      score.judge(ran.length === 0 && bad.length === 0, `${under}: ${text}`, [...ran, ...bad])
    ran.length = 0
  }
  if (bypassCSP) await control(page, ran)
  await context.close()
}

/** What would run is seen: else nothing was shown by nothing having run. @throws Error if it is not */
async function control(page: Page, ran: readonly string[]): Promise<void> {
  await page.evaluate(() =>
    document.body.insertAdjacentHTML('beforeend', '<img src="/no-such-picture" onerror="pwned(1)">'),
  )
  await until('a script that was put into the page is seen to run', () => ran.length > 0)
}

/** Some are no topics, and refused. */
async function set({ curator, named }: Show, topic: string): Promise<void> {
  await curator.does(`PATCH /api/rooms/${named}`, { topic }).catch((error: unknown) => {
    if (!String(error).includes(': 422')) throw error
  })
}

/** Everything that leads somewhere, or shows something else. */
function linksIn(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('a[href], area[href], form[action], iframe, object, embed')].map(
      (element) => element.getAttribute('href') ?? element.outerHTML,
    ),
  )
}

/** What a hand does by the way: everything is passed over, and the page takes a key. */
async function poke(page: Page): Promise<void> {
  // One behind another is drawn once a second, and takes as long for each step.
  await page.bringToFront()
  await page.mouse.move(640, 800, { steps: 2 })
  await page.mouse.move(640, 120, { steps: 10 })
  await page.keyboard.press('Tab')
}

/** One message by one guest, who goes when it is acked or refused. */
async function say(url: string, room: string, username: string, text: string): Promise<void> {
  const socket = new WebSocket(`${url}?username=${encodeURIComponent(username)}`)
  socket.on('error', () => {})
  const isAnswered = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      if (/"type":"(?:ack|error)"/.test(data.toString())) resolve()
    })
  })
  const isClosed = once(socket, 'close')
  await Promise.race([once(socket, 'open'), isClosed])
  socket.send(JSON.stringify({ type: 'join', room }))
  socket.send(JSON.stringify({ type: 'send', room, id: randomUUID(), text }))
  await Promise.race([isAnswered, isClosed])
  socket.close()
}
