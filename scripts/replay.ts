// Runs an IRC log through a fleet and verifies what came of it.
//
//   npm run replay -- FILE                                   through a fleet of its own, as fast as acks come
//   npm run replay -- FILE --kill                            … with a kill -9 of the room's home half way
//   npm run replay -- FILE --speed 60                        … sixty times as fast as it was said
//   npm run replay -- FILE --unordered                       … every nick as fast as it can
//   npm run replay -- FILE --loadbalancer http://127.0.0.1:9000    through a running fleet, in a new room
//   npm run replay -- --help                                 all flags
//
// Every nick is a client of its own, placed by `GET /get`. At the end every client must have seen the same entries, byte
// for byte the log's texts, in the log's order; every ack must match; the SQLite files must hold it. Exit code 1 if not.
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import { readReplayConfig } from './replay/config.ts'
import { replay } from './replay/replay.ts'

const config = configOrExit(() => readReplayConfig(process.argv.slice(2), process.env))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

try {
  const { differences } = await replay(config, { say: (line) => console.log(line), signal: stop.signal })
  process.exitCode = stop.signal.aborted ? 130 : differences.length > 0 ? 1 : 0
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
