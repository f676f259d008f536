// What the OpenAPI document says that the balancer answers, it answers, with real chat servers behind it; and nothing else.
// Its time stands still but where a test lets it pass: what may be done so often in some seconds is then done so often on any machine.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openFleet, PASSWORD, Tester } from './api-tester.ts'
import { accountsOf } from './openapi.accounts.ts'
import { tooMuch } from './openapi.limits.ts'
import { roomsOf } from './openapi.rooms.ts'
import { serversOf, withoutServers } from './openapi.servers.ts'

const SHARED = 'the list is that of all acts on a room, and this one has no such case'
/**
 * Answers that are documented and that this test does not produce, with the reason. Whoever documents another one adds what
 * produces it in a file beside this one, or it here.
 */
const NOT_PRODUCED: Record<string, string> = {
  ...Object.fromEntries(
    ['join', 'leave', 'uninvite', 'ban', 'unban', 'unmute'].map((act) => [
      `post /api/rooms/{roomId}/${act} conflict`,
      SHARED,
    ]),
  ),
  'patch /api/rooms/{roomId} conflict': SHARED,
  'get /api/rooms/{roomId}/members forbidden': SHARED,
  'post /api/rooms/{roomId}/reports forbidden': SHARED,
  'post /api/rooms busy': 'sometimes: the home has to be away when a new room gets its topic',
  'put /api/blocks/{userId} too_many': 'takes more accounts than a test makes: see accounts.routes.test.ts',
  'get /api/me/export busy': 'sometimes: of two at once, if the first is not done by then',
  'get /readyz not_ready': 'a balancer that stops takes no connection any more',
}

interface Operation {
  security: Record<string, unknown>[]
  requestBody?: unknown
  responses: Record<string, { description: string }>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
}

const FOREIGN = 'https://evil.example'

test('each documented answer of each call is produced by real processes, and no other', async (t) => {
  const fleet = await openFleet(t, ['--login-rate', '0', '--signup-rate', '0'], 2)
  const { url } = fleet
  const produced = new Set<string>()
  const stranger = () => new Tester(url, produced)
  const machine = new Tester(url, produced, fleet.secret)
  const document = (await stranger().does('get /openapi.json')) as unknown as Document
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ call: `${method} ${path}`, operation })),
  )

  for (const path of [
    '/asyncapi.json',
    '/healthz',
    '/readyz',
    '/metrics',
    '/.well-known/jwks.json',
    '/servers',
    '/get',
    '/events',
  ]) {
    await stranger().does(`get ${path}`)
  }
  await knockingWrongly(operations, machine, stranger)
  await accountsOf(stranger)
  const scene = await roomsOf(stranger, fleet)
  await tooMuch(t, stranger, scene)
  await serversOf(t, machine)
  await withoutServers(fleet, machine, stranger, scene)
  await withoutGuests(t, produced)

  const documented = operations.flatMap(({ call, operation }) =>
    Object.entries(operation.responses).flatMap(([status, { description }]) =>
      Number(status) < 400
        ? [`${call} ${status}`]
        : [...description.matchAll(/`(\w+)`:/g)].map(([, code]) => `${call} ${code}`),
    ),
  )
  const undocumented = [...produced].filter((answer) => !documented.includes(answer))
  assert.deepEqual(undocumented, [], 'answered, and not documented')
  const missing = documented.filter((answer) => !produced.has(answer) && !(answer in NOT_PRODUCED))
  assert.deepEqual(missing, [], 'documented, and never answered')
  const needless = Object.entries(NOT_PRODUCED).filter(
    ([answer, why]) => produced.has(answer) && !why.startsWith('sometimes'),
  )
  assert.deepEqual(needless, [], 'produced after all')
})

/** What is refused before a call is looked at. */
async function knockingWrongly(
  operations: { call: string; operation: Operation }[],
  machine: Tester,
  stranger: () => Tester,
): Promise<void> {
  const guest = await stranger().logIn('passer-by')
  for (const { call, operation } of operations) {
    const door = Object.keys(operation.security[0] ?? {})[0]
    if (door !== undefined) assert.equal((await stranger().call(call)).answer, 'unauthenticated', call)
    const inside = door === 'fleetSecret' ? machine : guest
    if (operation.responses['403']?.description.includes('foreign_origin') === true) {
      assert.equal((await inside.with({ origin: FOREIGN }).call(call)).answer, 'foreign_origin', call)
    }
    if (operation.requestBody === undefined) continue
    const headers = { 'content-type': 'text/plain' }
    assert.equal((await inside.call(call, 'x', { headers })).answer, 'unsupported_media_type', call)
    assert.equal((await inside.call(call, '{')).answer, 'bad_request', call)
    const bytes =
      call === 'post /register' ? 16 * 1024 * 1024 : door === 'fleetSecret' ? 1024 * 1024 : 64 * 1024
    assert.equal((await inside.call(call, `"${'x'.repeat(bytes)}"`)).answer, 'too_large', call)
  }
}

async function withoutGuests(t: TestContext, produced: Set<string>): Promise<void> {
  const { url } = await openFleet(t, ['--guests', 'off', '--login-rate', '5', '--signup-rate', '1'], 0)
  const stranger = new Tester(url, produced)
  for (let i = 0; i < 6; i += 1) await stranger.call('post /api/login', { username: 'ann' })
  const given = { username: 'ann', password: PASSWORD }
  for (const username of ['a', 'b']) await stranger.call('post /api/signup', { ...given, username })
}
