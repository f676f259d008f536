// The fleet on one machine.
//
//   npm start                      balancer :9000, servers :8080-8082 (one per core, if there are more), web app :5173;
//                                  Ctrl-C takes them down
//   npm start -- --help            its flags
//   npm run fleet -- status        the servers as the balancer sees them
//   npm run fleet -- drain 8081    empties a server; with --cancel it serves again
//   npm run fleet -- roll          restarts every process in turn, and proves that nothing was lost
import { configOrExit } from '@flotilla/protocol/node/settings.ts'
import {
  readDrainConfig,
  readRollConfig,
  readStartConfig,
  readStatusConfig,
  type StartConfig,
} from './fleet/config.ts'
import { drainServer } from './fleet/drain.ts'
import { rollFleet } from './fleet/roll.ts'
import { showStatus } from './fleet/status.ts'
import { StartFailed, Supervisor } from './fleet/supervisor.ts'

/** One Ctrl-C arrives twice: from the terminal, and handed on by npm. Only what comes later is a second one. */
const SAME_PRESS_MS = 500

const COMMANDS: Record<string, (argv: readonly string[]) => Promise<number>> = {
  start: (argv) => start(configOrExit(() => readStartConfig(argv, process.env))),
  status: (argv) => showStatus(configOrExit(() => readStatusConfig(argv, process.env)).loadbalancer),
  drain: (argv) => drainServer(configOrExit(() => readDrainConfig(argv, process.env))),
  roll: (argv) => rollFleet(configOrExit(() => readRollConfig(argv, process.env))),
}

const [first = '', ...rest] = process.argv.slice(2)
const isCommand = first !== '' && !first.startsWith('-')
const command = COMMANDS[isCommand ? first : 'start']
if (command) {
  process.exit(await command(isCommand ? rest : process.argv.slice(2)))
} else {
  console.error(`Unknown command "${first}": there are ${Object.keys(COMMANDS).join(', ')}.`)
  process.exit(2)
}

/** Runs the fleet until it is told to stop. @returns the exit code */
async function start(config: StartConfig): Promise<number> {
  const supervisor = new Supervisor(config, (line) => {
    console.log(`${new Date().toTimeString().slice(0, 8)} ${line}`)
  })
  let isStopping = false
  let stoppingSince = 0
  const stopped = new Promise<void>((resolve) => {
    const stop = () => {
      if (isStopping) {
        if (performance.now() - stoppingSince < SAME_PRESS_MS) return
        supervisor.kill()
        process.exit(130)
      }
      isStopping = true
      stoppingSince = performance.now()
      console.log('\nStopping …')
      void supervisor.stop().then(resolve)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
    // Nobody reads on (`npm start | head`): without this the fleet would go on unseen, or die of EPIPE.
    process.stdout.on('error', () => isStopping || stop())
  })
  try {
    const table = await supervisor.start()
    if (!isStopping) {
      console.log(
        ['Flotilla is up. Ctrl-C stops it.', '', ...table.map((line) => `  ${line}`), ''].join('\n'),
      )
    }
  } catch (error) {
    if (!isStopping) {
      if (!(error instanceof StartFailed)) throw error
      console.error(error.message)
      return 1
    }
  }
  await stopped
  return 0
}
