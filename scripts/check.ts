// Everything a change must pass, in one command: `npm run check` (or `npm test`); CI runs the same.
//
//   npm run check                        all steps; a failing one does not keep the others from running
//   npm run check -- --only lint         one step (can be given several times)
//   npm run test:unit -- a.test.ts       only these test files; --name 'S1' only tests whose name matches
//
// The last line of a run with tests is `N passed, N failed`.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { ensureChromium } from './browser.ts'

const TEST_FILES = '{protocol,loadbalancer,server,chat-app,scripts,tests}/**/*.test.ts'
/** The whole-fleet tests start several processes each: more files at once only make them slow and flaky. */
const FILES_AT_ONCE = 2
/** Then the test files still running or waiting fail, by name, instead of holding CI up: one that leaks hangs. */
const TESTS_TIMEOUT_MS = 20 * 60_000

const root = dirname(import.meta.dirname)
const bin = (path: string) => join(root, 'node_modules', path)

const { values: options, positionals: testFiles } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', multiple: true }, name: { type: 'string' } },
})

let tally: Tally | undefined

/** Each resolves to whether it passed; tests come last, so that their result ends the output. */
const STEPS: Record<string, () => Promise<boolean>> = {
  format: () => node(bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'),
  lint: () => node(bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0'),
  types: () => node(bin('typescript-7/bin/tsc'), '-b'),
  imports: () => {
    const folders = globSync('{protocol,loadbalancer,server,chat-app,scripts,tests}', { cwd: root })
    return node(
      bin('dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      ...folders,
    )
  },
  lockfile: () => node(join(root, 'scripts/check-lock.mjs')),
  bench: () => shown(join(root, 'scripts/bench/bench.ts'), '--short'),
  tests: async () => {
    const files = findTests()
    if (testFiles.length === 0) await ensureChromium()
    tally = await runTests(files)
    return tally.failed === 0
  },
}

process.exitCode = (await check()) ? 0 : 1

async function check(): Promise<boolean> {
  const names = options.only ?? Object.keys(STEPS)
  const startedAt = Date.now()
  const failed: string[] = []
  for (const name of names) {
    const step = STEPS[name]
    if (!step) throw new Error(`no step ${name}; there are ${Object.keys(STEPS).join(', ')}`)
    console.log(`== ${name}`)
    const stepStartedAt = Date.now()
    const passed = await step().catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error)
      return false
    })
    if (!passed) failed.push(name)
    console.log(`   ${passed ? 'ok' : 'FAILED'}, ${seconds(stepStartedAt)}`)
  }
  console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nAll good')
  console.log(`${seconds(startedAt)} in all${tally?.skipped ? `, ${tally.skipped} tests skipped` : ''}`)
  if (tally) console.log(`${tally.passed} passed, ${tally.failed} failed`)
  return failed.length === 0
}

/** Runs a script under this same Node; its output is shown only if it fails. */
async function node(...args: string[]): Promise<boolean> {
  const { passed, output } = await runScript(args)
  if (!passed) process.stdout.write(output)
  return passed
}

/** Its output is what it is run for. */
async function shown(...args: string[]): Promise<boolean> {
  const { passed, output } = await runScript(args)
  process.stdout.write(output)
  return passed
}

async function runScript(args: string[]): Promise<{ passed: boolean; output: Buffer }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
  })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((done, fail) => {
    child.on('error', fail)
    child.on('close', done)
  })
  return { passed: code === 0, output: Buffer.concat(output) }
}

function findTests(): string[] {
  const exclude = (path: string) => /(^|[\\/])node_modules$/.test(path)
  if (testFiles.length === 0)
    return globSync(TEST_FILES, { cwd: root, exclude })
      .sort()
      .map((path) => join(root, path))
  return testFiles.flatMap((asked) => {
    const found = globSync(asked, { exclude })
    if (found.length === 0) throw new Error(`no test file matches ${asked}`)
    return found.map((path) => resolve(path))
  })
}

interface Tally {
  passed: number
  failed: number
  skipped: number
}

async function runTests(files: string[]): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  if (files.length === 0) return tally
  const events = run({
    files,
    concurrency: FILES_AT_ONCE,
    signal: AbortSignal.timeout(TESTS_TIMEOUT_MS),
    ...(options.name && { testNamePatterns: options.name }),
  })
  events.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return // of one file; the last one is of all
    tally.passed = counts.passed
    tally.failed = counts.tests - counts.passed - counts.skipped - counts.todo // cancelled ones have failed, too
    tally.skipped = counts.skipped + counts.todo
  })
  await pipeline(events, new spec(), process.stdout, { end: false })
  return tally
}

function seconds(sinceMs: number): string {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`
}
