// Makes docs/screenshots/*.png from the running app: a fleet of processes on free ports, the built web app, the evening
// of tests/fixtures/harbour.log said again by a client for each nick, and Chromium looking on.
//
//   npm run screenshots                    all pictures
//   npm run screenshots -- --only phone    those whose name holds it
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core'
import { ensureChromium, launchArgs } from './browser.ts'
import { launch } from './fleet/child.ts'
import { startLocalFleet } from './fleet/local-fleet.ts'
import { until } from './fleet/until.ts'
import { BalancerApi } from './replay/balancer-api.ts'
import { parseLog } from './replay/log-file.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'docs/screenshots')
const LOG = join(ROOT, 'tests/fixtures/harbour.log')
/** The last line that is said before the pictures are taken: what stands above it fills a screen. */
const LAST_TEXT = 'the hat is the worst part of it'
/** Said by hand in the browser, so that one sees one's own message, too. */
const OWN_TEXT = 'it was a good hat'
const ONLOOKER = 'mooring_'
/** A single longer text would fill a phone. */
const MAX_CHARS = 200
/** Machines that build and test seldom have fonts for these: the list of people would show empty boxes. */
const NEEDS_A_RARE_FONT = /[\p{Script=Han}\p{Script=Hiragana}]/u
/** One for each picture: a client says that somebody types only every few seconds. */
const TYPISTS = ['gull|', '[kelp]', 'tern^', 'Çınar']
/** What is said, and who put which emoji to it. */
const REACTIONS: readonly (readonly [string, string, readonly string[]])[] = [
  ['0.26 A with it off. thank you!!', '🎉', ['[kelp]', 'gull|']],
  ['one file, WAL, done', '👍', ['tern^', 'gull|', 'Çınar']],
  ['one file, WAL, done', '👀', ['}hull{']],
]
const ROOMS = ['tides', 'boat repairs', 'radio and charts', 'off topic']

const DESKTOP: BrowserContextOptions = { viewport: { width: 1440, height: 900 } }
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
}
/** Little enough that a few dozen people are seen in the bars of the fleet page. */
const CAPACITY = 40
const FRAMES = { desktop: DESKTOP, phone: PHONE }
const SCHEMES = ['light', 'dark'] as const

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } })

const executablePath = await ensureChromium()
// Balancer and servers let in no page but the app's own, so its address comes first.
const ports = await PortBlock.hold()
const port = await ports.next()
const origins = ['--origins', `http://127.0.0.1:${port}`]
const fleet = await startLocalFleet({ servers: 0, loadbalancerArgs: ['--guests', 'on', ...origins] })
await using end = new AsyncDisposableStack()
end.defer(() => fleet.stop())

const web = launch({
  name: 'web app',
  args: [join(ROOT, 'scripts/fleet/web.ts'), '--port', String(port)],
  env: { LOADBALANCER_URL: fleet.loadbalancer.url },
})
end.defer(async () => void (await web.stop()))
const { url } = await web.ready
const serverArgs = ['--guests', 'on', '--rate', '0', ...origins, '--capacity', String(CAPACITY)]
await addServers(3)

const people = await sayAgain(fleet.loadbalancer.url)
end.defer(() => {
  for (const client of people.values()) client.close()
})
const api = await BalancerApi.enter(fleet.loadbalancer.url, ONLOOKER)
const rooms = ['general']
for (const name of ROOMS.toReversed()) rooms.push(await api.roomNamed(name))
// Somebody is in each, so that each has a home.
const [somebody] = people.values()
for (const id of rooms) {
  const room = somebody?.room(id)
  await until(`${id} has a home`, () => room?.state.status === 'live')
}

const browser = await chromium.launch({ executablePath, args: [...launchArgs] })
end.defer(() => browser.close())
await mkdir(FOLDER, { recursive: true })
const typists = TYPISTS.values()
let isOwnSaid = false
for (const [frame, context] of Object.entries(FRAMES)) {
  for (const colorScheme of SCHEMES) {
    await picture(`chat-${frame}-${colorScheme}`, { ...context, colorScheme }, async (page) => {
      await enter(page)
      if (!isOwnSaid) {
        isOwnSaid = true
        const composer = page.getByRole('textbox', { name: /^Message/ })
        await composer.fill(OWN_TEXT)
        await composer.press('Enter')
      }
      await page.locator('[data-slot=message-item][data-state=said]', { hasText: OWN_TEXT }).waitFor()
      const typist = typists.next().value ?? ''
      people.get(typist)?.room('general').typing()
      await page.getByText(`${typist} is typing`).first().waitFor()
    })
    await picture(`sign-in-${frame}-${colorScheme}`, { ...context, colorScheme }, async (page) => {
      await page.getByLabel('Your name').fill(ONLOOKER)
    })
  }
}

