// What a crowd talking at once costs the reader's browser: real frames of a scripted server, and React's own word on
// when it drew.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { joined, messages, Peer, type PeerConnection } from '@flotilla/protocol/client/test/peer.ts'
import { openTheatre } from './browser.ts'
import { inLog, said } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const ENTRIES = 1_000

describe('a burst of entries in the web app', () => {
  test('a thousand entries in one frame are one task, and are drawn once', async (t) => {
    const { page, line, complaints } = await aloneWith(t)
    line.say(...messages(2, ENTRIES + 1))
    await inLog(page, `text ${ENTRIES + 1}`).waitFor()
    const { begunAt, endedAt, shownAt, commits } = await watched(page)

    const since = commits.filter(({ at }) => at >= begunAt)
    const draws = since.filter(({ newRows }) => newRows !== 0)
    assert.deepEqual(
      draws.map(({ newRows }) => newRows),
      [ENTRIES],
      'the list got all of it at once',
    )
    const [draw] = draws
    assert.ok(draw && draw.at <= endedAt, 'within the task that took the frame')
    // Only what is in sight is in the page.
    assert.ok((await page.locator('[data-slot=message-item]').count()) < 100)
    assert.equal(await said(page, 'text 2').count(), 0)
    assert.deepEqual(complaints, [])
    t.diagnostic(
      `${ENTRIES} entries: one task of ${(endedAt - begunAt).toFixed(1)} ms; on screen after ${(shownAt - begunAt).toFixed(1)} ms; ` +
        `${since.length} commits until all was measured`,
    )
  })
})

/** Someone in a room with one message, on a server that says what the test wants, in frames as the test wants. */
async function aloneWith(
  t: TestContext,
): Promise<{ page: Page; line: PeerConnection; complaints: readonly string[] }> {
  const peer = await Peer.open()
  t.after(() => peer.close())
  const stage = await theatre.stage(t, { servers: 0 })
  const ana = await stage.visitor()
  const { page, complaints } = ana
  await page.route('**/get', (route) => route.fulfill({ json: { url: peer.url, alternatives: [] } }))
  await watch(page)
  await page.reload()
  await Promise.all([
    ana.enter('ana'),
    peer.connection(0).then(async (line) => {
      const { ref } = await line.next('join')
      line.say(joined({ ref: ref!, head: 1, first: 1 }), ...messages(1, 1))
    }),
  ])
  await inLog(page, 'text 1').waitFor()
  return { page, line: await peer.connection(0), complaints }
}

interface Watched {
  /** When the large frame came in, when its task was over, and when its last entry stood on the screen (ms). */
  begunAt: number
  endedAt: number
  shownAt: number
  /** Every time React changed the page; `newRows` = how many rows the list was given more than before. */
  commits: { at: number; newRows: number }[]
}

/** A frame as large as that is the burst. */
const BURST_CHARS = 50_000

/** From its next load on, the page notes when frames come and when React draws: as its developer tools listen, too. */
async function watch(page: Page): Promise<void> {
  await page.addInitScript(
    ({ burstChars, lastText }) => {
      interface Fiber {
        memoizedProps: { data?: unknown; shift?: unknown } | null
        child: Fiber | null
        sibling: Fiber | null
      }
      const watched: Watched = { begunAt: 0, endedAt: 0, shownAt: 0, commits: [] }
      let rows = 0
      /** The virtual list of messages is known by its properties: names of functions are gone from a build. */
      const rowsOf = (fiber: Fiber | null): number | undefined => {
        for (let at = fiber; at; at = at.sibling) {
          const { data, shift } = at.memoizedProps ?? {}
          if (Array.isArray(data) && shift !== undefined) return data.length
          const below = rowsOf(at.child)
          if (below !== undefined) return below
        }
        return undefined
      }
      const awaitScreen = () => {
        const texts = [...document.querySelectorAll('[data-slot=message-text]')]
        const isShown = texts.some((one) => {
          return one.textContent === lastText && one.getBoundingClientRect().bottom <= innerHeight
        })
        if (isShown) watched.shownAt = performance.now()
        else requestAnimationFrame(awaitScreen)
      }
      const turn = new MessageChannel()
      turn.port1.onmessage = () => (watched.endedAt = performance.now())
      Object.assign(window, {
        watched,
        WebSocket: class extends WebSocket {
          constructor(...given: ConstructorParameters<typeof WebSocket>) {
            super(...given)
            this.addEventListener('message', ({ data }) => {
              if (String(data).length < burstChars) return
              watched.begunAt = performance.now()
              turn.port2.postMessage('the next task')
              requestAnimationFrame(awaitScreen)
            })
          }
        },
        __REACT_DEVTOOLS_GLOBAL_HOOK__: {
          supportsFiber: true,
          inject: () => 1,
          onCommitFiberUnmount() {},
          onCommitFiberRoot(_: number, root: { current: Fiber }) {
            const now = rowsOf(root.current) ?? 0
            watched.commits.push({ at: performance.now(), newRows: now - rows })
            rows = now
          },
        },
      })
    },
    { burstChars: BURST_CHARS, lastText: `text ${ENTRIES + 1}` },
  )
}

/** What was noted since the page was loaded, once the burst is on the screen. */
async function watched(page: Page): Promise<Watched> {
  await page.waitForFunction(() => (window as unknown as { watched: Watched }).watched.shownAt > 0)
  return page.evaluate(() => (window as unknown as { watched: Watched }).watched)
}
