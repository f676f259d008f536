// Starts a small server as a child, says its pid, waits for ever: to be killed by a test.
import { join } from 'node:path'
import { launch } from '../child.ts'

const child = launch({
  name: 'small',
  args: [join(import.meta.dirname, 'small-server.ts'), '0', ...process.argv.slice(2)],
})
await child.ready
console.log(child.pid)