await addServers(3)
for (const [frame, context] of Object.entries(FRAMES)) {
  for (const colorScheme of SCHEMES) {
    await picture(`fleet-${frame}-${colorScheme}`, { ...context, colorScheme }, async (page) => {
      await enter(page)
      await page.goto(`${url}/fleet`)
      await haveTrouble(page)
    })
    await recover()
  }
}

async function addServers(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => fleet.addServer(serverArgs)))
  await fleet.complete()
}

/** Two of the servers one is not on: one is killed, one drains, so that the fleet page has something to tell. */
async function haveTrouble(page: Page): Promise<void> {
  const own = await page.locator('[data-slot=server-card][data-own]').getAttribute('data-server')
  const others = fleet.servers.filter((server) => new URL(server.url).host !== own)
  const homes = await Promise.all(rooms.map(async (id) => (await api.room(id)).home))
  const drained = others.find(({ id }) => homes.includes(id))
  const killed = others.find((server) => server !== drained)
  if (!killed || !drained) throw new Error('too few servers')
  killed.kill()
  await page.locator('[data-slot=server-card][data-state=down]').waitFor()
  await orderDrain(drained.id, true)
  await page.locator('[data-slot=server-card][data-state=draining]').waitFor()
  await page
    .getByText(/moved to/)
    .first()
    .waitFor()
}

/** Everybody is up again. */
async function recover(): Promise<void> {
  for (const row of await fleet.registry()) {
    if (row.state === 'draining') await orderDrain(row.id, false)
    if (row.state === 'down') await fleet.servers.find(({ id }) => id === row.id)?.restart()
  }
  await fleet.complete()
}

async function orderDrain(id: string, drain: boolean): Promise<void> {
  const response = await fetch(`${fleet.loadbalancer.url}/internal/drain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fleet.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, drain }),
  })
  if (!response.ok) throw new Error(`the drain was refused with ${response.status}`)
}

/** Says the log's lines in their order, each by its nick's own client, placed by `GET /get` like anybody. */
async function sayAgain(loadbalancer: string): Promise<Map<string, ChatClient>> {
  const { lines } = parseLog(await readFile(LOG), LIMITS.textChars)
  const end = lines.findIndex(({ text }) => text === LAST_TEXT) + 1
  const clients = new Map<string, ChatClient>()
  const seqs = new Map<string, number>()
  for (const { nick, text } of lines.slice(0, end)) {
    if (text.length > MAX_CHARS || NEEDS_A_RARE_FONT.test(nick)) continue
    let client = clients.get(nick)
    if (client === undefined) {
      client = new ChatClient({ loadbalancers: [loadbalancer], identity: { username: nick } })
      client.start()
      clients.set(nick, client)
      client.room('general').listen({
        entries: (entries) => {
          for (const entry of entries) if (entry.type === 'message') seqs.set(entry.text, entry.seq)
        },
      })
    }
    const room = client.room('general')
    room.send(text)
    await until(`${nick} is acked`, () => room.pending.length === 0)
  }
  for (const [text, emoji, nicks] of REACTIONS) {
    const target = seqs.get(text)
    if (target === undefined) throw new Error(`nobody said ${text}`)
    for (const nick of nicks) {
      const room = clients.get(nick)?.room('general')
      room?.react(target, emoji, true)
      await until(`${nick} has reacted`, () => room?.changes.length === 0)
    }
  }
  return clients
}

async function enter(page: Page): Promise<void> {
  await page.getByLabel('Your name').fill(ONLOOKER)
  await page.keyboard.press('Enter')
  await page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
}

/** One picture, of a visitor who has never been here. */
async function picture(
  name: string,
  context: BrowserContextOptions,
  prepare: (page: Page) => Promise<void>,
): Promise<void> {
  if (!name.includes(options.only)) return
  const visitor = await browser.newContext({ ...context, locale: 'en-GB', timezoneId: 'UTC' })
  const page = await visitor.newPage()
  await page.goto(url)
  await prepare(page)
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' })
  await visitor.close()
  console.log(`docs/screenshots/${name}.png`)
}
