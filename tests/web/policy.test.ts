// The app as the balancer serves it itself, under its own policy, in Chromium.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { atEnd, startFleet } from '../fleet/harness.ts'
import { openTheatre } from './browser.ts'

type Theatre = Awaited<ReturnType<typeof openTheatre>>

describe('the app, served by the balancer', () => {
  let theatre: Theatre
  before(async () => (theatre = await openTheatre()))
  after(() => theatre.close())

  test('runs under its strict policy without a violation, and what is put into the page does not run', async (t) => {
    const fleet = await startFleet({
      t,
      servers: 0,
      env: { NODE_ENV: 'test' },
      loadbalancerArgs: ['--web-dir', theatre.webDir],
    })
    const { url } = fleet.loadbalancer
    await fleet.addServer(['--origins', url])
    await fleet.complete()
    const context = await theatre.browser.newContext()
    atEnd(t, () => context.close())
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      const isAnswer = message.text().startsWith('Failed to load resource: the server responded')
      if ((message.type() === 'error' || message.type() === 'warning') && !isAnswer)
        complaints.push(message.text())
    })
    await page.goto(url)
    await page.getByLabel('Your name').fill('ann')
    await page.keyboard.press('Enter')
    await page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
    const composer = page.getByRole('textbox', { name: /^Message/ })
    const text = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script>'
    await composer.fill(text)
    await composer.press('Enter')
    await page.getByRole('log').getByText(text).waitFor()
    await page.goto(`${url}/fleet`)
    await page.locator('[data-slot=server-card]').first().waitFor()
    assert.deepEqual(complaints, [])

    // Even if markup came into the page: no string becomes script, inline ones do not run, nothing is fetched from elsewhere.
    const outcomes = await page.evaluate(async () => {
      const violated: string[] = []
      const picture = new Promise<void>((done) => {
        document.addEventListener('securitypolicyviolation', (event) => {
          violated.push(event.effectiveDirective)
          if (event.effectiveDirective === 'img-src') done()
        })
      })
      const attempt = (run: () => unknown) => {
        try {
          run()
          return 'done'
        } catch {
          return 'refused'
        }
      }
      const made = {
        html: attempt(() => (document.body.innerHTML = '<b>x</b>')),
        script: attempt(() => {
          const script = document.createElement('script')
          script.append('document.title = "run"')
          document.body.append(script)
        }),
        fetch: await fetch('https://flotilla.invalid/').then(
          () => 'done',
          () => 'refused',
        ),
      }
      const image = document.createElement('img')
      attempt(() => image.setAttribute('onerror', 'document.title = "run"'))
      image.src = 'https://flotilla.invalid/'
      document.body.append(image)
      await picture
      return { ...made, violated: [...new Set(violated)].sort(), title: document.title }
    })
    assert.deepEqual([outcomes.html, outcomes.fetch], ['refused', 'refused'])
    assert.notEqual(outcomes.title, 'run')
    for (const directive of ['connect-src', 'img-src', 'require-trusted-types-for']) {
      assert.ok(outcomes.violated.includes(directive), `${directive} in ${outcomes.violated.join()}`)
    }
  })
})
