// The app on a server that says what the test wants, in frames as the test wants.
import type { TestContext } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { joined, messages, Peer, type PeerConnection } from '@flotilla/protocol/client/test/peer.ts'
import { atEnd } from '../fleet/harness.ts'
import type { openTheatre } from './browser.ts'
import { inLog } from './screen.ts'

export const ANA = { id: 'guest:ana', name: 'ana' }

interface Wishes {
  /** Messages in the room; they are those that everybody has read. */
  head: number
  options?: BrowserContextOptions
  /** Done to the page before it is loaded for good. */
  prepare?: (page: Page) => Promise<void>
}

/** `ana`, alone in `general` on a line of the test's own. */
export async function aloneOn(
  t: TestContext,
  theatre: Awaited<ReturnType<typeof openTheatre>>,
  { head, options, prepare }: Wishes,
): Promise<{ page: Page; line: PeerConnection; peer: Peer; complaints: readonly string[] }> {
  const peer = await Peer.open()
  peer.welcome = { user: ANA }
  atEnd(t, () => peer.close())
  const stage = await theatre.stage(t, { servers: 0 })
  const ana = await stage.visitor('/', options)
  const { page, complaints } = ana
  await page.route('**/get', (route) => route.fulfill({ json: { url: peer.url, alternatives: [] } }))
  await prepare?.(page)
  await page.reload()
  await Promise.all([
    ana.enter('ana'),
    peer.connection(0).then(async (line) => {
      const { ref } = await line.next('join')
      line.say(joined({ ref: ref!, head, first: 1 }), ...messages(1, head))
    }),
  ])
  await inLog(page, `text ${head}`).waitFor()
  return { page, line: await peer.connection(0), peer, complaints }
}
