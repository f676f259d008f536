// Holds the documentation to the code: what it names exists, and what exists and matters is named.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { startLocalFleet } from './fleet/local-fleet.ts'
import { until } from './fleet/until.ts'

const ROOT = dirname(import.meta.dirname)
const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'protocol/SPEC.md']
const DOCS = globSync('docs/**/*.md', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
const FOLDERS = 'protocol|loadbalancer|server|chat-app|scripts|tests|docs|\\.github|\\.ci'
/** A file or folder of this repository as prose names it. A `*` stands for some of them. */
const REPOSITORY_PATH = new RegExp(`^(?:${FOLDERS})/[^\\s]*$`)
/** Made by running or building. */
const GENERATED = /^chat-app\/dist/

/** What a call needs, by the security scheme of the OpenAPI document. */
const NEEDS: Record<string, string> = { accessToken: 'token', fleetSecret: 'fleet secret' }

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const codeOf = (line: string) => [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
/** Without fenced blocks, which show commands and their output. */
const proseOf = (page: string) => page.replaceAll(/^```[^]*?^```$/gm, '')

describe('the pages', () => {
  test('no drawing names a folder of the machine it was made on', () => {
    for (const path of globSync('docs/*.svg', { cwd: ROOT })) {
      // What is written in it: a path there begins at a package or at this repository.
      const found = /[ >]\/[\w.-][^<]*/.exec(read(path))?.[0]
      assert.equal(found, undefined, path)
    }
  })

  for (const page of [...PAGES, ...DOCS]) {
    test(`${page}: every file it names exists`, () => {
      const named = codeOf(proseOf(read(page))).filter(
        (code) => REPOSITORY_PATH.test(code) && !GENERATED.test(code),
      )
      for (const path of named) {
        assert.ok(
          path.includes('*') ? globSync(path, { cwd: ROOT }).length > 0 : isHere(path, page),
          `${path} is not there`,
        )
      }
    })

    test(`${page}: every relative link leads to a file, and to a heading in it`, () => {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [path = '', heading] = target.split('#')
        const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path)
        assert.ok(existsSync(file), `${target} leads nowhere`)
        if (heading !== undefined) assert.ok(headingsOf(file).has(heading), `${target}: no such heading`)
      }
    })

    test(`${page}: every npm script it names exists`, () => {
      for (const [, script = '', workspace] of read(page).matchAll(
        /npm (?:run )?((?<=run )[\w:-]+|start|test)(?:[^`\n]*? -w ([\w-]+))?/g,
      )) {
        const { scripts } = JSON.parse(
          read(workspace === undefined ? 'package.json' : `${workspace}/package.json`),
        ) as {
          scripts: Record<string, string>
        }
        assert.ok(script in scripts, `there is no npm script ${script} in ${workspace ?? 'the root'}`)
      }
    })
  }

  test('ARCHITECTURE.md and CONTRIBUTING.md: every function named in a line is in a file named in that line', () => {
    let checked = 0
    for (const page of ['ARCHITECTURE.md', 'CONTRIBUTING.md']) {
      for (const paragraph of paragraphsOf(read(page))) {
        const codes = codeOf(paragraph)
        const sources = codes
          .filter((code) => /^[\w./-]+\.tsx?$/.test(code) && existsSync(join(ROOT, code)))
          .map(read)
        for (const code of codes) {
          const [, owner, name] = /^(?:(\w+)\.)?(#?\w+)\(\)$/.exec(code) ?? []
          if (name === undefined) continue
          checked += 1
          const isThere = sources.some(
            (source) =>
              new RegExp(`(?<![\\w#])${name}(?:<[^>]*>)?\\(`).test(source) &&
              (owner === undefined || new RegExp(`\\b${owner}\\b`).test(source)),
          )
          assert.ok(isThere, `${page}: ${code} is in none of the files its paragraph names: ${paragraph}`)
        }
      }
    }
    assert.ok(checked > 50, `only ${checked} functions were found`)
  })

  test('CI runs the command that the pages name', () => {
    assert.match(read('.github/workflows/ci.yml'), /^\s*- run: npm run check$/m)
    assert.match(read('.ci/run'), /^npm test$/m)
  })
})

describe('docs/features.md', () => {
  const rows = [...read('docs/features.md').matchAll(/^\| (S[\d.]+) \|(.*)\|$/gm)].map(
    ([, id = '', rest = '']) => {
      const [what = '', state = '', where = '', shownBy = ''] = rest.split(' | ').map((cell) => cell.trim())
      return { id, what, state, where: codeOf(where), tests: codeOf(shownBy) }
    },
  )

  test('has every id once, in order', () => {
    const ids = read('docs/feature-ids.txt').trim().split('\n')
    assert.deepEqual(
      rows.map(({ id }) => id),
      ids,
    )
  })

  test('says of each whether it is done, partly or open, and shows what it claims by a test', () => {
    for (const { id, what, state, where, tests } of rows) {
      assert.ok(what !== '', id)
      assert.match(state, /^\*\*(done|partly|open)\*\*(: .+)?$/, id)
      if (state.startsWith('**partly**')) assert.match(state, /: ./, `${id} does not say what is missing`)
      for (const path of where) assert.ok(existsSync(join(ROOT, path)), `${id}: ${path} is not there`)
      for (const path of tests) {
        assert.match(path, /\.test\.ts$/, id)
        assert.ok(existsSync(join(ROOT, path)), `${id}: ${path} is not there`)
      }
      if (!state.startsWith('**open**'))
        assert.ok(where.length > 0 && tests.length > 0, `${id} names no test, or no place`)
    }
  })
})

test('docs/operations.md explains every metric of a server and of the balancer, and no other', async (t) => {
  const fleet = await startLocalFleet({ servers: 1 })
  t.after(() => fleet.stop())
  const page = sectionOf(read('docs/operations.md'), '## Watching it')
  for (const [heading, url] of [
    ['| metric of a server |', fleet.servers[0]?.url.replace('ws:', 'http:').replace(/\/ws$/, '')],
    ['| metric of the balancer |', fleet.loadbalancer.url],
  ] as const) {
    const [table = ''] = page.slice(page.indexOf(heading)).split('\n\n')
    const explained = [...table.matchAll(/`(flotilla_\w+)`/g)].map(([, name = '']) => name)
    const text = await (await fetch(`${url}/metrics`)).text()
    const offered = [...text.matchAll(/^# TYPE (flotilla_\w+) /gm)].map(([, name = '']) => name)
    assert.deepEqual(explained.sort(), offered.sort())
  }
})

describe('README.md', () => {
  const PROCESSES: [heading: string, main: string][] = [
    ['### `npm start`', 'scripts/fleet.ts'],
    ['### `npm run fleet -- drain`', 'scripts/fleet.ts drain'],
    ['### `npm run fleet -- roll`', 'scripts/fleet.ts roll'],
    ['### `npm run loadbalancer`', 'loadbalancer/src/main.ts'],
    ['### `npm run server`', 'server/src/main.ts'],
    ['## Replay', 'scripts/replay.ts'],
    ['## Bench', 'scripts/bench/bench.ts'],
    ['## Chaos', 'scripts/chaos.ts'],
  ]
  for (const [heading, main] of PROCESSES) {
    test(`has the flags of ${main} with their defaults, all of them and no others`, () => {
      assert.deepEqual(flagsOfSection(heading), flagsOfProcess(main))
    })
  }

  test('has every call of the balancer, and who may make it', async (t) => {
    const fleet = await startLocalFleet({ servers: 0 })
    t.after(() => fleet.stop())
    const response = await fetch(`${fleet.loadbalancer.url}/openapi.json`)
    const { paths } = (await response.json()) as {
      paths: Record<string, Record<string, { security?: Record<string, unknown>[] }>>
    }
    const offered = Object.entries(paths)
      .filter(([path]) => !path.startsWith('/internal/'))
      .flatMap(([path, calls]) =>
        Object.entries(calls).map(([method, { security = [] }]) => {
          const [door = ''] = security.flatMap((scheme) => Object.keys(scheme))
          return `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')} ${NEEDS[door] ?? door}`.trim()
        }),
      )
    const table = sectionOf(read('README.md'), '### Balancer, HTTP')
    const documented = [...table.matchAll(/^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \| ([^|]*)\|/gm)].map(
      ([, call = '', needs = '']) => `${call} ${needs}`.trim(),
    )
    assert.deepEqual(documented.sort(), offered.sort())
  })

  test('names the files that a fleet in use makes', async (t) => {
    // An empty secret counts as none: then the fleet makes its own, as for people.
    const fleet = await startLocalFleet({ servers: 1, env: { FLEET_SECRET: '', NODE_ENV: 'test' } })
    t.after(() => fleet.stop())
    const { url } = fleet.loadbalancer
    const client = new ChatClient({ loadbalancers: [url], identity: { token: () => tokenOf(url) } })
    t.after(() => client.close())
    client.start()
    const room = client.room('general')
    room.send('hello')
    await until('it is acked', () => room.state.head === 1 && room.pending.length === 0)

    const table = sectionOf(read('README.md'), '## Data')
    const named = [...table.matchAll(/^\| `data\/([^`]+)`/gm)].map(([, path = '']) =>
      path.replace('server-8080', `server-${fleet.servers[0]?.port}`),
    )
    assert.ok(named.length >= 8)
    for (const path of named) assert.ok(existsSync(join(fleet.dataDir, path)), `${path} was not made`)
    const made = globSync('{.,*}/*.*', { cwd: fleet.dataDir }).map((path) => path.replaceAll('\\', '/'))
    const unnamed = made.filter((path) => !named.includes(path) && !/lock\.db|-(wal|shm|journal)$/.test(path))
    assert.deepEqual(unnamed, [])
  })
})

/** Where a page lies, shorter paths count from there, too. */
function isHere(path: string, page: string): boolean {
  return existsSync(join(ROOT, path)) || existsSync(join(ROOT, dirname(page), path))
}

/** Paragraphs and items of lists as they stand, tables by row. */
function paragraphsOf(page: string): string[] {
  return proseOf(page)
    .split(/\n\n+|\n(?=\||- )/)
    .filter((paragraph) => paragraph.trim() !== '')
}

/** As GitHub makes them. */
function headingsOf(file: string): Set<string> {
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** From a heading to the next one of its level or above. */
function sectionOf(page: string, heading: string): string {
  const start = page.indexOf(`\n${heading}`)
  assert.notEqual(start, -1, `there is no heading ${heading}`)
  const level = heading.indexOf(' ')
  const rest = page.slice(start + 1 + heading.length)
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}

type Flags = Record<string, string>

function flagsOfSection(heading: string): Flags {
  const rows = sectionOf(read('README.md'), heading).matchAll(
    /^\| `(--[\w-]+|[A-Z_]+)` \| (?:`([^`]*)` )?\|/gm,
  )
  return Object.fromEntries([...rows].map(([, flag = '', value = '']) => [flag, value] as const))
}

/** From `--help`, as a process says it that has nothing set in its environment. */
function flagsOfProcess(command: string): Flags {
  const { PATH = '' } = process.env
  const [main = '', ...args] = command.split(' ')
  const { stdout, status, stderr } = spawnSync(process.execPath, [join(ROOT, main), ...args, '--help'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH },
  })
  assert.equal(status, 0, stderr)
  const lines = stdout.matchAll(/^ {2}(--[\w-]+|[A-Z_]+) .*?(?:\(default ([^\s)]+)\))?$/gm)
  return Object.fromEntries(
    [...lines].map(
      ([, flag = '', value = '']) => [flag, value.startsWith(ROOT) ? relative(ROOT, value) : value] as const,
    ),
  )
}

async function tokenOf(balancer: string): Promise<string> {
  const response = await fetch(`${balancer}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'reader' }),
  })
  return ((await response.json()) as { token: string }).token
}
