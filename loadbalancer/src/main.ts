import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { startLoadbalancer } from './app.ts'
import { readConfig } from './config.ts'
import { StartError } from './data-folder.ts'

// The balancer's process: node loadbalancer/src/main.ts --port 9000 (--help lists the flags).
// Exit codes: 0 stopped, 1 could not start, 2 wrong flags.
const config = configOrExit(() => readConfig(process.argv.slice(2), process.env))
try {
  const { id, url, close } = await startLoadbalancer(config)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void close().then(() => process.exit(0)))
  }
  process.stdout.write(`${JSON.stringify({ ready: true, id, url })}\n`)
} catch (error) {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
