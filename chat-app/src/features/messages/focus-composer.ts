export const COMPOSER_ID = 'composer'

/**
 * Where one goes on writing after a button that went away under the pointer: else the next keys would go nowhere. Not on a
 * phone, whose keyboard would cover half of what one came to read.
 */
export function focusComposerOnDesktop(): void {
  if (matchMedia('(hover: hover) and (pointer: fine)').matches) document.getElementById(COMPOSER_ID)?.focus()
}
