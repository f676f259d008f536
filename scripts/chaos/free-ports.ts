import { createServer } from 'node:net'

/** Below what systems give to outgoing connections: a process that is down for a while must find its port free again. */
const FROM = 20_000
const TO = 31_999
const TRIES = 200

/** So many ports on loopback that nobody holds now. @throws if there are none */
export async function findPorts(count: number, random: () => number): Promise<number[]> {
  const found: number[] = []
  for (let tries = 0; tries < TRIES * count && found.length < count; tries += 1) {
    const port = FROM + Math.floor(random() * (TO - FROM + 1))
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  if (found.length < count) throw new Error(`there are no ${count} free ports from ${FROM} to ${TO}`)
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })
}
