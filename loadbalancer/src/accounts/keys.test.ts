import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { freshFolder } from '../../test/fleet.ts'
import { ANNOUNCE_MS, KEY_MS, KeyRing } from './keys.ts'
import { TOKEN_MS, Tokens } from './tokens.ts'

const NOW = 1_795_000_000_000
const ANN = { id: 'guest:ann', name: 'ann' }

async function open(t: TestContext) {
  const file = join(freshFolder(t), 'keys.json')
  const keys = await KeyRing.open(file, NOW, TOKEN_MS)
  return { file, keys, tokens: new Tokens(keys) }
}
const kids = (keys: KeyRing) => keys.publicKeys.keys.map(({ kid }) => kid)
const kidOf = async (tokens: Tokens, now: number) =>
  decodeProtectedHeader((await tokens.issue(ANN, now)).token).kid

describe('keys', () => {
  test('a new key is published before it signs, and the old one for as long as its tokens live', async (t) => {
    const { file, keys, tokens } = await open(t)
    const [old] = kids(keys)
    const { kid, signsFrom } = await keys.rotate(NOW, ANNOUNCE_MS)
    assert.equal(signsFrom, NOW + ANNOUNCE_MS)
    assert.deepEqual(kids(keys), [old, kid])
    assert.equal(await kidOf(tokens, signsFrom - 1), old)
    assert.equal(await kidOf(tokens, signsFrom), kid)
    const last = await tokens.issue(ANN, signsFrom - 1)
    assert.equal(await keys.tend(last.expiresAt - 1), 'level')
    assert.deepEqual((await tokens.verify(last.token, last.expiresAt - 1))?.user, ANN)
    assert.equal(await keys.tend(signsFrom + TOKEN_MS), 'level')
    assert.deepEqual(kids(keys), [kid])
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(kids(await KeyRing.open(file, NOW, TOKEN_MS)), [kid], 'also in the next run')
  })

  test('tokens are good through rotations, restarts among them, however many there are', async (t) => {
    const { file } = await open(t)
    let issued: { token: string; expiresAt: number }[] = []
    for (let at = NOW; at < NOW + 3 * KEY_MS; at += 5 * 60_000) {
      // Most of the time nothing happens; looking at it is what takes time here.
      if (at % KEY_MS > 2 * ANNOUNCE_MS && KEY_MS - (at % KEY_MS) > 2 * ANNOUNCE_MS) continue
      const keys = await KeyRing.open(file, at, TOKEN_MS)
      await keys.tend(at)
      const tokens = new Tokens(keys)
      issued.push(await tokens.issue(ANN, at))
      issued = issued.filter(({ expiresAt }) => expiresAt > at)
      for (const { token } of issued) assert.deepEqual((await tokens.verify(token, at))?.user, ANN)
      assert.ok(kids(keys).length <= 2)
    }
  })

  test('a key that is old enough gives way by itself, once', async (t) => {
    const { keys } = await open(t)
    assert.equal(await keys.tend(NOW + KEY_MS - ANNOUNCE_MS - 1), 'level')
    assert.equal(await keys.tend(NOW + KEY_MS - ANNOUNCE_MS), 'rotated')
    assert.equal(await keys.tend(NOW + KEY_MS - ANNOUNCE_MS + 1), 'level')
    assert.equal(kids(keys).length, 2)
  })

  test('at once means at once, and what was to sign later is dropped', async (t) => {
    const { keys, tokens } = await open(t)
    const waiting = await keys.rotate(NOW, ANNOUNCE_MS)
    const { kid } = await keys.rotate(NOW + 1, 0)
    assert.equal(await kidOf(tokens, NOW + 1), kid)
    assert.ok(!kids(keys).includes(waiting.kid))
    assert.equal(await kidOf(tokens, NOW + 2 * ANNOUNCE_MS), kid)
  })

  test('orders that come together are carried out one after the other, and there is a limit to the keys', async (t) => {
    const { keys, tokens } = await open(t)
    const rotated = await Promise.all(Array.from({ length: 50 }, (_, at) => keys.rotate(NOW + at, 0)))
    assert.equal(new Set(rotated.map(({ kid }) => kid)).size, 50)
    assert.equal(kids(keys).length, 20)
    assert.equal(await kidOf(tokens, NOW + 50), rotated.at(-1)?.kid)
  })

  test('a file from before there was rotation keeps its key, and that has its full time from now', async (t) => {
    const { file, keys } = await open(t)
    const { first } = keys
    const written = JSON.parse(readFileSync(file, 'utf8')) as { keys: object[] }
    writeFileSync(
      file,
      JSON.stringify({ keys: written.keys.map((key) => ({ ...key, signsFrom: undefined })) }),
    )
    const old = await KeyRing.open(file, NOW, TOKEN_MS)
    assert.deepEqual([kids(old), old.first], [[first], first])
    assert.equal(await old.tend(NOW), 'level')
    assert.equal(await (await KeyRing.open(file, NOW, TOKEN_MS)).tend(NOW + KEY_MS), 'rotated')
  })

  test('what a folder is known by does not change with its keys', async (t) => {
    const { file, keys } = await open(t)
    const { first } = keys
    await keys.rotate(NOW, 0)
    await keys.tend(NOW + TOKEN_MS)
    assert.ok(!kids(keys).includes(first))
    assert.equal((await KeyRing.open(file, NOW, TOKEN_MS)).first, first)
  })
})
