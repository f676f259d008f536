// What is measured: a chat server as a process, and the rooms it has been given.

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
  /** Other processes of it that run beside the server: they get the load's core. */
  companions: readonly number[]
  /** Ends it and deletes its data. */
  stop(): Promise<void>
}

/**
 * A server that speaks join/joined, send/ack and message. Comparisons with another wire need a dialect in `load/`
 * as well.
 */
export interface Target {
  readonly name: string
  /** What it promises, for the head of the output. */
  readonly says: string
  start(options: TargetOptions): Promise<RunningTarget>
}
