import { once } from 'node:events'
import fc from 'fast-check'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { SERVER_FRAMES } from '@flotilla/protocol/server-frames.ts'
import { WebSocket } from 'ws'
import { Score, inLanes, type Attack } from './attack.ts'

/** A million frames that follow the grammar almost: each is answered or refused with a known code, and none is the last. */

const FRAMES = 1_000_000
/** Below what closes 4429. */
const PER_LINE = LIMITS.badFrames - 10
const LANES = 8
const PATIENCE_MS = 60_000

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    "' OR 1=1 --",
    '\u202e',
    '{}',
    '\\',
  ),
  fc.string({ minLength: 65, maxLength: 300 }),
)
const room = fc.oneof(
  fc.constantFrom('general', 'no-such-room', '../general', 'GENERAL', '__proto__'),
  anyText,
)
const seq = fc.oneof(fc.nat(100), fc.constantFrom(-1, 0, 1.5, 2 ** 53, 1e308, -0, NaN, '1', null))
const id = fc.oneof(fc.constantFrom('a', 'b'), anyText)
const field = {
  ...{
    ref: fc.oneof(fc.integer(), anyText),
    room,
    id,
    text: anyText,
    after: id,
    before: seq,
    since: seq,
    log: anyText,
  },
  ...{
    limit: seq,
    target: seq,
    emoji: anyText,
    on: fc.oneof(fc.boolean(), anyText),
    replyTo: seq,
    query: anyText,
  },
  ...{ to: anyText, data: fc.jsonValue({ maxDepth: 3 }), seq, user: fc.jsonValue({ maxDepth: 2 }) },
}
const types = [
  'join',
  'leave',
  'send',
  'edit',
  'delete',
  'react',
  'history',
  'search',
  'read',
  'typing',
  'signal',
  'ping',
]
/** A frame as the grammar has it, with fields of any type in some places, too many of them, or too few. */
const nearFrame = fc
  .record(
    {
      type: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...types) }, { weight: 1, arbitrary: anyText }),
      ...field,
    },
    { requiredKeys: ['type'] },
  )
  .map((frame) => JSON.stringify(frame))
const wrongTypes = fc
  .dictionary(
    fc.constantFrom('type', ...Object.keys(field), '__proto__', 'constructor'),
    fc.jsonValue({ maxDepth: 2 }),
  )
  .map((frame) => JSON.stringify(frame))
const deep = fc.integer({ min: 10, max: 5_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`)
const wide = fc
  .integer({ min: 10, max: 3_000 })
  .map((width) => `{"type":"ping",${Array.from({ length: width }, (_, at) => `"k${at}":${at}`).join()}}`)
/** A frame with some characters cut out, doubled or replaced. */
const broken = fc
  .tuple(nearFrame, fc.nat(), fc.nat(20), fc.string({ unit: 'binary', maxLength: 3 }))
  .map(([frame, at, cut, put]) => {
    const where = at % (frame.length + 1)
    return frame.slice(0, where) + put + frame.slice(where + cut)
  })
const line = fc
  .oneof(
    { weight: 10, arbitrary: nearFrame },
    { weight: 4, arbitrary: broken },
    { weight: 2, arbitrary: wrongTypes },
    { weight: 1, arbitrary: anyText },
    { weight: 1, arbitrary: deep },
    { weight: 1, arbitrary: wide },
  )
  // A line break would make two lines of it, and what is no text cannot leave in a text frame.
  .map((text) => text.replaceAll('\n', ' ').toWellFormed())

export const frameAttack: Attack = {
  name: 'frames',
  says: 'mutated frames, grammar-aware; deep and wide JSON, __proto__, lone surrogates',
  async run({ server, seed, scale }) {
    const score = new Score()
    const lines = Math.max(1, Math.ceil((FRAMES * scale) / PER_LINE))
    await inLanes(Array(lines).keys(), LANES, async (at) => {
      const batch = fc.sample(line, { numRuns: PER_LINE, seed: seed + at })
      // Each line is somebody else, who keeps below the limits: what is tried is what a line says, not how much.
      const fault = await speak(`${server.url}?username=fuzz-${at}`, batch)
      score.tries += PER_LINE
      if (fault !== undefined) score.bypasses.push(`frames of seed ${seed + at}: ${fault}`)
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
