// Ids of sends say which one it was of which run, so that nothing has to be looked up when it comes back.

const DOT = 0x2e
const DASH = 0x2d
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

/** What `readSendId` found, in one object for all calls: there are millions. */
export interface SendIdRead {
  run: number
  k: number
}

/** `4711.3-20`: unique over all load processes of the machine. */
export function sendId(process: number, run: number, k: number): string {
  return `${process}.${run}-${k}`
}

/** Reads the id at `bytes[at …]` into `into`. @returns false if it is none of ours */
export function readSendId(bytes: Buffer, at: number, end: number, into: SendIdRead): boolean {
  let number = 0
  let run = -1
  for (; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte >= DIGIT_0 && byte <= DIGIT_9) number = number * 10 + byte - DIGIT_0
    else if (byte === DOT) number = 0
    else if (byte === DASH) {
      run = number
      number = 0
    } else break
  }
  if (run < 0) return false
  into.run = run
  into.k = number
  return true
}
