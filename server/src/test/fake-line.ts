import type { ServerFrame } from '@flotilla/protocol/frames.ts'
import type { ClientLine } from '../gateway/session.ts'
import { textFrame } from '../rooms/ring.ts'

/** A line with nobody at its other end: keeps what it is told. It takes everything at once, until a test sets what is unsent. */
export class FakeLine implements ClientLine {
  isOpen = true
  unsentBytes = 0
  sentBytes = 0
  isPaused = false
  closedWith: number | undefined
  readonly frames: ServerFrame[] = []

  of<T extends ServerFrame['type']>(type: T) {
    return this.frames.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type)
  }

  write(frame: Buffer): void {
    const short = frame[1] ?? 0
    if (frame[0] !== 0x81) return
    const text = frame.toString('utf8', short === 127 ? 10 : short === 126 ? 4 : 2)
    for (const line of text.split('\n')) this.frames.push(JSON.parse(line) as ServerFrame)
  }
  writeText(text: string): void {
    this.write(textFrame(text))
  }
  ping(text: string): void {
    if (text !== '') this.writeText(text)
  }
  together(write: () => void): void {
    write()
  }
  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
  close(code: number): void {
    this.isOpen = false
    this.closedWith = code
  }
  terminate(): void {
    this.isOpen = false
  }
}
