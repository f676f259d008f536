// What a crowd talking at once costs the reader's browser: real frames of a scripted server, and React's own word on
// when it drew.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { joined, messages, type PeerConnection } from '@flotilla/protocol/client/test/peer.ts'
import { atEnd } from '../fleet/harness.ts'
import { openTheatre } from './browser.ts'
import { inLog, log, said } from './screen.ts'
import { aloneOn } from './scripted.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const ENTRIES = 1_000
/** Said before many begin to talk. */
const TALKED = 50

describe('a burst of entries in the web app', () => {
  test('a thousand entries in one frame are one task, and are drawn once', async (t) => {
    const { page, line, complaints } = await aloneIn(t, 1)
    line.say(...messages(2, ENTRIES + 1))
    await assertDrawnOnce(t, page)
    assert.deepEqual(complaints, [])
  })

  test('so are those that were missed while the line was down', async (t) => {
    const { page, line, peer } = await aloneIn(t, 1)
    line.cut()
    const next = await peer.connection(1)
    const { ref, since } = await next.next('join')
    assert.equal(since, 1)
    next.say(joined({ ref: ref!, head: ENTRIES + 1, first: 2 }), ...messages(2, ENTRIES + 1))
    await assertDrawnOnce(t, page)
  })

  test('so are a thousand reactions to one message', async (t) => {
    const { page, line, complaints } = await aloneIn(t, 1)
    const reactions = Array.from({ length: ENTRIES - 1 }, (_, index) => ({
      ...{ type: 'react', room: 'general', seq: index + 2, id: `r${index}`, ts: index + 2 },
      ...{ user: { id: `guest:p${index}`, name: `p${index}` }, target: 1, emoji: '👍', on: true },
    }))
    line.say(...reactions, ...messages(ENTRIES + 1, ENTRIES + 1))
    await assertDrawnOnce(t, page, 1)
    await page.getByRole('button', { name: /^👍 999: p0, p1/ }).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('where many talk, one turn of the wheel leaves the end, and what is in the list can be clicked', async (t) => {
    const { page, line, complaints } = await aloneIn(t, TALKED)
    const talk = keepTalking(t, page, line, { perFrame: 3, everyMs: 30 })
    const deafFrames = await log(page).evaluate(async (list) => {
      let count = 0
      for (let frame = 0; frame < 60; frame += 1) {
        await new Promise(requestAnimationFrame)
        const row = list.querySelector('[data-row]')
        if (!row || getComputedStyle(row).pointerEvents === 'none') count += 1
      }
      return count
    })
    assert.equal(deafFrames, 0, 'while it follows the end')

    const toEnd = page.locator('[data-slot=to-end]')
    await log(page).hover()
    for (const px of [-300, -20, -300, -700, -100]) {
      await page.mouse.wheel(0, px)
      await toEnd.waitFor()
      await toEnd.click()
      await toEnd.waitFor({ state: 'detached' })
    }
    await talk.stop()
    await inLog(page, `text ${talk.last}`).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('where many talk, one pull of the finger leaves the end', async (t) => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
    const { page, line } = await aloneIn(t, TALKED, phone)
    // Slowly enough that the row under the finger stays in the page: a touch ends with what it began on.
    keepTalking(t, page, line, { perFrame: 1, everyMs: 100 })
    const touch = await page.context().newCDPSession(page)
    const to = (type: 'touchStart' | 'touchMove', y: number) =>
      touch.send('Input.dispatchTouchEvent', { type, touchPoints: [{ x: 195, y }] })
    const toEnd = page.locator('[data-slot=to-end]')
    for (let pulls = 0; pulls < 3; pulls += 1) {
      await to('touchStart', 300)
      for (let y = 305; y <= 345; y += 5) await to('touchMove', y)
      await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
      await toEnd.waitFor()
      // A tap on what still glides on stops it, and is no click.
      await standsStill(page)
      await toEnd.tap()
      await toEnd.waitFor({ state: 'detached' })
    }
  })
})

/** The list has not moved for ten frames. */
async function standsStill(page: Page): Promise<void> {
  await log(page).evaluate(async (list) => {
    let [at, frames] = [list.scrollTop, 0]
    while (frames < 10) {
      await new Promise(requestAnimationFrame)
      frames = list.scrollTop === at ? frames + 1 : 0
      at = list.scrollTop
    }
  })
}

/** What was watched since the page was loaded shows one burst, which the list got whole, within the task that took its frame. */
async function assertDrawnOnce(t: TestContext, page: Page, newRows = ENTRIES): Promise<void> {
  await inLog(page, `text ${ENTRIES + 1}`).waitFor()
  const { begunAt, endedAt, shownAt, commits } = await watched(page)
  const since = commits.filter(({ at }) => at >= begunAt)
  const draws = since.filter((commit) => commit.newRows !== 0)
  assert.deepEqual(
    draws.map((commit) => commit.newRows),
    [newRows],
  )
  // The list measures what it drew, and draws again where that is not as high as it guessed.
  assert.ok(since.filter(({ at }) => at <= endedAt).length < 10)
  const [draw] = draws
  assert.ok(draw && draw.at <= endedAt)
  // Only what is in sight is in the page.
  assert.ok((await page.locator('[data-slot=message-item]').count()) < 100)
  assert.equal(await said(page, 'text 2').count(), 0)
  t.diagnostic(
    `${ENTRIES} entries: one task of ${(endedAt - begunAt).toFixed(1)} ms; on screen after ${(shownAt - begunAt).toFixed(1)} ms; ` +
      `${since.length} commits until all was measured`,
  )
}

/**
 * So many messages per frame, a frame each `everyMs`, or as fast as the page draws if that takes longer: a slow machine has not to
 * catch up for ever. Until it is stopped, or the test ends; `last` = the newest.
 */
function keepTalking(
  t: TestContext,
  page: Page,
  line: PeerConnection,
  pace: { perFrame: number; everyMs: number },
) {
  let isOver = false
  const go = async () => {
    while (!isOver) {
      line.say(...messages(talk.last + 1, talk.last + pace.perFrame))
      talk.last += pace.perFrame
      await Promise.all([pause(pace.everyMs), page.evaluate(() => new Promise(requestAnimationFrame))])
    }
  }
  const talk = {
    last: TALKED,
    stop: async () => {
      isOver = true
      await going
    },
  }
  const going = go()
  going.catch(() => {}) // told to whoever stops it
  atEnd(t, talk.stop)
  return talk
}

const aloneIn = (t: TestContext, head: number, options?: BrowserContextOptions) =>
  aloneOn(t, theatre, { head, prepare: watch, ...(options === undefined ? {} : { options }) })

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
      /** Whatever the browser does next: another task, or a frame. */
      const end = () => (watched.endedAt ||= performance.now())
      const awaitScreen = () => {
        end()
        const texts = [...document.querySelectorAll('[data-slot=message-text]')]
        const isShown = texts.some((one) => {
          return one.textContent === lastText && one.getBoundingClientRect().bottom <= innerHeight
        })
        if (isShown) watched.shownAt = performance.now()
        else requestAnimationFrame(awaitScreen)
      }
      const turn = new MessageChannel()
      turn.port1.onmessage = end
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
