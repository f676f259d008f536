import type { ErrorCode } from '../errors.ts'
import type { History, HistoryRequest } from '../frames.ts'
import type { Line } from './line.ts'

export type Page = Pick<History, 'entries' | 'done'>

/** A question under way, and who waits for its answer. */
export interface Question {
  readonly line: Line
  readonly answer: (page: Page) => void
  readonly refuse: (code: ErrorCode, retryMs?: number) => void
}

const MAX_QUESTIONS = 64

/** The `history` questions of a room by their ref. Each gets one answer: a page, a refusal, or `busy` if its line is lost. */
export class Questions {
  readonly #all = new Map<number, Question>()

  get isFull(): boolean {
    return this.#all.size >= MAX_QUESTIONS
  }

  ask(question: Question, frame: HistoryRequest & { ref: number }): void {
    this.#all.set(frame.ref, question)
    question.line.send(frame)
  }

  /** The question that an answer with this ref belongs to; it is not waited for any longer. */
  take(ref: unknown): Question | undefined {
    if (typeof ref !== 'number') return undefined
    const question = this.#all.get(ref)
    this.#all.delete(ref)
    return question
  }

  /** What was asked on this line, or on any, will not be answered. */
  drop(line?: Line): void {
    for (const [ref, question] of [...this.#all]) {
      if (line === undefined || question.line === line) this.take(ref)?.refuse('busy')
    }
  }
}
