/** What a rolling restart has to show for itself, from what its clients wrote down. Decisions only. */

/** One send of a probe client, in the order it was sent. Times in ms of one clock. */
export interface Sent {
  id: string
  by: string
  at: number
  /** Undefined: never acked. */
  ackedAt?: number
  seq?: number
}

/** One entry as it was shown, or as it stands in the log. */
export interface Seen {
  seq: number
  id: string
  at: number
}

export interface Journal {
  /** All sends, those of one client in their order. */
  sent: readonly Sent[]
  /** What each client showed, in the order it did. */
  seen: ReadonlyMap<string, readonly Seen[]>
  /** The room as it reads at the end, from before the first send on. */
  log: readonly Seen[]
  /** Refused for good, or told that all it knew is void. */
  mishaps: readonly string[]
}

export interface Proof {
  sent: number
  acked: number
  /** Acked and not in the log where the ack said; in the log and not shown by somebody who was there. */
  lost: number
  /** In the log, or on a screen, more than once. */
  doubled: number
  /** Not in the order of sending in the log, or not in the log's order on a screen. */
  reordered: number
  /** Another entry under that seq than the log has. */
  different: number
  unanswered: number
  mishaps: readonly string[]
}

export function prove({ sent, seen, log, mishaps }: Journal): Proof {
  const proof = {
    sent: sent.length,
    acked: 0,
    lost: 0,
    doubled: 0,
    reordered: 0,
    different: 0,
    unanswered: 0,
  }
  const bySeq = new Map(log.map(({ seq, id }) => [seq, id]))
  const logged = new Set(log.map(({ id }) => id))
  proof.doubled += log.length - logged.size
  for (const { id, seq } of sent) {
    if (seq === undefined) {
      proof.unanswered += 1
      continue
    }
    proof.acked += 1
    if (!logged.has(id)) proof.lost += 1
    else if (bySeq.get(seq) !== id) proof.different += 1
  }
  const lastOf = new Map<string, number>()
  for (const { by, seq } of sent) {
    if (seq === undefined) continue
    if (seq <= (lastOf.get(by) ?? 0)) proof.reordered += 1
    lastOf.set(by, seq)
  }
  for (const shown of seen.values()) compare(shown, log, bySeq, proof)
  return { ...proof, mishaps }
}

/** One screen against the log, from the first entry it showed on. */
function compare(
  shown: readonly Seen[],
  log: readonly Seen[],
  bySeq: ReadonlyMap<number, string>,
  proof: { lost: number; doubled: number; reordered: number; different: number },
): void {
  const first = shown[0]?.seq ?? 0
  const seqs = new Set<number>()
  let last = 0
  for (const { seq, id } of shown) {
    if (seqs.has(seq)) proof.doubled += 1
    else if (seq < last) proof.reordered += 1
    if (bySeq.has(seq) && bySeq.get(seq) !== id) proof.different += 1
    seqs.add(seq)
    last = Math.max(last, seq)
  }
  for (const { seq } of log) if (seq >= first && !seqs.has(seq)) proof.lost += 1
}

export function holds(proof: Proof): boolean {
  const { sent, lost, doubled, reordered, different, unanswered, mishaps } = proof
  return sent > 0 && lost + doubled + reordered + different + unanswered + mishaps.length === 0
}

/** How long writers and readers waited for what was sent from `from` to `to`: milliseconds, ascending. */
export function delays(
  { sent, seen }: Pick<Journal, 'sent' | 'seen'>,
  from = -Infinity,
  to = Infinity,
): { ack: number[]; shown: number[] } {
  const sentAt = new Map<string, number>()
  const ack: number[] = []
  for (const { id, at, ackedAt } of sent) {
    if (at < from || at >= to) continue
    sentAt.set(id, at)
    if (ackedAt !== undefined) ack.push(ackedAt - at)
  }
  const shown: number[] = []
  for (const screen of seen.values()) {
    for (const { id, at } of screen) {
      const began = sentAt.get(id)
      if (began !== undefined) shown.push(at - began)
    }
  }
  const ascending = (a: number, b: number) => a - b
  return { ack: ack.sort(ascending), shown: shown.sort(ascending) }
}

/** Of ascending figures; 0 if there are none. */
export function percentile(figures: readonly number[], part: number): number {
  return figures[Math.min(figures.length - 1, Math.ceil(figures.length * part) - 1)] ?? 0
}
