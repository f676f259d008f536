// Real people for tests: a fleet of processes, the built web app as `vite preview` serves it, and Chromium.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { PortBlock } from '@flotilla/protocol/node/port-block.ts'
import { ensureChromium, launchArgs } from '../../scripts/browser.ts'
import { atEnd, startFleet, type FleetProcess, type LocalFleet } from '../fleet/harness.ts'

const APP = join(import.meta.dirname, '../../chat-app')
/** Two busy cores and a cold cache: only a real hang takes this long. */
const PATIENCE_MS = 60_000

export interface Stage {
  readonly fleet: LocalFleet
  /** Where the app is, without slash at the end. */
  readonly url: string
  /** Someone who opens `path` (`/` if not said) in a browser of their own, and has not entered yet. */
  visitor(path?: string, options?: BrowserContextOptions): Promise<Visitor>
  /** Someone who entered by name and sees a room, connected. */
  person(name: string, path?: string, options?: BrowserContextOptions): Promise<Visitor>
}

export interface Visitor {
  readonly page: Page
  /** What the browser complained about so far: console errors, uncaught errors, requests to foreign places. */
  readonly complaints: readonly string[]
  enter(name: string): Promise<void>
  say(text: string): Promise<void>
  /** The process of the server this person is on. */
  server(): Promise<FleetProcess>
}

/** The built app, the browser: made once for all tests of a file. End it with `close`. */
export async function openTheatre() {
  const outDir = await mkdtemp(join(tmpdir(), 'flotilla-web-'))
  const [browser] = await Promise.all([
    ensureChromium().then((executablePath) =>
      chromium.launch({ executablePath, args: [...launchArgs], timeout: PATIENCE_MS }),
    ),
    build({ root: APP, logLevel: 'warn', build: { outDir, emptyOutDir: true } }),
  ])
  return {
    /** Folder of the built app. */
    webDir: outDir,
    browser,
    /** A fleet of its own for test `t`, gone with it. */
    stage: (t: TestContext, options: { servers?: number; serverArgs?: readonly string[] } = {}) =>
      setStage(t, browser, outDir, options),
    async close() {
      await browser.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}

async function setStage(
  t: TestContext,
  browser: Browser,
  outDir: string,
  { servers = 2, serverArgs = [] }: { servers?: number; serverArgs?: readonly string[] },
): Promise<Stage> {
  // The app's origin must be known before there is a balancer and servers, which let in no other.
  const ports = await PortBlock.hold()
  atEnd(t, () => ports.release())
  const port = await ports.next()
  const url = `http://127.0.0.1:${port}`
  // Building set NODE_ENV to production, where guests are not let in.
  const env = { NODE_ENV: 'test' }
  const fleet = await startFleet({ t, servers: 0, env, loadbalancerArgs: ['--origins', url] })
  const web = await serve(outDir, fleet.loadbalancer.url, port)
  atEnd(t, () => web.close())
  await Promise.all(Array.from({ length: servers }, () => fleet.addServer(['--origins', url, ...serverArgs])))
  await fleet.complete()

  const visitor = async (path = '/', options: BrowserContextOptions = {}): Promise<Visitor> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    context.setDefaultTimeout(PATIENCE_MS)
    const page = await context.newPage()
    // Before the fleet goes, for which the page would look then; and an answer that a test is making up is not awaited any more.
    atEnd(t, async () => {
      await page.unrouteAll({ behavior: 'ignoreErrors' })
      await context.close()
    })
    const complaints = listen(page, url)
    await page.goto(url + path)
    return new RealVisitor(page, complaints, fleet)
  }
  return {
    fleet,
    url,
    visitor,
    async person(name, path, options) {
      const one = await visitor(path, options)
      await one.enter(name)
      return one
    },
  }
}

/** The app's own preview settings, policy and proxy alike, with another port and another balancer. */
async function serve(outDir: string, balancerUrl: string, port: number): Promise<PreviewServer> {
  process.env['LOADBALANCER_URL'] = balancerUrl // read by vite.config.ts while it is loaded
  return preview({
    root: APP,
    logLevel: 'silent',
    build: { outDir },
    preview: { host: '127.0.0.1', port, strictPort: true },
  })
}

function listen(page: Page, url: string): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) complaints.push(`foreign request: ${request.url()}`)
  })
  return complaints
}

class RealVisitor implements Visitor {
  readonly page: Page
  readonly complaints: readonly string[]
  readonly #fleet: LocalFleet

  constructor(page: Page, complaints: readonly string[], fleet: LocalFleet) {
    this.page = page
    this.complaints = complaints
    this.#fleet = fleet
  }

  async enter(name: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(name)
    await this.page.keyboard.press('Enter')
    await this.page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
  }

  async say(text: string): Promise<void> {
    const composer = this.page.getByRole('textbox', { name: /^Message/ })
    await composer.fill(text)
    await composer.press('Enter')
  }

  async server(): Promise<FleetProcess> {
    const status = this.page.locator('[data-slot=connection-status][data-mood=calm]')
    const host = await status.getAttribute('data-server')
    const server = this.#fleet.servers.find(({ url }) => new URL(url).host === host)
    if (!server) throw new Error(`${host} is no server of this fleet`)
    return server
  }
}
