// A link to a private room: where it leads is shown first, and nobody is in who did not say so.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { judge } from './accessibility.ts'
import { account, button, makePrivateRoom, PASSWORD, signUp } from './account-steps.ts'
import { openTheatre, type Stage, type Visitor } from './browser.ts'
import { inLog } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

const question = ({ page }: Visitor) => page.getByRole('dialog', { name: 'Join Charts?' })
const isIn = ({ page }: Visitor) => page.getByRole('heading', { name: 'Charts', exact: true }).waitFor()
const joins = ({ page }: Visitor, name: string) =>
  page.locator('[data-slot=note]').getByText(`${name} joined`)

/** Ann keeps a private room with a topic; her dialog with its settings is open. */
async function charts(stage: Stage): Promise<{ ann: Visitor; link: string }> {
  const ann = await account(stage, 'ann')
  await makePrivateRoom(ann, 'Charts')
  await ann.say('the reef is here')
  await inLog(ann.page, 'the reef is here').waitFor()
  await button(ann.page, 'About this room').click()
  await ann.page.getByRole('tab', { name: 'Settings' }).click()
  await ann.page.getByLabel('Topic').fill('Where it is deep enough')
  await button(ann.page, 'Save topic').click()
  await ann.page.locator('[data-slot=topic]').getByText('Where it is deep enough').waitFor()
  await button(ann.page, 'Make a link').click()
  return { ann, link: await ann.page.getByLabel('Link to join by').inputValue() }
}

const pathOf = (link: string) => link.slice(new URL(link).origin.length)

describe('a link to a private room', () => {
  test('says where it leads and asks; who says no is nowhere, who says yes is in, and is not asked again', async (t) => {
    const stage = await theatre.stage(t)
    const { ann, link } = await charts(stage)
    const bea = await account(stage, 'bea')
    await bea.page.goto(link)
    await question(bea).getByText('Where it is deep enough').waitFor()
    await question(bea).getByText('1 member', { exact: true }).waitFor()
    await judge(bea.page)
    await button(bea.page, 'Not now').click()
    await question(bea).waitFor({ state: 'detached' })
    await bea.page.getByText('It is quiet in #').waitFor()
    assert.equal(await bea.page.evaluate(() => location.pathname + location.hash), '/')
    await bea.say('not now')
    await inLog(bea.page, 'not now').waitFor()
    assert.equal(await joins(ann, 'bea').count(), 0)

    await bea.page.goto(link)
    await button(bea.page, 'Join').click()
    await isIn(bea)
    await inLog(bea.page, 'the reef is here').waitFor()
    await joins(ann, 'bea').waitFor()
    assert.equal(await bea.page.evaluate(() => location.hash), '')
    await bea.say('thank you')
    await inLog(ann.page, 'thank you').waitFor()

    await bea.page.goto(stage.url)
    await bea.page.goto(link)
    await isIn(bea)
    await inLog(bea.page, 'thank you').waitFor()
    assert.equal(await question(bea).count(), 0)
    assert.deepEqual([...ann.complaints, ...bea.complaints], [])
  })

  test('one that has ended, or was mistyped, says so', async (t) => {
    const stage = await theatre.stage(t)
    const { ann, link } = await charts(stage)
    const bea = await account(stage, 'bea')
    const leadsNowhere = bea.page.getByRole('dialog', { name: 'This link leads nowhere' })
    await bea.page.goto(link.slice(0, -5))
    await leadsNowhere.waitFor()
    await button(bea.page, 'All right').click()
    await leadsNowhere.waitFor({ state: 'detached' })
    await bea.page.getByText('It is quiet in #').waitFor()
    await bea.page.goto(link)
    await question(bea).waitFor()
    // It ends while she thinks about it.
    await button(ann.page, 'End').click()
    await button(ann.page, 'End').waitFor({ state: 'detached' })
    await button(bea.page, 'Join').click()
    await leadsNowhere.waitFor()
    await bea.page.keyboard.press('Escape')
    await leadsNowhere.waitFor({ state: 'detached' })
  })

  test('whoever has no account yet makes one, or makes the name of a guest his own, and is asked then', async (t) => {
    const stage = await theatre.stage(t)
    const { link } = await charts(stage)
    const bea = await stage.visitor(pathOf(link))
    await bea.page.getByText('It takes an account to go in.').waitFor()
    await signUp(bea, 'bea', { isOpen: true })
    await question(bea).waitFor()

    const cyd = await stage.person('cyd')
    await cyd.page.goto(link)
    await cyd.page.getByRole('dialog', { name: 'It takes an account to go in' }).waitFor()
    await judge(cyd.page)
    await button(cyd.page, 'Make an account').click()
    await cyd.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await button(cyd.page, 'Keep the name cyd').click()
    await question(cyd).waitFor()
    await button(cyd.page, 'Join').click()
    await isIn(cyd)
    await inLog(cyd.page, 'the reef is here').waitFor()
  })
})
