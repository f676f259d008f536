// Everything about accounts and sessions, as people ask it and as they should not.
import { PASSWORD, type Tester } from './api-tester.ts'

export async function accountsOf(stranger: () => Tester): Promise<void> {
  const ann = await stranger().signUp('ann')
  const given = { username: 'ann', password: PASSWORD }
  await stranger().call('post /api/signup', given)
  await stranger().call('post /api/signup', { ...given, username: 'a:b' })
  await stranger().call('post /api/signup', { username: 'another', password: 'short' })
  await stranger().call('post /api/login', { ...given, password: 'wrong horse' })
  await stranger().call('post /api/login', { username: 'a:b' })
  await stranger().call('post /api/login', { username: 'ann' })
  const other = await stranger().logIn('ann', PASSWORD)
  await ann.does('get /api/me')
  await other.does('post /api/token')
  await stranger().call('post /api/token')
  const sessions = (await ann.does('get /api/sessions')) as unknown as { id: string; current: boolean }[]
  const sessionId = sessions.find(({ current }) => !current)?.id ?? ''
  await ann.does('delete /api/sessions/{sessionId}', undefined, { parts: { sessionId } })
  await ann.call('delete /api/sessions/{sessionId}')
  await ann.does('delete /api/sessions')
  const change = (body: object) => ann.call('post /api/me/password', body)
  await change({ old: 'wrong horse', new: `${PASSWORD}!` })
  await change({ old: PASSWORD, new: 'short' })
  await change({ old: PASSWORD, new: `${PASSWORD}!` })
  const { token } = await ann.does('patch /api/me', { username: 'anna' })
  ann.headers['authorization'] = `Bearer ${String(token)}`
  await ann.call('patch /api/me', { username: 'a:b' })
  const ben = await stranger().signUp('ben')
  await ann.call('patch /api/me', { username: 'ben' })
  await ann.does('put /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await ann.does('get /api/blocks')
  await ann.does('delete /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: 'user:nobody' } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: 'nobody' } })
  await ann.call('put /api/blocks/{userId}', undefined, { parts: { userId: ann.id } })
  const guest = await stranger().logIn('gus')
  await guest.call('put /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await guest.call('delete /api/blocks/{userId}', undefined, { parts: { userId: ben.id } })
  await guest.call('patch /api/me', { username: 'gustav' })
  await guest.call('post /api/me/password', { old: 'x', new: PASSWORD })
  await guest.call('delete /api/me', { password: 'x' })
  await ann.call('delete /api/me', { password: 'wrong horse' })
  await ann.does('delete /api/me', { password: `${PASSWORD}!` })
  await ben.does('post /api/logout')
}
