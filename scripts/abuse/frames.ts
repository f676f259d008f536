import { once } from 'node:events'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { SERVER_FRAMES } from '@flotilla/protocol/server-frames.ts'
import { WebSocket } from 'ws'
import { Score, inLanes, type Attack } from './attack.ts'
import { FrameMaker } from './frame-maker.ts'

/** A million frames that follow the grammar almost: each is answered or refused with a known code, and none is the last. */

const FRAMES = 1_000_000
/** Below what closes 4429. */
const PER_LINE = LIMITS.badFrames - 10
const LANES = 8
const PATIENCE_MS = 60_000

export const frameAttack: Attack = {
  name: 'frames',
  says: 'mutated frames, grammar-aware; deep and wide JSON, __proto__, lone surrogates',
  async run({ server, seed, scale }) {
    const score = new Score()
    const maker = new FrameMaker(seed)
    const lines = Math.max(1, Math.ceil((FRAMES * scale) / PER_LINE))
    await inLanes(Array(lines).keys(), LANES, async (at) => {
      const batch = maker.line(seed + at, PER_LINE)
      // Each line is somebody else, who keeps below the limits: what is tried is what a line says, not how much.
      const fault = await speak(`${server.url}?username=fuzz-${at}`, batch)
      score.tries += PER_LINE
      if (fault !== undefined) score.bypasses.push(`line ${at} of seed ${seed}: ${fault}`)
    })
    return score
  },
}

/** @returns what was wrong with the answers */
async function speak(url: string, batch: readonly string[]): Promise<string | undefined> {
  const socket = new WebSocket(url)
  const answers: string[] = []
  let fault: string | undefined
  let isAnswered = false
  socket.on('error', () => {})
  const ended = new Promise<void>((resolve) => {
    const patience = setTimeout(() => {
      fault ??= 'no answer to the ping behind them'
      resolve()
    }, PATIENCE_MS)
    socket.on('message', (data: Buffer) => {
      for (const text of data.toString().split('\n')) {
        answers.push(text)
        fault ??= faultOf(text)
        if (!text.includes('"the last one"')) continue
        isAnswered = true
        clearTimeout(patience)
        resolve()
      }
    })
    socket.on('close', (code) => {
      if (!isAnswered) fault ??= `closed with ${code}`
      clearTimeout(patience)
      resolve()
    })
  })
  await Promise.race([once(socket, 'open'), ended])
  if (socket.readyState === WebSocket.OPEN) {
    // Frames of at most so many bytes: larger ones are refused for that alone.
    let frame = ''
    const join = '{"type":"join","room":"general"}'
    for (const text of [join, ...batch, '{"type":"ping","ref":"the last one"}']) {
      if (Buffer.byteLength(frame) + Buffer.byteLength(text) + 1 > LIMITS.frameBytes) {
        socket.send(frame)
        frame = ''
      }
      frame = frame === '' ? text : `${frame}\n${text}`
    }
    socket.send(frame)
  }
  await ended
  socket.terminate()
  return fault
}

function faultOf(text: string): string | undefined {
  let frame: { type?: unknown; message?: unknown }
  try {
    frame = JSON.parse(text) as typeof frame
  } catch {
    return `an answer that is no JSON: ${text.slice(0, 80)}`
  }
  if (typeof frame.type !== 'string' || !Object.hasOwn(SERVER_FRAMES, frame.type))
    return `an answer of unknown type: ${text.slice(0, 80)}`
  const read = SERVER_FRAMES[frame.type as keyof typeof SERVER_FRAMES].safeParse(frame)
  if (!read.success) return `an answer that is not as documented: ${text.slice(0, 120)}`
  if (frame.type !== 'error') return undefined
  // What people read must not show how the server is made.
  return /\bat .*:\d+|node:|\.ts\b|SQLITE/.test(String(frame.message))
    ? `a look inside: ${text.slice(0, 120)}`
    : undefined
}
