// The web app as one of the fleet's processes: built when its sources are newer than the last build, then served.
// node scripts/fleet/web.ts --host HOST --port PORT; LOADBALANCER_URL says where its API calls go.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { preview } from 'vite'
import { buildWebIfStale } from './web-build.ts'

const { values } = parseArgs({ options: { host: { type: 'string' }, port: { type: 'string' } } })
const host = values.host ?? '127.0.0.1'
const port = Number(values.port ?? 5173)

try {
  await buildWebIfStale()
  await preview({
    root: join(import.meta.dirname, '../../chat-app'),
    logLevel: 'error',
    preview: { host, port, strictPort: true, open: false },
  })
  console.log(JSON.stringify({ ready: true, id: 'web', url: `http://${host}:${port}` }))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
