const TTY_EVERY_MS = 200
const LINE_EVERY_MS = 5_000

/** Shows how far it is: one line that changes on a terminal, one now and then elsewhere. */
export function showProgress(describe: () => string): { end: () => void } {
  const out = process.stdout
  const timer = setInterval(
    () => out.write(out.isTTY ? `\r\x1b[K${describe()}` : `${describe()}\n`),
    out.isTTY ? TTY_EVERY_MS : LINE_EVERY_MS,
  )
  return {
    end() {
      clearInterval(timer)
      if (out.isTTY) out.write('\r\x1b[K')
    },
  }
}
