/**
 * Bugs to plant, one at a time, to see that the simulator finds each: the proof of the proof. A plant is a change of the source
 * as it is loaded (`plant-hook.ts`); the code itself knows nothing of them. One whose text is no longer there is an error, so
 * that the list keeps up with the code.
 */

export interface Plant {
  name: string
  edits: readonly Edit[]
  /** For one that bites in few worlds: the seed to begin at, a little before one in which it did. Only to save time. */
  from?: number
  /** It shows only where things happen to rooms. */
  acts?: true
}
export interface Edit {
  file: string
  /** Stands once in the file. */
  find: string
  put: string
}

export const plant = (name: string, ...edits: Edit[]): Plant => ({ name, edits })
const rarePlant = (from: number, name: string, ...edits: Edit[]): Plant => ({ name, edits, from })

const housePlant = (name: string, ...edits: Edit[]): Plant => ({ name, edits, acts: true })

/** Names who is here, and not who was handed out as being here. */
const SNAPSHOT_OF_NOW: readonly Edit[] = [
  {
    file: 'server/src/rooms/presence.ts',
    find: 'return this.#shown.size',
    put: 'return this.#people.size',
  },
  {
    file: 'server/src/rooms/presence.ts',
    find: 'for (const user of this.#shown.values()) {',
    put: 'for (const { user } of this.#people.values()) {',
  },
]

/** Of who may. */
const HOUSE_PLANTS: readonly Plant[] = [
  housePlant('takes what the room forbids', {
    file: 'server/src/rooms/home.ts',
    find: 'const refusal = this.rules.maySend(send, ts)',
    put: 'const refusal = undefined as Refusal | undefined',
  }),
  housePlant('goes on telling those it has sent out', {
    file: 'server/src/rooms/entrance.ts',
    find: 'this.#sendOut((member) => member.user.id === gone.id && member.admittedAt < entry.seq, gone.reason)',
    put: '',
  }),
  housePlant('has forgotten after a take-over who may', {
    file: 'server/src/rooms/room.ts',
    find: 'new HouseRules(genesis, chronicle)',
    put: 'new HouseRules(genesis, [])',
  }),
  housePlant('judges without what is being committed', {
    file: 'server/src/rooms/house-rules.ts',
    find: 'this.#ahead.maySend(user, now) ?? this.#settled.maySend(user, now)',
    put: 'this.#settled.maySend(user, now)',
  }),
]

