// Stands in for a process that carries out orders: one it can, one it cannot, one it never finishes, one that ends it.
import process from 'node:process'

process.on('disconnect', () => process.exit(0))
process.on('message', ({ order, ask }: { order: string; ask: number }) => {
  if (order === 'double') process.send?.({ ok: true, answer: 2 * ask })
  if (order === 'fail') process.send?.({ ok: false, message: 'no such thing' })
  if (order === 'end') process.exit(3)
})
