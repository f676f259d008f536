// Accounts, rooms for some only, and what those who keep a room can do, in real browsers.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { judge } from './accessibility.ts'
import { account, button, makePrivateRoom, PASSWORD, signUp } from './account-steps.ts'
import { openTheatre, type Visitor } from './browser.ts'
import { inLog } from './screen.ts'

let theatre: Awaited<ReturnType<typeof openTheatre>>
before(async () => {
  theatre = await openTheatre()
})
after(() => theatre.close())

async function choose({ page }: Visitor, text: string, deed: string): Promise<void> {
  const item = page.locator('[data-slot=message-item]').filter({ hasText: text })
  await item.hover()
  await item.getByRole('button', { name: /What to do about this message/ }).click()
  await page.getByRole('menuitem', { name: deed }).click()
}

describe('accounts in the web app', () => {
  test('an account is made, comes back without its password, is renamed, and is signed out elsewhere', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const ann = await account(stage, 'Ann')
    await ann.say('aye')
    await inLog(ann.page, 'aye').waitFor()
    assert.equal(await ann.page.locator('[data-slot=message-item] [data-slot=guest-mark]').count(), 0)
    await ann.page.reload()
    await inLog(ann.page, 'aye').waitFor()

    // The same person elsewhere: seen in the list of sign-ins, and ended from there.
    const other = await stage.visitor()
    await button(other.page, 'Sign in').click()
    await other.page.getByLabel('Your name').fill('ann')
    await other.page.getByLabel('Password', { exact: true }).fill('not this one')
    await other.page.keyboard.press('Enter')
    await other.page.getByText('Name and password do not go together.').waitFor()
    await other.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await other.page.keyboard.press('Enter')
    await inLog(other.page, 'aye').waitFor()

    await button(ann.page, /^Your account/).click()
    const dialog = ann.page.getByRole('dialog', { name: 'Your account' })
    await dialog.getByText('This browser').waitFor()
    await dialog.getByRole('button', { name: 'Sign out', exact: true }).click()
    await other.page.getByText('Your sign-in has ended.').waitFor()

    await dialog.getByRole('button', { name: /Change name/ }).click()
    await dialog.getByLabel('New name').fill('Anna')
    await dialog.getByRole('button', { name: 'Save name' }).click()
    await ann.page.getByRole('button', { name: 'Your account, Anna' }).waitFor()
    await inLog(ann.page, 'aye').waitFor()
  })

  test('a guest makes the name his own', async (t) => {
    const stage = await theatre.stage(t, { servers: 1 })
    const bo = await stage.person('bo')
    await button(bo.page, /^Your account/).click()
    await bo.page.getByLabel('Password', { exact: true }).fill('12345678')
    await button(bo.page, 'Keep the name bo').click()
    await bo.page.getByText('That password won’t do.').waitFor()
    await bo.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await button(bo.page, 'Keep the name bo').click()
    await bo.page.getByRole('heading', { name: 'Direct' }).waitFor() // which guests have none of
    const late = await stage.visitor()
    await late.page.getByLabel('Your name').fill('BO')
    await button(late.page, 'Come aboard').click()
    await late.page.getByText('That name belongs to an account').waitFor()
  })
})

describe('the looks of accounts and rooms', () => {
  for (const colorScheme of ['light', 'dark'] as const)
    test(`no serious fault of accessibility, ${colorScheme}`, async (t) => {
      const stage = await theatre.stage(t, { servers: 1 })
      const viewport = colorScheme === 'dark' ? { width: 390, height: 844 } : { width: 1440, height: 900 }
      const ann = await stage.visitor('/', { colorScheme, reducedMotion: 'reduce', viewport })
      const { page } = ann
      await button(page, 'create one').click()
      await judge(page)
      await signUp(ann, 'ann', { isOpen: true })
      await page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
      if (colorScheme === 'dark') await button(page, 'Rooms').click()
      await button(page, 'New room').click()
      await judge(page)
      await page.getByLabel('Name', { exact: true }).fill('Charts')
      await page.getByRole('radio', { name: /Only who is invited/ }).check()
      await button(page, 'Create room').click()
      await page.getByRole('heading', { name: 'Charts', exact: true }).waitFor()
      await ann.say('first')
      await inLog(page, 'first').waitFor()
      await button(page, 'About this room').click()
      await judge(page)
      for (const tab of ['People', 'Settings', 'Log']) {
        await page.getByRole('tab', { name: tab }).click()
        await page.getByRole('tabpanel', { name: tab }).waitFor()
        await judge(page)
      }
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      await choose(ann, 'first', 'Edit')
      await judge(page)
      await page.keyboard.press('Escape')
      if (colorScheme === 'dark') await button(page, 'Rooms').click()
      await button(page, /^Your account/).click()
      await page.getByText('This browser').waitFor()
      await judge(page)
      assert.deepEqual(ann.complaints, [])
    })
})

