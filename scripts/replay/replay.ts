import { readFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { startLocalFleet, type LocalFleet } from '../fleet/local-fleet.ts'
import { BalancerApi } from './balancer-api.ts'
import type { ReplayConfig } from './config.ts'
import type { Journal } from './journal.ts'
import { parseLog, type ChatLog } from './log-file.ts'
import { Names } from './names.ts'
import { enterAll, play, type PlayOptions } from './play.ts'
import { showProgress } from './progress.ts'
import { countPerServer, describeLog, describeRun, describeVerdict } from './report.ts'
import { readStoredRows } from './stored-rows.ts'
import { verify } from './verify.ts'

/** How long a killed server stays dead. */
const DEAD_MS = 1_000
const OPERATOR = 'replay-operator'

/** Runs a log through a fleet and judges what came of it. Says what it does. @returns what differs: nothing is right */
export async function replay(
  config: ReplayConfig,
  { say, signal }: { say: (line: string) => void; signal?: AbortSignal },
): Promise<{ differences: string[]; journal: Journal }> {
  const log = parseLog(await readFile(config.file), LIMITS.textChars)
  const names = new Names()
  for (const { nick } of log.lines) names.nameOf(nick)
  say(`${config.file}: ${describeLog(log, names.mapped)}`)
  if (log.lines.length === 0)
    return { differences: ['the log has no line that anybody said'], journal: emptyJournal() }

  if (config.loadbalancer !== undefined) {
    const journal = await perform(log, names, config, config.loadbalancer, {
      say,
      ...(signal ? { signal } : {}),
    })
    return judge(journal, config, say)
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'flotilla-replay-'))
  try {
    const fleet = await startLocalFleet({
      servers: config.servers,
      serverArgs: ['--rate', '0', '--per-ip', '0'],
      dataDir,
    })
    let journal: Journal
    let room: string
    try {
      const api = await BalancerApi.enter(fleet.loadbalancer.url, OPERATOR)
      room = config.room === undefined ? 'general' : await api.roomNamed(config.room)
      journal = await perform(log, names, { ...config, room }, fleet.loadbalancer.url, {
        say,
        fleet,
        ...(signal ? { signal } : {}),
      })
    } finally {
      await fleet.stop() // before the files are read: what is in them then is what would be there tomorrow
    }
    return judge({ ...journal, files: readStoredRows(dataDir, room) }, config, say)
  } finally {
    if (config.isKept) say(`data kept in ${dataDir}`)
    else await rm(dataDir, { recursive: true, force: true })
  }
}

async function perform(
  log: ChatLog,
  names: Names,
  config: ReplayConfig,
  loadbalancer: string,
  { say, fleet, signal }: { say: (line: string) => void; fleet?: LocalFleet; signal?: AbortSignal },
): Promise<Journal> {
  const api = await BalancerApi.enter(loadbalancer, OPERATOR)
  const room = await api.roomNamed(config.room ?? config.roomName)
  let restarting = Promise.resolve()
  const killAt = config.isKilling && fleet ? Math.floor(log.lines.length / 2) : undefined
  const options: PlayOptions = {
    loadbalancer,
    room,
    order: config.isOrdered ? 'log' : 'sender',
    speed: config.speed,
    ...(signal ? { signal } : {}),
    onLine: (index) => {
      if (index === killAt && fleet) restarting = killHome(fleet, api, room, say)
    },
  }
  const cast = await enterAll(new Set(log.lines.map(({ nick }) => nick)), names, options)
  const { stage } = cast
  const spread = countPerServer(stage.members)
  say(`${stage.members.length} clients are in room ${room}`)

  const startedAt = performance.now()
  const progress = showProgress(
    () => `${stage.answered} of ${log.lines.length} lines, ${stage.deliveries} deliveries`,
  )
  try {
    await play(log.lines, cast, options)
  } finally {
    progress.end()
  }
  const seconds = (performance.now() - startedAt) / 1000
  await restarting
  for (const line of describeRun(stage, seconds, spread)) say(line)
  return stage.journal()
}

/** Kills the server that orders the room, and starts it again a second later. */
async function killHome(
  fleet: LocalFleet,
  api: BalancerApi,
  room: string,
  say: (line: string) => void,
): Promise<void> {
  const { home } = await api.room(room)
  const server = fleet.servers.find(({ id }) => id === home) ?? fleet.servers[0]
  if (!server) return
  say(`kill -9 of ${server.name}, ${home === undefined ? 'one of the servers' : 'the home of the room'}`)
  server.kill('SIGKILL')
  await server.exited
  await new Promise((resolve) => setTimeout(resolve, DEAD_MS))
  await server.restart()
  say(`${server.name} is back`)
}

function judge(
  journal: Journal,
  config: ReplayConfig,
  say: (line: string) => void,
): { differences: string[]; journal: Journal } {
  const differences = verify(journal, {
    order: config.isOrdered ? 'log' : 'sender',
    strangers: config.loadbalancer !== undefined && config.room !== undefined,
  })
  const files = journal.files ? `, as ${journal.files.map(({ file }) => file).join(' and ')} have it` : ''
  const what = `${journal.witnesses.length} members saw the same ${journal.sent.length} lines, byte for byte and in order; every ack is right${files}.`
  for (const line of describeVerdict(differences, what)) say(line)
  return { differences, journal }
}

function emptyJournal(): Journal {
  return { sent: [], acks: [], refusals: [], witnesses: [] }
}
