import process from 'node:process'
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { readConfig, type Config } from './config.ts'
import { startServer } from './server.ts'

/** Serves until a signal comes: SIGTERM drains, SIGINT stops now. Says `{"ready":true,…}` on standard output when it serves. */
export async function runServer(): Promise<void> {
  const config = configOrExit(() => readConfig(process.argv.slice(2), process.env))
  const server = await startServer(config).catch((cause: unknown) =>
    fail(explain(cause as NodeJS.ErrnoException, config)),
  )
  process.stdout.write(`${JSON.stringify({ ready: true, id: server.id, url: server.url })}\n`)

  process.once('SIGTERM', () => void end(() => server.drain()))
  process.once('SIGINT', () => void end(() => server.stop()))
  void server.lost.then((cause) => fail(`The store is lost, the server ends: ${(cause as Error).message}`))
}

async function end(how: () => Promise<void>): Promise<void> {
  await how()
  process.exit(0)
}

function fail(line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}

function explain(cause: NodeJS.ErrnoException, config: Config): string {
  switch (cause.code) {
    case 'EADDRINUSE':
      return `Port ${config.port} is taken: end the process that holds it, or start with another --port.`
    case 'EACCES':
    case 'EPERM':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EROFS':
    case 'ENOSPC':
    case 'EEXIST':
      return `Cannot use the data folder ${config.data}: ${cause.message}`
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${config.host} to serve on: start with another --host.`
    default:
      return `Cannot start: ${cause.message}`
  }
}
