// The clients of a storm, in a process of their own: started by `storm-process.ts`, ends with it, does what it is told.
import process from 'node:process'
import { StormCrowd } from './storm-crowd.ts'
import type { StormRequest, StormResponse } from './storm-orders.ts'

const crowd = new StormCrowd()

process.on('disconnect', () => process.exit(0))
process.on('message', (request: StormRequest) => {
  carryOut(request).then(
    (answer) => say({ ok: true, answer }),
    (error: unknown) => say({ ok: false, message: error instanceof Error ? error.message : String(error) }),
  )
})

async function carryOut(request: StormRequest): Promise<unknown> {
  switch (request.order) {
    case 'place':
      await crowd.place(request.ask)
      return {}
    case 'talk':
      crowd.talk(request.ask)
      return {}
    case 'look':
      return crowd.look()
    case 'brace':
      return crowd.brace(request.ask)
    case 'back':
      return crowd.back(request.ask)
    case 'heads':
      return crowd.heads()
    case 'settle':
      return crowd.settle(request.ask)
  }
}

function say(response: StormResponse): void {
  process.send?.(response)
}
