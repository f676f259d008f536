// Stands in for a fleet process where the supervisor itself is tested: node small-server.ts PORT [mode]
// `GET /exit` ends it, `GET /block` makes it deaf. Modes: `fail` ends before it is ready, `stubborn` ignores SIGINT.
import { createServer } from 'node:http'

const [port = '0', mode] = process.argv.slice(2)
if (mode === 'fail') {
  console.error('cannot start: the test says so')
  process.exit(3)
}
if (mode === 'stubborn') process.on('SIGINT', () => console.error('no'))

const server = createServer((request, response) => {
  if (request.url === '/exit') process.exit(7)
  if (request.url === '/block') for (;;);
  response.end('ok')
})
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  console.log('some other line')
  console.log(JSON.stringify({ ready: true, id: 'small', url: `http://127.0.0.1:${address.port}` }))
})
