// The load generator, a process of its own so that neither its CPU nor its garbage counts as the server's. Started by
// the benchmark (`load-process.ts`), ends with it, does what it is told by one order at a time (`load/orders.ts`).
import process from 'node:process'
import { LoadCrowd } from './load/crowd.ts'
import { get } from './load/http.ts'
import type { Request, Response } from './load/orders.ts'
import { ReturningCrowd } from './load/returning.ts'

const crowd = new LoadCrowd()
const returning = new ReturningCrowd()

process.on('disconnect', () => process.exit(0))
process.on('message', (request: Request) => {
  carryOut(request).then(
    (answer) => say({ ok: true, answer }),
    (error: unknown) => say({ ok: false, message: error instanceof Error ? error.message : String(error) }),
  )
})

async function carryOut(request: Request): Promise<unknown> {
  switch (request.order) {
    case 'join':
      return crowd.join(request.ask)
    case 'send':
      return crowd.send(request.ask)
    case 'listen':
      return crowd.listen(request.ask)
    case 'get':
      return get(request.ask)
    case 'return':
      return returning.comeBack(request.ask)
    case 'pages':
      return returning.page(request.ask)
    case 'leave':
      crowd.leave()
      returning.leave()
      return {}
  }
}

function say(response: Response): void {
  process.send?.(response)
}
