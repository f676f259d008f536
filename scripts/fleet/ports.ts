import { createServer } from 'node:net'

export interface WantedPort {
  /** Who wants it: `balancer`. */
  name: string
  /** The flag that chooses another. */
  flag: string
  port: number
  host: string
}

/** One line for each port that cannot be had, with the remedy. Port 0 can always be had. */
export async function findTakenPorts(wanted: readonly WantedPort[]): Promise<string[]> {
  const lines = await Promise.all(
    wanted.map(async ({ name, flag, port, host }) => {
      const code = port === 0 ? undefined : await tryPort(port, host)
      if (code === undefined) return undefined
      if (code === 'EACCES')
        return `Port ${port} (${name}) may not be used by this user: choose another with ${flag}.`
      if (code !== 'EADDRINUSE') return `Port ${port} (${name}) cannot be opened on ${host}: ${code}.`
      return `Port ${port} (${name}) is taken: free it (who holds it: ${whoHolds(port)}) or choose another with ${flag}.`
    }),
  )
  return lines.filter((line) => line !== undefined)
}

/** @returns the code of what is wrong with it, or undefined */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

function whoHolds(port: number): string {
  switch (process.platform) {
    case 'win32':
      return `netstat -ano | findstr :${port}`
    case 'linux':
      return `ss -ltnp 'sport = :${port}'`
    default:
      return `lsof -nP -iTCP:${port} -sTCP:LISTEN`
  }
}
