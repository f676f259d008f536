import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startBalancer } from '../../test/fleet.ts'
import { Browser, outcome, PASSWORD, signedIn } from '../../test/people.ts'

describe('limits', () => {
  test('logins of one address are limited, and say when to come again', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, { loginRate: 3 }, { now: () => time })
    const browser = new Browser(balancer)
    for (let at = 0; at < 3; at += 1) assert.equal((await browser.enterAsGuest('ann')).status, 200)
    browser.address = '192.0.2.1'
    const reply = await browser.enterAsGuest('ann')
    assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '10'])
    time += 10_000
    assert.equal((await browser.enterAsGuest('ann')).status, 200)
  })

  test('accounts made from one address are limited, and say when to come again', async (t) => {
    const balancer = await startBalancer(t, { signupRate: 2 })
    const browser = new Browser(balancer)
    for (const name of ['ann', 'bob']) assert.equal((await browser.signUp(name)).status, 201)
    const reply = await browser.signUp('cat')
    assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '3600'])
  })

  test('behind a proxy that is trusted, the address it names counts, and no other', async (t) => {
    const balancer = await startBalancer(t, { loginRate: 1, trustProxy: true })
    const browser = new Browser(balancer)
    const status = async (address: string) => {
      browser.address = address
      return (await browser.enterAsGuest('ann')).status
    }
    assert.equal(await status('192.0.2.1'), 200)
    assert.equal(await status('192.0.2.2'), 200)
    assert.equal(
      await status('203.0.113.9, 192.0.2.2'),
      429,
      'what the client itself put in front is nothing',
    )
    assert.equal(await status('2001:db8::1'), 200)
    assert.equal(await status('2001:db8::2'), 429, 'one line has a whole /64')
    assert.equal(await status('2001:db8:0:1::1'), 200)
  })

  test('ten wrong passwords, whatever the forwarded address says; the right one then does not help, but a known browser does', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => time })
    const owner = await signedIn(balancer, 'ann')
    for (const name of ['ann', 'nobody']) {
      const stranger = new Browser(balancer)
      for (let at = 0; at < 10; at += 1) {
        stranger.address = `192.0.2.${at}`
        assert.deepEqual(outcome(await stranger.signIn(name, 'wrong password')), [401, 'wrong_password'])
      }
      const reply = await stranger.signIn(name)
      assert.deepEqual([...outcome(reply), reply.headers.get('retry-after')], [429, 'rate_limited', '900'])
    }
    assert.equal((await owner.signIn('ann')).status, 200)
    time += 15 * 60_000
    assert.equal((await new Browser(balancer).signIn('ann')).status, 200)
  })

  test('who has somebody’s token cannot try passwords by it for longer', async (t) => {
    const balancer = await startBalancer(t)
    const browser = await signedIn(balancer, 'ann')
    for (let at = 0; at < 10; at += 1)
      assert.equal((await browser.call('DELETE', '/api/me', { password: 'wrong password' })).status, 401)
    assert.equal((await browser.call('DELETE', '/api/me', { password: PASSWORD })).status, 429)
    const change = { old: PASSWORD, new: 'another password' }
    assert.equal((await browser.call('POST', '/api/me/password', change)).status, 429)
    assert.equal((await new Browser(balancer).signIn('ann')).status, 200, 'that is another door')
  })
})
