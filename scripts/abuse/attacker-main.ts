import process from 'node:process'
import { ATTACKS } from './attacks.ts'
import type { AttackerOrders } from './attacker.ts'

/** The process of the attacker: runs the attack it is told, and says what came of it. */

type Order = AttackerOrders['attack']
async function attack({ name, target }: Order['ask']): Promise<Order['answer']> {
  const found = ATTACKS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no attack ${name}`)
  const { tries, bypasses } = await found.run(target)
  return { tries, bypasses }
}

process.on('disconnect', () => process.exit(0))
process.on('message', ({ ask }: { ask: Order['ask'] }) => {
  attack(ask).then(
    (answer) => process.send?.({ ok: true, answer }),
    (error: unknown) =>
      process.send?.({ ok: false, message: error instanceof Error ? error.stack : String(error) }),
  )
})
