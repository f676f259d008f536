import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import type { LoggedIn, RoomFacts, ServerRow } from '@flotilla/protocol/control.ts'
import { freshFolder, Peer, until } from '../test/fleet.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function spawnBalancer(
  t: TestContext,
  flags: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: { PATH: process.env['PATH'], ...env } })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** Runs one that is expected to end by itself. */
async function run(t: TestContext, flags: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const child = spawnBalancer(t, flags, env)
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'exit') as Promise<[number | null]>,
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ])
  return { code, stdout, stderr }
}

/** Starts one and waits for its ready line. */
async function start(t: TestContext, dataRoot: string, flags: readonly string[] = []) {
  const child = spawnBalancer(t, ['--port', '0', '--data', dataRoot, ...flags])
  let stdout = ''
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)))
  const exited = once(child, 'exit') as Promise<[number | null]>
  await until(() => stdout.includes('\n') || child.exitCode !== null)
  const ready = JSON.parse(stdout) as { ready: boolean; id: string; url: string }
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await exited)[0]
  }
  return {
    ...ready,
    stdout: () => stdout,
    stop,
    secret: readFileSync(join(dataRoot, 'fleet.secret'), 'utf8').trim(),
  }
}

function post(url: string, body: unknown, bearer?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    body: JSON.stringify(body),
  })
}

const isOneLine = (output: string) => /^[^\n]+\n$/.test(output)

test('it prints one JSON line when it serves, and stops with code 0 when asked to', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const balancer = await start(t, freshFolder(t))
    assert.equal(balancer.ready, true)
    assert.match(balancer.url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const health = (await (await fetch(`${balancer.url}/healthz`)).json()) as { id: string }
    assert.equal(health.id, balancer.id)
    const listening = await fetch(`${balancer.url}/events`)
    assert.equal(await balancer.stop(signal), 0, 'an open stream does not keep it')
    await listening.text().catch(() => '')
    assert.ok(isOneLine(balancer.stdout()))
  }
})

test('wrong flags end it with code 2 and one line that names each', async (t) => {
  const { code, stdout, stderr } = await run(t, ['--port', 'http', '--colour=red'], { LOGIN_RATE: 'many' })
  assert.deepEqual([code, stdout], [2, ''])
  assert.ok(isOneLine(stderr))
  for (const name of ['--port', '--colour', 'LOGIN_RATE']) assert.ok(stderr.includes(name), name)
})

test('--help lists the flags', async (t) => {
  const { code, stdout } = await run(t, ['--help'])
  assert.equal(code, 0)
  for (const flag of ['--port', '--data', '--origins', 'FLEET_SECRET']) assert.ok(stdout.includes(flag), flag)
})

test('a port that is taken: one line that names it and the remedy, code 1', async (t) => {
  const { port } = new URL((await start(t, freshFolder(t))).url)
  const { code, stderr } = await run(t, ['--port', port, '--data', freshFolder(t)])
  assert.equal(code, 1)
  assert.ok(isOneLine(stderr) && stderr.includes(port) && stderr.includes('--port'), stderr)
})

test('a folder that cannot be written: one line that names it, code 1', async (t) => {
  const file = join(freshFolder(t), 'file')
  writeFileSync(file, '')
  const { code, stderr } = await run(t, ['--port', '0', '--data', join(file, 'data')])
  assert.equal(code, 1)
  assert.ok(isOneLine(stderr) && stderr.includes(file) && stderr.includes('--data'), stderr)
})

test('damaged files are named, and left as they are', async (t) => {
  for (const name of ['directory.db', 'keys.json']) {
    const dataRoot = freshFolder(t)
    const file = join(dataRoot, 'loadbalancer', name)
    mkdirSync(join(dataRoot, 'loadbalancer'))
    writeFileSync(file, 'damaged '.repeat(1_000))
    const { code, stderr } = await run(t, ['--port', '0', '--data', dataRoot])
    assert.equal(code, 1)
    assert.ok(isOneLine(stderr) && stderr.includes(name), stderr)
    assert.equal(readFileSync(file, 'utf8'), 'damaged '.repeat(1_000))
  }
})

test('a second balancer on the same folder is refused; after kill -9 the folder is free', async (t) => {
  const dataRoot = freshFolder(t)
  const first = await start(t, dataRoot)
  const { code, stderr } = await run(t, ['--port', '0', '--data', dataRoot])
  assert.equal(code, 1)
  assert.ok(isOneLine(stderr) && /Another balancer/.test(stderr), stderr)
  await first.stop('SIGKILL')
  assert.equal((await start(t, dataRoot)).id, first.id)
})

test('what it made is for its user alone where it is secret', async (t) => {
  const dataRoot = freshFolder(t)
  const balancer = await start(t, dataRoot)
  await balancer.stop('SIGTERM')
  for (const path of ['fleet.secret', 'loadbalancer/keys.json'])
    assert.equal(statSync(join(dataRoot, path)).mode & 0o777, 0o600, path)
  assert.deepEqual(readdirSync(dataRoot).sort(), ['fleet.secret', 'loadbalancer'])
})

test('killed and started again, it knows its rooms, servers and keys, and nobody is moved', async (t) => {
  const dataRoot = freshFolder(t)
  const peer = await Peer.start(t, 'a')
  const before = await start(t, dataRoot)
  assert.equal((await post(`${before.url}/register`, peer.registration(), before.secret)).status, 200)
  const { token } = (await (await post(`${before.url}/api/login`, { username: 'ann' })).json()) as LoggedIn
  const created = await post(`${before.url}/api/rooms`, { name: 'Tea' }, token)
  const { roomId } = (await created.json()) as { roomId: string }
  assert.equal((await post(`${before.url}/api/rooms/${roomId}`, {}, token)).status, 200)
  await before.stop('SIGKILL')

  const after = await start(t, dataRoot)
  const [server] = (await (await fetch(`${after.url}/servers`)).json()) as ServerRow[]
  assert.deepEqual([server?.id, server?.state], ['a', 'late'], 'restarting is not gone')
  assert.equal((await fetch(`${after.url}/get`)).status, 200)
  assert.equal((await post(`${after.url}/update`, peer.report(), after.secret)).status, 404)
  assert.equal((await post(`${after.url}/register`, peer.registration(), after.secret)).status, 200)
  const facts = await fetch(`${after.url}/api/rooms/${roomId}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { name, home } = (await facts.json()) as RoomFacts
  assert.deepEqual([name, home], ['Tea', 'a'])
})