describe('rooms in the web app', () => {
  test('a private room is nothing to strangers; who is invited joins, and who is removed is out at once', async (t) => {
    const stage = await theatre.stage(t)
    const ann = await account(stage, 'ann')
    await makePrivateRoom(ann, 'Charts')
    await ann.say('the reef is here')
    await inLog(ann.page, 'the reef is here').waitFor()
    const path = new URL(ann.page.url()).pathname

    const bea = await stage.visitor(path)
    await signUp(bea, 'bea')
    await bea.page.getByText('There is no such room').waitFor()

    await button(ann.page, 'About this room').click()
    const about = ann.page.getByRole('dialog', { name: 'Charts' })
    await about.getByRole('tab', { name: 'People' }).click()
    await about.getByLabel('Name of whom to invite').fill('bea')
    await about.getByRole('button', { name: 'Invite', exact: true }).click()
    await about.getByRole('heading', { name: 'Invited' }).waitFor()
    await bea.page.reload()
    await button(bea.page, /^Join\s*Charts/).click()
    await inLog(bea.page, 'the reef is here').waitFor()
    await bea.say('thank you')
    await inLog(ann.page, 'thank you').waitFor()
    await ann.page.locator('[data-slot=note]').getByText('bea joined').waitFor()

    await about.getByRole('button', { name: 'What to do about bea' }).click()
    await ann.page.getByRole('menuitem', { name: 'Remove' }).click()
    await bea.page.getByText('You were removed from this room').waitFor()
    await ann.page.keyboard.press('Escape')
    await ann.say('between us')
    await inLog(ann.page, 'between us').waitFor()
    assert.equal(await bea.page.getByText('between us').count(), 0)
    await button(bea.page, 'Go to #general').click()
    await bea.page.getByText('It is quiet in #').waitFor()
  })

  test('one edits and deletes one’s own, and reports what another said; who keeps the room deletes that', async (t) => {
    const stage = await theatre.stage(t)
    const ann = await account(stage, 'ann')
    await button(ann.page, 'New room').click()
    await ann.page.getByLabel('Name', { exact: true }).fill('Deck')
    await button(ann.page, 'Create room').click()
    await ann.page.getByRole('heading', { name: 'Deck', exact: true }).waitFor()
    const bea = await stage.visitor(new URL(ann.page.url()).pathname)
    await signUp(bea, 'bea')
    await bea.page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()

    await bea.say('helo')
    await inLog(bea.page, 'helo').waitFor()
    await choose(bea, 'helo', 'Edit')
    await bea.page.getByLabel('New text of the message').fill('hello')
    await bea.page.keyboard.press('Enter')
    await ann.page.getByText('hello', { exact: true }).waitFor()
    await bea.say('buy my rope')
    await inLog(bea.page, 'buy my rope').waitFor()

    const cyd = await stage.visitor(new URL(ann.page.url()).pathname)
    await signUp(cyd, 'cyd')
    await inLog(cyd.page, 'buy my rope').waitFor()
    await choose(cyd, 'buy my rope', 'Report')
    await cyd.page.getByLabel('What is wrong with it').fill('sells rope')
    await button(cyd.page, 'Report').click()
    await cyd.page.getByRole('dialog').waitFor({ state: 'hidden' })

    await button(ann.page, 'About this room').click()
    await ann.page.getByRole('tab', { name: 'Log' }).click()
    await ann.page.getByText('sells rope').waitFor()
    await ann.page.getByRole('dialog').getByText('bea: buy my rope').waitFor()
    await ann.page.keyboard.press('Escape')
    await choose(ann, 'buy my rope', 'Delete')
    for (const { page } of [ann, bea, cyd]) await page.getByText('This message was deleted.').waitFor()
  })

  test('two talk where nobody else can read it', async (t) => {
    const stage = await theatre.stage(t)
    const ann = await account(stage, 'ann')
    const bea = await account(stage, 'bea')
    await button(ann.page, 'New message to one person').click()
    await ann.page.getByLabel('To', { exact: true }).fill('bea')
    await ann.page.keyboard.press('Enter')
    await ann.page.getByRole('heading', { name: 'bea', exact: true }).waitFor()
    await ann.say('psst')
    await inLog(ann.page, 'psst').waitFor()
    await bea.page.reload()
    await bea.page.getByRole('link', { name: 'ann' }).click()
    await inLog(bea.page, 'psst').waitFor()
    await bea.say('yes?')
    await inLog(ann.page, 'yes?').waitFor()

    // Whoever has enough of the other is not spoken to any more, and reads no more of him.
    await choose(ann, 'yes?', 'Block bea')
    await ann.page.getByText('You have blocked bea.').waitFor()
    assert.equal(await ann.page.getByText('yes?', { exact: true }).count(), 0)
    await bea.page.locator('[data-slot=note]').getByText('ann wants no more messages here').waitFor()
    await bea.say('hello?')
    await bea.page.getByText('You may not write here.').waitFor()
  })
})
