// Before the first paint, and a file of its own: a strict CSP takes no inline script, a module would come too late.
/* global document, localStorage, matchMedia */
{
  let chosen = null
  try {
    chosen = localStorage.getItem('flotilla.theme')
  } catch {
    // Storage is forbidden: follow the system.
  }
  const isDark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.classList.toggle('dark', isDark)
}
