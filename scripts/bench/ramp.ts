// The highest rate a server stands: tried upwards until one is too much, then between the two.

export interface RampRules {
  /** Tried first, if nothing is known. */
  from: number
  least: number
  most: number
  /** The rates above and below the answer are this much apart at most: 1.1 = 10 %. */
  precision: number
}

const FACTOR = 2

/** Decides which rate is tried next; who measures says whether it was stood. */
export class RampSearch {
  readonly #rules: RampRules
  /** The highest rate that was stood, and the lowest above it that was not. */
  #stood: number | undefined
  #tooMuch: number | undefined

  constructor(rules: RampRules) {
    this.#rules = rules
  }

  /** The highest rate that was stood so far. */
  get best(): number | undefined {
    return this.#stood
  }

  /** The lowest rate that was too much. */
  get tooMuch(): number | undefined {
    return this.#tooMuch
  }

  /** Rates may come in any order, from whatever was measured. */
  note(rate: number, isStood: boolean): void {
    if (isStood) this.#stood = Math.max(this.#stood ?? 0, rate)
    else this.#tooMuch = Math.min(this.#tooMuch ?? Infinity, rate)
    // A rate that was too much once and stood higher up was a disturbance.
    if (this.#tooMuch !== undefined && this.#tooMuch <= (this.#stood ?? 0)) this.#tooMuch = undefined
  }

  /** The rate to try; undefined: the answer is known as well as is asked for. */
  next(): number | undefined {
    const { from, least, most, precision } = this.#rules
    const [stood, tooMuch] = [this.#stood, this.#tooMuch]
    if (stood === undefined && tooMuch === undefined) return from
    if (tooMuch === undefined) return above(stood ?? from, most)
    if (stood === undefined)
      return tooMuch <= least ? undefined : Math.max(least, Math.round(tooMuch / FACTOR))
    if (tooMuch / stood <= precision) return undefined
    const middle = Math.round(Math.sqrt(stood * tooMuch))
    return middle > stood && middle < tooMuch ? middle : undefined
  }
}

function above(stood: number, most: number): number | undefined {
  return stood >= most ? undefined : Math.min(most, stood * FACTOR)
}
