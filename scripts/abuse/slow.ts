import { connect, type Socket } from 'node:net'
import { Score, type Attack } from './attack.ts'
import { ask } from './knock.ts'

const LINES = 300
/** The longest that anything here may take to be finished is 30 s (the body of a request). */
const PATIENCE_MS = 90_000
const DRIP_MS = 1_000

/** Requests and handshakes that never end: each is cut off, and meanwhile everybody else is answered. */
export const slowAttack: Attack = {
  name: 'slow',
  says: 'slow-loris on headers, bodies and handshakes, and lines that say nothing at all',
  async run({ balancer, serverHttp, scale }) {
    const score = new Score()
    const each = Math.max(5, Math.ceil(LINES * scale))
    const kinds: [string, string, string, string][] = [
      ['headers to the balancer', balancer, 'GET /get HTTP/1.1\r\nHost: x\r\n', 'X-a: b\r\n'],
      [
        'a body to the balancer',
        balancer,
        'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n',
        ' ',
      ],
      ['headers to a server', serverHttp, 'GET /healthz HTTP/1.1\r\nHost: x\r\n', 'X-a: b\r\n'],
      [
        'a handshake',
        serverHttp,
        'GET /ws?username=slow HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n',
        'X-a: b\r\n',
      ],
      ['nothing, to a server', serverHttp, '', ''],
    ]
    const lines = kinds.flatMap(([what, base, first, drip]) =>
      Array.from({ length: each }, () => ({ what, base, line: drippingLine(base, first, drip) })),
    )
    // While they hang there, others are served.
    for (let at = 0; at < 50; at += 1) {
      const health = await ask(serverHttp, { path: '/healthz' })
      score.judge(health.status === 200, 'GET /healthz of the server meanwhile', health)
      const best = await ask(balancer, { path: '/get' })
      score.judge(best.status === 200, 'GET /get meanwhile', best)
    }
    for (const { what, line } of lines) {
      const isCut = await line.isCut
      score.judge(isCut, what, `still open after ${PATIENCE_MS / 1_000} s`)
    }
    return score
  },
}

function drippingLine(base: string, first: string, drip: string): { isCut: Promise<boolean> } {
  const { hostname, port } = new URL(base)
  const socket: Socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.resume()
  if (first !== '') socket.write(first)
  const dripping = setInterval(() => drip !== '' && socket.write(drip), DRIP_MS)
  const isCut = new Promise<boolean>((resolve) => {
    const patience = setTimeout(() => {
      resolve(false)
      socket.destroy()
    }, PATIENCE_MS)
    socket.on('close', () => {
      clearInterval(dripping)
      clearTimeout(patience)
      resolve(true)
    })
  })
  return { isCut }
}
