// The Chromium that browser tests and screenshots run in: found on the machine, never downloaded behind one's back.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { chromium } from 'playwright-core'

const WAYS = `No Chromium was found. Any of these gives one:
  CHROMIUM_PATH=/path/to/chromium        use one that is installed elsewhere
  npx playwright-core install chromium   download Playwright's own
  apt-get install chromium               or your system's way to install Chromium or Chrome`

/** For `chromium.launch({ executablePath, args: launchArgs })`: quiet, offline, with a fake camera and microphone. */
export const launchArgs: readonly string[] = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // Chromium refuses to start its sandbox as root
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage', // containers have a /dev/shm of 64 MB; tabs crash when it is full
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--allow-loopback-in-peer-connection',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
]

/** The first that exists: CHROMIUM_PATH, Playwright's own, the well-known places of the system. */
export function findChromium(): string | undefined {
  const asked = process.env['CHROMIUM_PATH']
  if (asked) {
    if (existsSync(asked)) return asked
    throw new Error(`CHROMIUM_PATH names ${asked}, which does not exist`)
  }
  return [chromium.executablePath(), ...wellKnownPaths()].find((path) => path && existsSync(path))
}

/**
 * Like `findChromium`; on Debian as root it installs the distribution's package if there is none.
 * @throws Error that names three ways to get one
 */
export async function ensureChromium(): Promise<string> {
  const found = findChromium()
  if (found) return found
  if (isDebian() && process.getuid?.() === 0) {
    console.log('No Chromium found: installing the Debian packages chromium and fonts-noto-color-emoji')
    await aptGet('update')
    await aptGet('install', '-y', '--no-install-recommends', 'chromium', 'fonts-noto-color-emoji')
    const installed = findChromium()
    if (installed) return installed
  }
  throw new Error(WAYS)
}

function wellKnownPaths(): string[] {
  switch (process.platform) {
    case 'darwin':
      return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
        (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
      )
    case 'win32':
      return [process.env['PROGRAMFILES'], process.env['PROGRAMFILES(X86)'], process.env['LOCALAPPDATA']]
        .filter((folder) => folder !== undefined)
        .flatMap((folder) => [
          join(folder, 'Google/Chrome/Application/chrome.exe'),
          join(folder, 'Microsoft/Edge/Application/msedge.exe'),
        ])
    default:
      return [
        '/usr/bin/chromium',
        '/usr/bin/chromium-browser',
        '/usr/bin/google-chrome',
        '/usr/bin/google-chrome-stable',
        '/snap/bin/chromium',
      ]
  }
}

/** Ubuntu does not count: its `chromium` package is a stub that wants snapd. */
function isDebian(): boolean {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** Its output is shown only when it fails: a hundred lines of packages would bury the tests. */
async function aptGet(...args: string[]): Promise<void> {
  const child = spawn('apt-get', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) {
    throw new Error(`apt-get ${args[0]} failed:\n${Buffer.concat(output).toString()}\n${WAYS}`)
  }
}
