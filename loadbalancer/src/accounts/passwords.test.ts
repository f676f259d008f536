import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BUSY, Passwords, whyUnusable } from './passwords.ts'

function counting(limits?: ConstructorParameters<typeof Passwords>[1]) {
  let hashes = 0
  return { passwords: new Passwords(() => (hashes += 1), limits), made: () => hashes }
}

describe('passwords', () => {
  test('only the right one is right, also in another form of the same characters', async () => {
    const { passwords } = counting()
    const stored = (await passwords.hash('Zoë’s bicycle')) as string
    assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.equal(await passwords.isRight('Zoë’s bicycle', stored), true)
    assert.equal(await passwords.isRight('Zoe\u0308’s bicycle', stored), true)
    assert.equal(await passwords.isRight('zoë’s bicycle', stored), false)
    assert.notEqual(await passwords.hash('Zoë’s bicycle'), stored, 'each has its own salt')
    assert.equal(passwords.isOutdated(stored), false)
  })

  test('the reference hash of another implementation is understood, with its own parameters', async () => {
    // From src/test.c of the reference implementation (P-H-C/phc-winner-argon2).
    const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    const { passwords } = counting()
    assert.equal(await passwords.isRight('password', stored), true)
    assert.equal(await passwords.isRight('passwort', stored), false)
    assert.equal(passwords.isOutdated(stored), true)
  })

  test('nobody’s password is as much work as somebody’s, and never right', async () => {
    const { passwords, made } = counting()
    const stored = (await passwords.hash('correct horse')) as string
    assert.equal(made(), 1)
    for (const each of [stored, undefined]) await passwords.isRight('wrong horse', each)
    assert.equal(made(), 3)
    assert.equal(await passwords.isRight('', undefined), false)
  })

  test('so many at once, so many waiting, and the next is sent away at once', async () => {
    const { passwords, made } = counting({ atOnce: 1, waiting: 2 })
    const tries = ['one', 'two', 'three', 'four'].map((password) => passwords.hash(password))
    assert.equal(await tries[3], BUSY)
    const [one, two, three] = await Promise.all(tries)
    for (const hash of [one, two, three]) assert.match(hash as string, /^\$argon2id/)
    assert.equal(made(), 3)
    assert.match((await passwords.hash('later')) as string, /^\$argon2id/)
  })

  test('what is stored and is no hash is no silent no', async () => {
    for (const stored of ['', 'password', '$argon2i$v=19$m=1,t=1,p=1$YQ$YQ'])
      await assert.rejects(counting().passwords.isRight('x', stored), /no hash/)
  })

  test('which ones may be used', () => {
    for (const good of ['corrécte', 'x'.repeat(128), '🐢'.repeat(8), ' spaces  too ', 'тыквенный'])
      assert.equal(whyUnusable(good, 'ann'), undefined, good)
    for (const [bad, why] of [
      ['short', /8 to 128/],
      ['x'.repeat(129), /8 to 128/],
      ['', /8 to 128/],
      ['password', /commonest/],
      ['PassWord', /commonest/],
      ['1234567890', /commonest/],
      ['qwertyuiop', /commonest/],
      ['Konstanze', /not the name/],
      ['\ud800'.repeat(10), /characters/],
    ] as const)
      assert.match(whyUnusable(bad, 'konstanze') ?? 'usable', why, bad)
  })
})
