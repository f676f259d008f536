import process from 'node:process'
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { readConfig } from './config.ts'
import { startServer, type ChatServer } from './server.ts'

/** One chat server as a process. Says `{"ready":true,…}` on standard output when it serves; SIGTERM drains, SIGINT stops now. */

const config = configOrExit(() => readConfig(process.argv.slice(2), process.env))
const server = await startServer(config).catch((cause: unknown) =>
  fail(explain(cause as NodeJS.ErrnoException)),
)
process.stdout.write(`${JSON.stringify({ ready: true, id: server.id, url: server.url })}\n`)

process.once('SIGTERM', () => void end(() => server.drain()))
process.once('SIGINT', () => void end(() => server.stop()))
void server.lost.then((cause) => fail(`The store is lost, the server ends: ${(cause as Error).message}`))

async function end(how: () => Promise<void>): Promise<void> {
  await how()
  process.exit(0)
}

function fail(line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}

function explain(cause: NodeJS.ErrnoException): string {
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

export type { ChatServer }