export const PLANTS: readonly Plant[] = [
  ...HOUSE_PLANTS,
  plant('acks before the commit', {
    file: 'server/src/rooms/home.ts',
    find: 'else if (!this.#add({ draft: { ...send, ts }, answer })) answer(this.#busy())',
    put: `else {
      answer({ ok: true, seq: this.#feed.head + 1, ts })
      this.#add({ draft: { ...send, ts }, answer: () => {} })
    }`,
  }),
  plant('acks one send in four and stores nothing of it', {
    file: 'server/src/rooms/home.ts',
    find: 'else if (!this.#add({ draft: { ...send, ts }, answer })) answer(this.#busy())',
    put: `else if (send.id.charCodeAt(0) % 4 === 0) answer({ ok: true, seq: this.#feed.head + 1, ts })
    else if (!this.#add({ draft: { ...send, ts }, answer })) answer(this.#busy())`,
  }),
  plant('publishes before the commit', {
    file: 'server/src/rooms/home.ts',
    find: 'const ts = this.#clock.now()',
    put: `const ts = this.#clock.now()
    this.#feed.push([Buffer.from(encodeEntry(entryOfDraft(this.room, { ...send, ts }, this.#feed.head + 1, ts)))])
    this.#feed.flush()`,
  }),
  plant('takes a refusal of the store for a success', {
    file: 'server/src/rooms/home.ts',
    find: "for (const { answer } of drafts) answer(refuse('busy', undefined, retryMs))",
    put: 'for (const { answer } of drafts) answer({ ok: true, seq: this.#feed.head, ts: 0 })',
  }),
  plant('acks what a fenced home could not store', {
    file: 'server/src/rooms/home.ts',
    find: "for (const { answer } of drafts) answer(refuse('busy', undefined, SOON_MS))",
    put: 'for (const { answer } of drafts) answer({ ok: true, seq: this.#feed.head + 1, ts: 0 })',
  }),
  plant('does not step down when fenced', {
    file: 'server/src/rooms/home.ts',
    find: 'this.#events.fenced()',
    put: '',
  }),
  plant('acks a repeat with a seq of its own', {
    file: 'server/src/rooms/home.ts',
    find: "case 'repeat':\n          answer({ ok: true, seq: outcome.seq, ts: outcome.ts })",
    put: "case 'repeat':\n          answer({ ok: true, seq: this.#feed.head + 1, ts: outcome.ts })",
  }),
  plant('has no fence', {
    file: 'server/src/store/memory-store.ts',
    find: "if (room === undefined || room.epoch !== part.epoch || room.movedTo !== undefined) return 'fenced'",
    put: "if (room === undefined) return 'fenced'",
  }),
  plant(
    'checks the fence before the transaction, not in it',
    {
      file: 'server/src/store/memory-store.ts',
      find: 'async append(batch: Batch): Promise<Committed> {',
      put: `fenced(batch: Batch) {
    return batch.map((part) => {
      const room = this.#disk.rooms.get(part.room)
      return room === undefined || room.epoch !== part.epoch || room.movedTo !== undefined
    })
  }
  async append(batch: Batch, fenced: boolean[]): Promise<Committed> {`,
    },
    {
      file: 'server/src/store/memory-store.ts',
      find: "if (room === undefined || room.epoch !== part.epoch || room.movedTo !== undefined) return 'fenced'",
      put: "if (fenced[batch.indexOf(part)]) return 'fenced'",
    },
    {
      file: 'tests/simulator/sim-disk.ts',
      find: `return this.#io(1, 20, () => {
      this.#check()
      return this.#store.append(batch)
    })`,
      put: `return this.#io(1, 5, () => this.#store.fenced(batch)).then((fenced) => this.#io(20, 100, () => {
      this.#check()
      return this.#store.append(batch, fenced)
    }))`,
    },
  ),
  plant('raises no fence in the store a room is taken from', {
    file: 'server/src/store/memory-store.ts',
    find: 'row.epoch = epoch\n      row.movedTo = this.#self',
    put: '',
  }),
  plant('takes the room from the store that has least of it', {
    file: 'server/src/store/memory-store.ts',
    find: 'isAhead(row, best) ? row : best',
    put: 'isAhead(best, row) ? row : best',
  }),
  plant('has no dedupe', {
    file: 'server/src/store/memory-store.ts',
    find: 'if (known !== undefined) {',
    put: 'if (known !== undefined && draft.id === "") {',
  }),
  plant('keeps its dedupe in memory only', {
    file: 'server/src/store/memory-store.ts',
    find: 'this.#chunk = options.chunk ?? Infinity',
    put: `this.#chunk = options.chunk ?? Infinity
    for (const room of this.#disk.rooms.values()) room.sends.clear()`,
  }),
  plant('keeps its dedupe where a take-over does not bring it', {
    file: 'server/src/store/memory-store.ts',
    find: 'own.sends.set(key, send)',
    put: 'void send',
  }),
  plant('takes a send whose predecessor is missing', {
    file: 'server/src/store/memory-store.ts',
    find: "return { is: 'gap' }",
    put: 'void 0',
  }),
  plant(
    'reads the head before the fence',
    {
      file: 'server/src/store/memory-store.ts',
      find: "yield 'level'",
      put: "const seen = early?.entries.length\n    yield 'level'",
    },
    {
      file: 'server/src/store/memory-store.ts',
      find: 'const last = latest(fenced)!',
      put: 'const row0 = latest(fenced)!\n    const last = { ...row0, entries: row0.entries.slice(0, seen) }',
    },
  ),
  plant(
    'calls a room its own before all of it is here',
    {
      file: 'server/src/store/memory-store.ts',
      find: 'own.movedTo ??= refs[0]!.id',
      put: 'own.movedTo = undefined\n    void refs',
    },
    {
      file: 'server/src/store/memory-store.ts',
      find: 'if (this.#disk.rooms.get(room) !== own || own.movedTo === undefined) {',
      put: 'if (this.#disk.rooms.get(room) !== own) {',
    },
  ),
  plant('asks only the last home for a room', {
    file: 'loadbalancer/src/rooms/placement.ts',
    find: '.filter((id) => id !== homeId)',
    put: '.filter((id) => id !== homeId).slice(-1)',
  }),
  plant('asks nobody for a room that was elsewhere', {
    file: 'loadbalancer/src/rooms/placement.ts',
    find: '.filter((id) => id !== homeId)',
    put: '.filter((id) => id === homeId)',
  }),
  plant('does not miss a lost tail', {
    file: 'server/src/rooms/relay.ts',
    find: 'if (seq > at.head || membersVersion > this.#membersVersion) this.#mend()',
    put: 'if (membersVersion > this.#membersVersion) this.#mend()',
  }),
  plant('takes entries behind a gap', {
    file: 'server/src/rooms/relay.ts',
    find: 'if (message.from > at.head + 1) {',
    put: 'if (message.from > at.head + 1_000_000) {',
  }),
  plant('takes entries twice', {
    file: 'server/src/rooms/relay.ts',
    find: 'this.#events.entries(lines.slice(at.head + 1 - message.from))',
    put: 'this.#events.entries(lines)',
  }),
  plant('takes an answer that never came for an ack', {
    file: 'server/src/rooms/relay.ts',
    find: "send?.({ ok: false, code: 'busy', retryMs: SOON_MS })",
    put: 'send?.({ ok: true, seq: (this.#position()?.head ?? 0) + 1, ts: 0 })',
  }),
  plant('skips an entry while catching up from the log', {
    file: 'server/src/rooms/feed.ts',
    find: 'ring.prepend(lines, to)',
    put: 'ring.prepend(lines.slice(1).concat(lines.slice(-1)), to)',
  }),
  plant('keeps the people of a server that is gone', {
    file: 'server/src/rooms/presence.ts',
    find: 'if (known !== undefined) known.goneAt ??= now + this.#graceMs',
    put: '',
  }),
  plant('moves the cursor of a client without showing what it passes', {
    file: 'protocol/src/client/room-cursor.ts',
    find: 'if (this.#at === undefined) {\n      this.#first = first\n      this.#at = first - 1\n    }',
    put: 'this.#first ??= first\n    this.#at = first - 1',
  }),
  plant('shows an entry again that comes again', {
    file: 'protocol/src/client/room-cursor.ts',
    find: 'if (entry.seq <= this.#at) continue',
    put: 'if (entry.seq <= this.#at) ready.push(entry)',
  }),
  plant('does not send again what was unacked when the line broke', {
    file: 'protocol/src/client/outbox.ts',
    find: "if (item.state === 'sent') this.#become(item, 'waiting')\n    }\n  }\n\n  /** On a new connection",
    put: "if (item.state === 'sent') void item\n    }\n  }\n\n  /** On a new connection",
  }),
  plant('names no predecessor', {
    file: 'protocol/src/client/outbox.ts',
    find: '...(after === undefined ? {} : { after }),',
    put: '',
  }),
  plant(
    'lets a zombie go on as the home of its clients',
    {
      file: 'server/src/rooms/rooms.ts',
      find: "if (outcome === 'fenced') homes[i]?.fenced([])",
      put: 'void i, outcome',
    },
    {
      file: 'server/src/rooms/room.ts',
      find: 'this.home.successor = by\n    this.home.fenced([])',
      put: '',
    },
  ),
  rarePlant(390, 'does not repeat what version its people are at', {
    file: 'server/src/rooms/home-people.ts',
    find: 'if (!this.#presence.isAt(edge, v)) this.#ask(edge)',
    put: 'void [edge, v]',
  }),
  // From here on: bugs that were once there, found by a world whose seed shows them no more, since the code of a world decides,
  // too, what happens in it.
  rarePlant(1160, 'does not miss a lost change of people', {
    file: 'server/src/rooms/relay.ts',
    find: 'if (seq > at.head || membersVersion > this.#membersVersion) this.#mend()',
    put: 'if (seq > at.head) this.#mend()',
  }),
  plant(
    'gives requests numbers that were given before, also by the run before a restart',
    {
      file: 'tests/simulator/sim-server.ts',
      find: 'let requests = this.#world.between(0, 2 ** 47)',
      put: 'let requests = 0',
    },
    {
      file: 'tests/simulator/sim-server.ts',
      find: 'nextRequest: () => (requests += 1)',
      put: 'nextRequest: () => (requests = (requests + 1) % 64)',
    },
  ),
  rarePlant(310, 'sends a snapshot of people that is of no version', ...SNAPSHOT_OF_NOW),
  rarePlant(
    350,
    'leaves out of a snapshot of people who is about to be called gone and comes back',
    ...SNAPSHOT_OF_NOW,
    {
      file: 'server/src/rooms/home-people.ts',
      find: 'tell(edge: ServerId): void {',
      put: 'tell(edge: ServerId): void {\n    this.#publish()',
    },
  ),
  rarePlant(440, 'has a bus that may say `up` before the `down` that came first', {
    file: 'tests/simulator/sim-network.ts',
    find: 'world.after(STATE_MS, ',
    put: 'world.after(world.between(1, 40 * STATE_MS), ',
  }),
]
