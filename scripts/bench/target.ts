// What is measured: a chat server as a process, and the rooms it has been given.
import type { DialectName } from './load/dialects.ts'
import type { Spread } from './load/orders.ts'

export interface TargetOptions {
  /** How many rooms are wanted. */
  rooms: number
  /** The server writes CPU profiles there when it ends. */
  profileDir?: string
}

export interface RunningTarget {
  /** The process whose CPU and memory count. */
  pid: number
  /** `ws://…/ws`; a client says `?username=`. */
  url: string
  rooms: readonly string[]
  /** How it is spoken to, if not as Flotilla is. */
  dialect?: DialectName
  /** Where its clients connect, if not all of them at `url`. */
  spread?: Spread
  /** Other processes of it that run beside the server: they get the load's core. */
  companions: readonly number[]
  /** Ends it and deletes its data. */
  stop(): Promise<void>
}

/** A chat server that can be started. */
export interface Target {
  readonly name: string
  /** What it promises, for the head of the output. */
  readonly says: string
  start(options: TargetOptions): Promise<RunningTarget>
}
