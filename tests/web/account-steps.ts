// What people with accounts do on the way to what a test is about.
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { Stage, Visitor } from './browser.ts'

export const PASSWORD = 'rope and tar 7'

export const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' })

export async function signUp({ page }: Visitor, name: string, { isOpen = false } = {}): Promise<void> {
  if (!isOpen) await button(page, 'create one').click()
  await page.getByLabel('Your name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await button(page, 'Create account').click()
}

/** Somebody who makes an account in a browser of their own, and is in. */
export async function account(
  stage: Stage,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const one = await stage.visitor('/', options)
  await signUp(one, name)
  await one.page.locator('[data-slot=connection-status][data-mood=calm]').waitFor()
  return one
}

/** … and goes there. */
export async function makePrivateRoom({ page }: Visitor, name: string): Promise<void> {
  await button(page, 'New room').click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByRole('radio', { name: /Only who is invited/ }).check()
  await button(page, 'Create room').click()
  await page.getByRole('heading', { name, exact: true }).waitFor()
}
