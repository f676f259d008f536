import { spawn } from 'node:child_process'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const ROOT = dirname(dirname(import.meta.dirname))
const SOURCES = [
  'chat-app/src',
  'chat-app/public',
  'chat-app/index.html',
  'chat-app/vite.config.ts',
  'protocol/src',
]

/**
 * Builds the web app into `chat-app/dist` if its sources are newer than what stands there.
 * @throws Error with the builder's output
 */
export async function buildWebIfStale(): Promise<void> {
  const dist = join(ROOT, 'chat-app/dist')
  const builtAt = await newestOf(join(dist, 'index.html'))
  const changedAt = Math.max(...(await Promise.all(SOURCES.map((path) => newestOf(join(ROOT, path))))))
  if (builtAt > changedAt) return

  // Built aside and then put in its place: who serves or starts at the same time never sees half an app.
  const fresh = join(ROOT, `node_modules/.cache/chat-app-${process.pid}`)
  try {
    await build(fresh)
    await mkdir(dist, { recursive: true })
    // Another process may have built it at the same time: one of the two stays, and they are the same.
    await rename(dist, `${fresh}-old`).catch(unless('ENOENT'))
    await rename(fresh, dist).catch(unless('ENOTEMPTY', 'EEXIST'))
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(`${fresh}-old`, { recursive: true, force: true })
  }
}

/** In a process of its own: the builder takes some 200 MB, which the one that serves need not keep. */
async function build(outDir: string): Promise<void> {
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js')
  const args = [
    vite,
    'build',
    join(ROOT, 'chat-app'),
    '--outDir',
    outDir,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ]
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`the web app could not be built:\n${Buffer.concat(output).toString()}`)
}

function unless(...codes: string[]) {
  return (error: NodeJS.ErrnoException) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

/** When the newest file at or under `path` was changed, in ms since 1970; 0 if there is none. */
async function newestOf(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts) return 0
  if (!facts.isDirectory()) return facts.mtimeMs
  const times = await Promise.all((await readdir(path)).map((name) => newestOf(join(path, name))))
  return Math.max(0, ...times)
}
