// Runs a program that is none of ours as a fleet's process is run: it says when it serves, and ends with its parent.
//
//   node scripts/bench/peers/foreign.ts <port> <program> [its arguments]
//
// The ready line's `id` is the program's pid.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'

const TRY_AGAIN_MS = 20

const [port = '', program = '', ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
child.on('error', (error) => {
  console.error(`${program}: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) console.error(`${program} ended with exit code ${code}`)
  process.exit(code ?? 0)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGTERM'))
process.on('exit', () => child.kill('SIGKILL'))

while (!(await serves())) await pause(TRY_AGAIN_MS)
const ready = { ready: true, id: String(child.pid), url: `ws://127.0.0.1:${port}/` }
process.stdout.write(`${JSON.stringify(ready)}\n`)

function serves(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
